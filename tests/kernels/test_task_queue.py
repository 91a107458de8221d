"""Tasks are shared out so that no worker is long idle, and each is taken once."""

import threading

import numpy as np
import pytest

from ttrec_kernels import smallest_shape
from ttrec_kernels.cpu.compiled import compiled
from ttrec_kernels.cpu.task_queue import MOST_IDLE, TABLE, order_of_whole, share_out, shares_of, take, whole_tables
from ttrec_kernels.layout import TablePlace, layout_matrix

TRAIN = smallest_shape(10_000, 16, 32)


def order(kinds: str, workers: int, lookups: int = 100) -> list[int]:
    """Order of tables, d(ense) or t(ensor train), if workers take them as wholes."""
    dense = TablePlace(10_000, 16, None, (0,), (0,))
    train = TablePlace(10_000, 16, TRAIN, (0, 1, 2), (0, 0, 0))
    layout = layout_matrix([train if kind == "t" else dense for kind in kinds])
    starts = np.arange(len(kinds)) * lookups
    return order_of_whole(layout, np.stack([starts, starts + lookups], axis=1), workers).tolist()


@pytest.mark.parametrize(
    ("kinds", "workers", "is_whole"),
    [
        ("d", 1, True),
        ("t", 2, False),
        ("tt", 2, True),
        ("ttt", 2, False),
        ("dtdtdtdd" * 4, 2, True),
        ("ttttttt" + 19 * "d", 2, True),  # Kaggle's: one worker has a train more, the other one more dense tables
        ("ttttttt" + 19 * "d", 16, False),
        ("dd", 3, False),
    ],
)
def test_whole_tables_only_where_they_keep_all_workers_busy(kinds: str, workers: int, is_whole: bool) -> None:
    found = order(kinds, workers)
    assert sorted(found) == (list(range(len(kinds))) if is_whole else [])
    firsts = "".join(kinds[table] for table in found)
    assert firsts == "".join(sorted(firsts, reverse=True)), "dearest first"


def test_nothing_to_look_up() -> None:
    assert sorted(order("td", 2, lookups=0)) in ([], [0, 1])


@pytest.mark.parametrize(("tables", "workers", "shares"), [(1, 1, 1), (1, 4, 4), (7, 4, 4), (8, 4, 1), (26, 2, 1)])
def test_shares(tables: int, workers: int, shares: int) -> None:
    assert shares_of(tables, workers) == shares


def test_tasks_cover_every_table_and_share() -> None:
    tasks = share_out(5, 2, 3, 6, 4)
    assert tasks[:, :2].tolist() == [[5, 2]] * 12
    assert {(table, share) for _, _, table, share, _ in tasks} == {(t, s) for t in (3, 4, 5) for s in range(4)}
    assert set(tasks[:, 4]) == {4}
    assert whole_tables(1, np.array([2, 0, 1]))[:, TABLE].tolist() == [2, 0, 1]
    assert MOST_IDLE >= 1


@compiled
def _take_until(address, end, taken):
    count, number = 0, take(address)
    while number < end:
        taken[number] += 1
        count, number = count + 1, take(address)
    return count


def test_each_number_is_taken_once_by_whoever_asks() -> None:
    counter, taken = np.zeros(1, dtype=np.int64), np.zeros(2_000_000, dtype=np.int64)
    _take_until(counter.ctypes.data, 0, taken)  # compiled here, not in the threads
    counter[0], counts = 0, []

    def ask() -> None:
        counts.append(_take_until(counter.ctypes.data, len(taken), taken))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (taken == 1).all()
    assert sum(counts) == len(taken)
