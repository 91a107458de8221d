"""Settling and skew curves against brute force, and that drift is seen where there is some and only there."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ttrec_cli.data import ClickLog, SyntheticSpec, describe, settling, skew_curves, synthesize
from ttrec_cli.data.describe import tail_exponent
from ttrec_cli.data.settling import most_frequent


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> ClickLog:
    """Independent rows: no drift."""
    return synthesize(SyntheticSpec(rows=60_000, table_scale=0.002, seed=4), tmp_path_factory.mktemp("data") / "log")


def test_independent_rows_settle_alike_in_both_orders(log: ClickLog) -> None:
    for column in settling(log):
        assert len(column.progress) == len(column.time_order) == len(column.random_order) == 32
        np.testing.assert_allclose(column.time_order, column.random_order, atol=0.04)
        assert column.time_order[-1] < column.time_order[0] / 3


def test_drift_shows_in_the_order_of_time_only(log: ClickLog) -> None:
    sparse, random = np.array(log.sparse), np.random.default_rng(3)
    largest, train = int(np.argmax(log.cardinalities)), len(log.splits["train"])
    top = log.cardinalities[largest] // 10
    # From the middle on other values are drawn, three quarters as many as are compared.
    sparse[:, largest] = random.integers(0, top * 3 // 4, len(sparse)) + (np.arange(len(sparse)) > train // 2) * top
    found = settling(replace(log, sparse=sparse))[0]
    middle = int(np.searchsorted(found.progress, 0.5))
    assert max(found.time_order[middle - 4 : middle]) == 0
    assert max(found.time_order[middle : middle + 3]) > 0.2
    assert max(found.random_order[middle - 4 : middle + 4]) < 0.15


def test_the_most_frequent_are_exactly_so_many(log: ClickLog) -> None:
    counts = np.array([3, 1, 3, 0, 2, 2, 2])
    assert sorted(most_frequent(counts, 4).tolist()) == [0, 2, 4, 5]


def test_curves_are_what_counting_says(log: ClickLog) -> None:
    curve = skew_curves(log, 1)[0]
    column = log.columns.index(curve.name)
    values = [value for value in log.sparse[:, column].tolist() if value != log.missing_ids[column]]
    counts = sorted(Counter(values).values(), reverse=True)
    assert curve.rank[-1] == len(counts)
    for rank, share, covered in zip(curve.rank, curve.share, curve.access_share, strict=True):
        assert share == pytest.approx(counts[rank - 1] / len(log.label))
        assert covered == pytest.approx(sum(counts[:rank]) / len(values))


def test_the_tail_exponent_is_that_of_a_power_law() -> None:
    assert tail_exponent((1e9 * np.arange(1.0, 5000) ** -1.3).astype(np.intp)) == pytest.approx(1.3, abs=0.01)
    assert tail_exponent(np.array([5, 4, 3], dtype=np.intp)) is None


def test_values_new_on_the_last_day_are_what_sets_say(log: ClickLog) -> None:
    last = len(log.splits["train"])
    for number, column in enumerate(describe(log, dim=8)):
        before, after = (
            set(part.tolist()) - {log.missing_ids[number]} for part in np.split(log.sparse[:, number], [last])
        )
        assert column.unseen_last_day == pytest.approx(len(after - before) / len(after))
        assert column.embedding_bytes == log.cardinalities[number] * 32


def test_the_same_days_in_another_order_say_the_same(log: ClickLog, tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(len(log.label))
    late = np.arange(len(log.label)) >= len(log.splits["train"])
    mixed = replace(
        log, sparse=log.sparse[order], label=log.label[order], day=np.where(late[order], 6, 0).astype(np.uint8)
    )
    assert [c.unseen_last_day for c in describe(mixed)] == [c.unseen_last_day for c in describe(log)]
