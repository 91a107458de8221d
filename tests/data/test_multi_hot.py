"""Synthetic bags: their sizes, what is in them, and that rows without them stay as they were."""

from pathlib import Path

import numpy as np
import pytest

from ttrec_cli.data import SyntheticSpec, describe, open_click_log, synthesize
from ttrec_cli.data.shuffle_loops import shuffle
from ttrec_cli.data.synthetic_columns import KAGGLE_SHAPES, MLPERF_BAG_SIZES
from ttrec_cli.errors import ConfigError


def test_mlperfs_sizes(tmp_path: Path) -> None:
    spec = SyntheticSpec(rows=6_000, table_scale=0.001, multi_hot=MLPERF_BAG_SIZES)
    log = synthesize(spec, tmp_path / "log")
    assert sum(MLPERF_BAG_SIZES) == log.sparse.shape[1] == 214
    assert log.bag_widths == tuple(0 if size == 1 else size for size in MLPERF_BAG_SIZES)
    assert log.sparse.min() == 0  # no bag is shorter
    open_click_log(log.path, verify=True)
    for column, shape in zip(describe(log), KAGGLE_SHAPES, strict=True):
        assert column.missing_fraction == pytest.approx(shape.missing, abs=0.02)
        assert column.top1_share == pytest.approx(shape.top1, rel=0.1, abs=0.02)


def test_first_values_labels_and_features_are_those_without_bags(tmp_path: Path) -> None:
    sizes = (3, *[1] * 24, 2)
    plain = synthesize(SyntheticSpec(rows=3000, table_scale=0.001), tmp_path / "plain")
    bags = synthesize(SyntheticSpec(rows=3000, table_scale=0.001, multi_hot=sizes), tmp_path / "bags")
    for column in range(26):
        np.testing.assert_array_equal(bags.ids(column)[:, 0], plain.ids(column)[:, 0])
    np.testing.assert_array_equal(bags.dense, plain.dense)
    assert (np.asarray(bags.label) == plain.label).mean() > 0.97  # the model is set on a sample of its own
    assert len(np.unique(bags.ids(0), axis=0)) > 500  # the other values are not copies of the first
    assert bags.fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    ("sizes", "message"),
    [((2,), "multi-hot must be 26 sizes, one a column, but is 1"), ((0, *[1] * 25), "must be from 1 to")],
)
def test_impossible_sizes_are_refused(sizes: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SyntheticSpec(rows=100, multi_hot=sizes)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 8, 9, 1000, 65_537, 300_000])
def test_the_compiled_shuffle_is_numpys(size: int) -> None:
    def random() -> np.random.RandomState:
        return np.random.RandomState(np.random.PCG64(np.random.SeedSequence(size)))

    expected, ours = np.arange(size, dtype=np.int32), np.arange(size, dtype=np.int32)
    random().shuffle(expected)
    shuffle(ours, random())
    np.testing.assert_array_equal(ours, expected)
