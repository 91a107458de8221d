"""Counts in bounded memory against a dictionary that follows the same rule, and against the truth."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_kernels.cache_plan import COUNT_BYTES, count_capacity
from ttrec_kernels.row_counts import RowCounts


def small_counts(capacity: int) -> RowCounts:
    counts = RowCounts(rows=2**40, cached=1)
    counts.keys, counts.counts = torch.full((capacity,), -1), torch.zeros(capacity, dtype=torch.int64)
    counts.limit = capacity * 3 // 4
    return counts


def plain_counts(rows: list[int], limit: int) -> tuple[dict[int, int], int]:
    """The rule in plain Python: a newcomer in a full house makes everybody pay the median."""
    found: dict[int, int] = {}
    error = 0
    for row in rows:
        if row not in found and len(found) >= limit:
            median = sorted(found.values())[len(found) // 2]
            found = {other: count - median for other, count in found.items() if count > median}
            error += median
        found[row] = found.get(row, 0) + 1
    return found, error


ROWS = st.lists(st.integers(0, 30) | st.integers(0, 2**40 - 1), max_size=300)


@settings(deadline=None, max_examples=100)
@given(rows=ROWS, capacity=st.sampled_from([4, 8, 16]))
def test_a_full_table_follows_the_rule_and_its_bound(rows, capacity):
    counts = small_counts(capacity)
    for part in np.array_split(np.array(rows, dtype=np.int64), 3):
        counts.count(part)
    expected, error = plain_counts(rows, counts.limit)
    kept, values = counts.counted()
    assert dict(zip(kept.tolist(), values.tolist(), strict=True)) == expected
    assert (counts.error, counts.lookups) == (error, len(rows))
    assert error <= 2 * len(rows) / counts.limit
    truth = Counter(rows)
    for row, count in truth.items():
        assert count - error <= expected.get(row, 0) <= count


@settings(deadline=None, max_examples=50)
@given(rows=ROWS, most=st.integers(1, 10))
def test_counts_are_exact_while_there_is_room(rows, most):
    counts = RowCounts(2**40, cached=1)
    counts.count(np.array(rows, dtype=np.int64))
    kept, values = counts.counted()
    assert dict(zip(kept.tolist(), values.tolist(), strict=True)) == Counter(rows)
    assert counts.error == 0
    ranked = sorted(Counter(rows).items(), key=lambda item: (-item[1], item[0]))
    assert counts.most_frequent(most).tolist() == sorted(row for row, _ in ranked[:most])


def test_the_frequent_survive_a_flood_of_rare_rows():
    chance = np.random.default_rng(3)
    counts = RowCounts(10**9, cached=100)
    frequent = np.arange(0, 10**9, 10**7)
    for _ in range(50):
        flood = chance.integers(0, 10**9, 4000)
        batch = np.concatenate([flood, np.repeat(frequent, 10)])
        chance.shuffle(batch)
        counts.count(batch)
    assert counts.error > 0
    assert counts.most_frequent(100).tolist() == frequent.tolist()


def test_32_bit_rows_and_columns_of_a_matrix():
    batch = np.array([[5, 1], [5, 2], [7, 1]], dtype=np.int32)
    counts = RowCounts(10, cached=2)
    counts.count(batch[:, 0])
    counts.count(batch[:, 0].astype(np.int64))
    assert counts.most_frequent(1).tolist() == [5]
    assert counts.lookups == 6


@pytest.mark.parametrize("rows", [1, 2, 3, 100, 5000])
def test_small_tables_have_room_for_all_rows(rows):
    counts = RowCounts(rows, cached=1)
    counts.count(np.arange(min(rows, 4096)))
    assert counts.error == 0
    assert counts.keys.numel() > counts.limit >= min(rows, 4096)


def test_bytes_are_those_of_the_tensors():
    for rows, cached in ((1, 1), (1000, 10), (10_131_227, 1014), (10_131_227, 1_013_123)):
        counts = RowCounts(rows, cached)
        held = sum(tensor.numel() * tensor.element_size() for tensor in (counts.keys, counts.counts))
        assert count_capacity(rows, cached) * COUNT_BYTES == held


def test_counts_stay_on_the_cpu_and_keep_their_type():
    counts = torch.nn.Sequential(RowCounts(10, 1)).to(torch.float16).to("meta")
    assert counts[0].keys.dtype == torch.int64
    assert counts[0].keys.device.type == "cpu"
