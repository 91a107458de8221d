"""The cache of frequent rows against a plain-Python LFU model: the same rows, the same values, to the bit."""

from collections import Counter
from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_kernels import PlanError, TableKind, TablePlan, smallest_shape
from ttrec_kernels.cache_plan import RowCacheSettings, cache_bytes
from ttrec_kernels.row_cache import RowCache

DIM = 2
BATCH = 4


def tt_plan(name: str, rows: int) -> TablePlan:
    return TablePlan(name, rows, DIM, TableKind.TT, smallest_shape(rows, DIM, 1))


class PlainCache:
    """What the cache must do, one dictionary for each thing; one table."""

    def __init__(self, rows: int, settings: RowCacheSettings) -> None:
        self.settings = settings
        self.room = min(rows, -(-int(settings.rows_fraction * 2**40 * rows) // 2**40))
        self.counts: Counter[int] = Counter()
        self.values: dict[int, float] = {}
        self.state: dict[int, float] = {}
        self.filled = False
        self.steps = 0

    def step(self, batch: list[int], done: int, table: list[float]) -> None:
        if not self.filled or self.settings.refresh_every:
            self.counts.update(batch)
        for row in batch:  # what training does
            if row in self.values:
                self.values[row] += 1.0
                self.state[row] += 0.25
        if self.filled:
            self.steps += 1
            due = self.settings.refresh_every is not None and self.steps >= self.settings.refresh_every
        else:
            due = done >= self.settings.warmup_samples
        if due:
            chosen = sorted(self.counts, key=lambda row: (-self.counts[row], row))[: self.room]
            self.values = {row: self.values.get(row, table[row]) for row in chosen}
            self.state = {row: self.state.get(row, 0.0) for row in chosen}
            self.filled, self.steps = True, 0


def train_step(cache: RowCache, state: torch.Tensor, batch: list[int], done: int, table: list[float]) -> None:
    cache.observe(0, np.array(batch, dtype=np.int64))
    place = {row: at for at, row in enumerate(cache.cached_rows.tolist())}
    with torch.no_grad():
        for row in batch:
            if row in place:
                cache.weight[place[row]] += 1.0
                state[place[row]] += 0.25
    if cache.is_due(done):
        values = torch.tensor(table)
        cache.refresh(lambda column, rows: values[rows].unsqueeze(1).expand(-1, DIM), [state])


SETTINGS = st.builds(
    RowCacheSettings,
    rows_fraction=st.sampled_from([0.01, 0.125, 0.5, 1.0]),
    warmup_samples=st.integers(0, 6 * BATCH),
    refresh_every=st.none() | st.integers(1, 4),
)


@settings(deadline=None, max_examples=80)
@given(
    rows=st.sampled_from([1, 2, 7, 40]),
    asked=SETTINGS,
    stream=st.lists(st.lists(st.integers(0, 39), min_size=BATCH, max_size=BATCH), min_size=1, max_size=14),
)
def test_the_cache_is_a_plain_lfu_cache(rows, asked, stream):
    cache, plain = RowCache([tt_plan("C1", rows)], asked), PlainCache(rows, asked)
    state = torch.zeros(len(cache.weight))
    for step, drawn in enumerate(stream):
        batch = [row % rows for row in drawn]
        table = [100.0 * row + step for row in range(rows)]  # the cores are trained too
        train_step(cache, state, batch, (step + 1) * BATCH, table)
        plain.step(batch, (step + 1) * BATCH, table)
        places = [(at, row) for at, row in enumerate(cache.cached_rows.tolist()) if row >= 0]
        assert {row: cache.weight[at].tolist() for at, row in places} == {
            row: [value] * DIM for row, value in plain.values.items()
        }
        assert {row: state[at].item() for at, row in places} == plain.state
        assert cache.filled == plain.filled


def filled_cache(plans: list[TablePlan], asked: RowCacheSettings, batches: dict[int, list[int]]) -> RowCache:
    cache = RowCache(plans, asked)
    for segment, rows in batches.items():
        cache.observe(segment, np.array(rows))
    cache.refresh(lambda column, rows: (1000.0 * column + rows).unsqueeze(1).expand(-1, DIM))
    return cache


def test_tables_have_segments_of_their_own_and_dense_ones_none():
    plans = [tt_plan("C1", 40), TablePlan("C2", 9, DIM), tt_plan("C3", 20)]
    cache = filled_cache(plans, RowCacheSettings(0.1), {0: [7, 7, 7, 3, 3, 9, 9, 1], 1: [19, 5, 5, 2]})
    assert [(s.column, s.row_start, s.rows) for s in cache.segments] == [(0, 0, 4), (2, 4, 2)]
    assert cache.cached_rows.tolist() == [1, 3, 7, 9, 2, 5]  # 2 and 19 tie: the lower row is taken
    assert cache.weight[:, 0].tolist() == [1.0, 3.0, 7.0, 9.0, 2002.0, 2005.0]
    assert all(s.capacity >= 2 * s.rows for s in cache.segments)


def test_rows_never_looked_up_leave_room():
    cache = filled_cache([tt_plan("C1", 40)], RowCacheSettings(0.1), {0: [7, 8, 7]})
    assert cache.cached_rows.tolist() == [7, 8, -1, -1]
    assert cache.weight[2:].abs().max() == 0


def test_a_cache_of_the_whole_table_serves_every_lookup():
    cache = filled_cache([tt_plan("C1", 5)], RowCacheSettings(1.0), {0: [0, 1, 2, 3, 4, 4]})
    assert cache.cached_rows.tolist() == [0, 1, 2, 3, 4]
    cache.observe(0, np.array([4, 0, 2]))
    assert cache.hits() == ((3, 3),)
    cache.forget_hits()
    cache.observe(0, np.array([], dtype=np.int64))
    assert cache.hits() == ((0, 0),)


def test_hits_are_counted_by_table_once_the_cache_is_filled():
    cache = filled_cache([tt_plan("C1", 40), tt_plan("C2", 40)], RowCacheSettings(0.05), {0: [7, 7, 8], 1: [9]})
    assert cache.hits() == ((0, 0), (0, 0))
    cache.observe(0, np.array([7, 8, 9], dtype=np.int32))
    cache.observe(1, np.array([7, 8, 9, 9]))
    cache.observe(1, np.array([9, 1]))
    assert cache.hits() == ((2, 3), (3, 6))


def test_counting_ends_with_the_only_fill():
    once, again = (
        filled_cache([tt_plan("C1", 40)], RowCacheSettings(0.1, refresh_every=every), {0: [1]}) for every in (None, 5)
    )
    for cache in (once, again):
        cache.observe(0, np.array([2, 3]))
    assert [cache.row_counts[0].lookups for cache in (once, again)] == [1, 3]


def test_refreshing_keeps_every_tensor_in_its_memory():
    cache = filled_cache([tt_plan("C1", 40)], RowCacheSettings(0.1, refresh_every=1), {0: [7, 8]})
    before = [tensor.data_ptr() for tensor in (cache.weight, cache.keys, cache.slots, cache.cached_rows)]
    cache.observe(0, np.array([3, 3, 3]))
    cache.refresh(lambda column, rows: torch.zeros(len(rows), DIM))
    assert cache.cached_rows.tolist() == [3, 7, 8, -1]
    assert before == [tensor.data_ptr() for tensor in (cache.weight, cache.keys, cache.slots, cache.cached_rows)]


@pytest.mark.parametrize("saved_after", [1, 3, 6])
def test_a_saved_cache_goes_on_with_the_same_bits(saved_after):
    """Saved during warm-up and between two refreshes, loaded into a new one."""
    asked = RowCacheSettings(0.1, warmup_samples=3 * BATCH, refresh_every=4)
    chance = np.random.default_rng(5)
    stream = [(chance.integers(0, 40, BATCH) ** 2 // 40).tolist() for _ in range(16)]
    table = [0.1 * row for row in range(40)]

    def go_on(cache: RowCache, state: torch.Tensor, steps: range) -> dict[str, torch.Tensor]:
        for step in steps:
            train_step(cache, state, stream[step], (step + 1) * BATCH, table)
        tensors = {"state": state, "keys": cache.keys, "slots": cache.slots}
        return deepcopy(cache.state_dict()) | {name: tensor.clone() for name, tensor in tensors.items()}

    first = RowCache([tt_plan("C1", 40)], asked)
    state = torch.zeros(len(first.weight))
    go_on(first, state, range(saved_after))
    saved, saved_state = deepcopy(first.state_dict()), state.clone()
    assert all(isinstance(value, torch.Tensor) for value in saved.values())
    through = go_on(first, state, range(saved_after, 16))

    second = RowCache([tt_plan("C1", 40)], asked)
    second.load_state_dict(saved)
    resumed = go_on(second, saved_state, range(saved_after, 16))
    assert through.keys() == resumed.keys()
    for name, values in through.items():
        assert torch.equal(values, resumed[name]), name
    assert int(through["keys"].ge(0).sum()) == 4


def test_bytes_are_those_of_the_tensors():
    plans = [tt_plan("C1", 4000), TablePlan("C2", 9, DIM), tt_plan("C3", 20)]
    for fraction in (0.0001, 0.1, 1.0):
        cache = RowCache(plans, RowCacheSettings(fraction))
        rows, index, counts = cache_bytes(plans, cache.settings)
        assert rows == cache.weight.numel() * 4
        assert index == cache.keys.numel() * 8 + cache.slots.numel() * 4
        assert counts == sum(c.keys.numel() * 8 + c.counts.numel() * 8 for c in cache.row_counts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows_fraction": 0.0}, "rows_fraction of a row cache must lie above 0 and up to 1, but is 0.0"),
        ({"rows_fraction": float("nan")}, "rows_fraction"),
        ({"warmup_samples": -1}, "warmup_samples"),
        ({"refresh_every": 0}, "refresh_every of a row cache must be at least 1 step"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(PlanError, match=message):
        RowCacheSettings(**options)


def test_a_cache_without_tensor_trains_is_refused():
    with pytest.raises(PlanError, match="needs a tensor train"):
        RowCache([TablePlan("C1", 40, DIM)], RowCacheSettings())


def test_fractions_round_up_and_never_beyond_the_table():
    assert RowCacheSettings(0.0001).cached_rows(10_131_227) == 1014
    assert RowCacheSettings(0.0001).cached_rows(3) == 1
    assert RowCacheSettings(1.0).cached_rows(3) == 3
