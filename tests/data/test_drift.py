"""Drift: who is popular changes by as much as asked, how popular they are does not."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ttrec_cli.data import SyntheticSpec, describe, settling, synthesize
from ttrec_cli.data.days import day_sizes
from ttrec_cli.data.synthetic import row_source
from ttrec_cli.errors import ConfigError

ROWS, COLUMN, TOP = 140_000, 3, 30


def most_frequent(ids: np.ndarray, missing: int | None, top: int) -> set[int]:
    counts = np.bincount(ids)
    if missing is not None and missing < len(counts):
        counts[missing] = 0
    return set(np.argsort(-counts, kind="stable")[:top].tolist())


@pytest.mark.parametrize("drift", [0.0, 0.3])
def test_the_asked_share_of_the_popular_values_is_new_each_day(tmp_path: Path, drift: float) -> None:
    log = synthesize(SyntheticSpec(rows=ROWS, table_scale=0.002, drift=drift), tmp_path / "log")
    edges = np.cumsum([0, *day_sizes(ROWS)])
    replaced = []
    for column in (2, 3, 11, 15, 20):  # large, with a clear head
        tops = [
            most_frequent(log.sparse[start:stop, column], log.missing_ids[column], TOP)
            for start, stop in pairwise(edges)
        ]
        replaced += [1 - len(one & other) / TOP for one, other in pairwise(tops)]
    noise = 0.17  # of the order of values that are about as frequent, on one day's 20,000 rows
    assert drift - 0.06 < np.mean(replaced) < drift * (1 - noise) + noise + 0.03


def test_each_days_skew_and_missing_values_stay(tmp_path: Path) -> None:
    still = synthesize(SyntheticSpec(rows=ROWS, table_scale=0.002), tmp_path / "still")
    log = synthesize(SyntheticSpec(rows=ROWS, table_scale=0.002, drift=0.3), tmp_path / "log")
    last = slice(ROWS - day_sizes(ROWS)[-1], ROWS)
    for column in (2, COLUMN, 9, 20):
        ours, theirs = (np.sort(np.bincount(one.sparse[last, column]))[::-1] for one in (log, still))
        np.testing.assert_allclose(ours[:20], theirs[:20], rtol=0.2)
        missing = log.missing_ids[column]
        if missing is not None:
            share = [(one.sparse[last, column] == missing).mean() for one in (log, still)]
            assert share[0] == pytest.approx(share[1], abs=0.01)
    first = slice(0, day_sizes(ROWS)[0])
    np.testing.assert_array_equal(log.sparse[first], still.sparse[first])
    assert [column.missing_fraction for column in describe(log)] == [c.missing_fraction for c in describe(still)]


def test_settling_sees_the_drift_and_only_in_time_order(tmp_path: Path) -> None:
    ratios = []
    for drift in (0.0, 0.4):
        log = synthesize(SyntheticSpec(rows=ROWS // 2, table_scale=0.0003, drift=drift), tmp_path / f"{drift}")
        found = settling(log)
        by_time, at_random = (sum(map(sum, orders)) for orders in (
            [column.time_order[8:] for column in found], [column.random_order[8:] for column in found]
        ))  # fmt: skip
        ratios.append(by_time / at_random)
    assert ratios[0] == pytest.approx(1, abs=0.07)
    assert ratios[1] > 1.15


def test_clicks_stay_with_values_and_rows_with_their_blocks(tmp_path: Path) -> None:
    spec = SyntheticSpec(rows=40_000, table_scale=0.001, drift=0.5, seed=4)
    source = row_source(spec)
    log = synthesize(spec, tmp_path / "log")
    for number in (0, 1, 2):
        block = source.block(number, min(1 << 14, spec.rows - number * (1 << 14)))
        rows = slice(number << 14, (number << 14) + len(block.label))
        np.testing.assert_array_equal(log.sparse[rows], source.ids(block.ranks))
        np.testing.assert_array_equal(log.label[rows], block.label)
        np.testing.assert_allclose(block.logit, source.model.logits(block.ranks, block.dense))


def test_every_day_is_a_permutation_of_each_table() -> None:
    source = row_source(SyntheticSpec(rows=100, table_scale=0.001, drift=1.0, seed=1))
    sizes = SyntheticSpec(rows=100, table_scale=0.001).cardinalities
    assert source._days is not None
    for moved in source._days.moved[1:]:
        assert moved is not None
        for start, size in zip(np.cumsum(sizes) - sizes, sizes, strict=True):
            assert sorted(moved[start : start + size].tolist()) == list(range(start, start + size))


@pytest.mark.parametrize("drift", [-0.1, 1.1, float("nan")])
def test_drift_is_a_share(drift: float) -> None:
    with pytest.raises(ConfigError, match="drift must be from 0 to 1"):
        SyntheticSpec(rows=100, drift=drift)
