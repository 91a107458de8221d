"""Synthetic logs: real shares, the same bytes every time, the specification known beforehand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ttrec_cli.data import SyntheticSpec, describe, open_click_log, synthesize
from ttrec_cli.data.synthetic import row_source
from ttrec_cli.data.synthetic_columns import COUNT_SHAPES, KAGGLE_SHAPES, scaled_rows
from ttrec_cli.data.synthetic_rows import BLOCK_ROWS
from ttrec_cli.errors import ConfigError, DataError

SMALL = SyntheticSpec(rows=3000, table_scale=0.002, seed=11)
ARRAYS = ("dense.f32", "sparse.i32", "label.u8")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """200,000 rows over tables a tenth of the real ones."""
    return synthesize(SyntheticSpec(rows=200_000, table_scale=0.1, seed=2), tmp_path_factory.mktemp("data") / "log")


def test_columns_have_the_real_shares(large: Any) -> None:
    compared = 0
    for column, shape in zip(describe(large), KAGGLE_SHAPES, strict=True):
        assert column.missing_fraction == pytest.approx(shape.missing, abs=0.005)
        for measured, real in ((column.top1_share, shape.top1), (column.top10_share, shape.top10)):
            if real > 0.01:
                compared += 1
                assert measured == pytest.approx(real, rel=0.1), column.name
    assert compared == 52


def test_ids_fill_their_tables_without_order(large: Any) -> None:
    assert large.sparse.min() == 0
    assert tuple(large.cardinalities) == scaled_rows("kaggle", 0.1)
    column = np.asarray(large.sparse[:, 2])
    counts = np.bincount(column, minlength=large.cardinalities[2])
    popular = np.argsort(-counts)[:1000]
    assert abs(np.corrcoef(popular, np.arange(1000))[0, 1]) < 0.15
    assert np.histogram(popular, bins=4, range=(0, large.cardinalities[2]))[0].min() > 150


def test_click_rate_and_dense_features_are_plausible(large: Any) -> None:
    assert large.label.mean() == pytest.approx(0.256, abs=0.005)
    assert np.isfinite(large.dense).all()
    assert large.dense.min() == 0
    for column, shape in enumerate(COUNT_SHAPES):
        values = large.dense[:, column]
        assert (values == 0).mean() >= shape.missing - 0.005
        assert len(np.unique(values)) >= 4  # counts, not a constant


def test_it_says_what_it_is(large: Any) -> None:
    spec = SyntheticSpec(rows=200_000, table_scale=0.1, seed=2)
    assert (large.name, large.synthetic, large.columns) == ("synthetic-kaggle", True, spec.columns)
    assert large.fingerprint == spec.fingerprint
    assert large.cardinalities == spec.cardinalities
    assert dict(large.splits) == dict(spec.splits)
    assert large.choices["table_scale"] == 0.1


def test_the_same_specification_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        synthesize(SMALL, tmp_path / name)
    for array in (*ARRAYS, "meta.json"):
        assert (tmp_path / "one" / array).read_bytes() == (tmp_path / "two" / array).read_bytes()


def test_threads_and_the_number_of_rows_do_not_change_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = BLOCK_ROWS + 500
    logs = []
    for threads, total in ((1, rows), (4, rows), (2, BLOCK_ROWS + 20)):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        logs.append(synthesize(SyntheticSpec(rows=total, table_scale=0.001), tmp_path / f"{threads}"))
    for name in ("dense", "sparse", "label"):
        whole = getattr(logs[0], name)
        np.testing.assert_array_equal(whole, getattr(logs[1], name))
        np.testing.assert_array_equal(whole[: BLOCK_ROWS + 20], getattr(logs[2], name))


def test_rows_are_those_of_the_known_model(tmp_path: Path) -> None:
    log = synthesize(SMALL, tmp_path / "log")
    source = row_source(SMALL)
    block = source.block(0, SMALL.rows)
    np.testing.assert_array_equal(log.sparse, source.ids(block.ranks))
    np.testing.assert_array_equal(log.label, block.label)
    assert log.missing_ids == source.missing_ids
    for column, missing in enumerate(log.missing_ids):
        if missing is not None:
            np.testing.assert_array_equal(log.sparse[:, column] == missing, block.ranks[column] == 0)


@pytest.mark.parametrize("change", [{"seed": 12}, {"rows": 3001}, {"table_scale": 0.003}, {"like": "terabyte"}])
def test_every_setting_is_part_of_the_fingerprint(tmp_path: Path, change: dict[str, Any]) -> None:
    other = SyntheticSpec(**{"rows": 3000, "table_scale": 0.002, "seed": 11} | change)
    assert other.fingerprint != SMALL.fingerprint
    first, second = synthesize(SMALL, tmp_path / "one"), synthesize(other, tmp_path / "two")
    assert second.name == f"synthetic-{other.like}"
    assert not np.array_equal(first.sparse, second.sparse)


def test_the_fingerprint_does_not_depend_on_how_a_number_is_written() -> None:
    assert SyntheticSpec(rows=100, table_scale=1).fingerprint == SyntheticSpec(rows=100, table_scale=1.0).fingerprint


def test_a_log_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    synthesize(SMALL, tmp_path / "log")
    before = (tmp_path / "log" / "meta.json").stat()
    told: list[int] = []
    synthesize(SMALL, tmp_path / "log", told.append)
    assert told == []
    assert (tmp_path / "log" / "meta.json").stat().st_ino == before.st_ino


def test_another_dataset_is_replaced_only_on_request(tmp_path: Path) -> None:
    synthesize(SMALL, tmp_path / "log")
    other = SyntheticSpec(rows=100, table_scale=0.001)
    with pytest.raises(DataError, match="already holds a dataset"):
        synthesize(other, tmp_path / "log")
    told: list[int] = []
    synthesize(other, tmp_path / "log", told.append, overwrite=True)
    assert open_click_log(tmp_path / "log", verify=True).fingerprint == other.fingerprint
    assert sum(told) == 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rows": 13}, "rows must be at least 14"),
        ({"rows": 100, "table_scale": 0.0}, "table_scale must be above 0 and at most 1, is 0.0"),
        ({"rows": 100, "table_scale": 1.5}, "table_scale must be"),
        ({"rows": 100, "table_scale": float("nan")}, "table_scale must be"),
        ({"rows": 100, "seed": -1}, "seed must be from 0"),
        ({"rows": 100, "like": "avazu"}, "like must be one of kaggle, terabyte, is 'avazu'"),
    ],
)
def test_impossible_specifications_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SyntheticSpec(**settings)


def test_the_smallest_log_opens(tmp_path: Path) -> None:
    log = synthesize(SyntheticSpec(rows=14, table_scale=0.001), tmp_path / "log")
    assert [len(rows) for rows in log.splits.values()] == [12, 1, 1]
