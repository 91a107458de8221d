"""A dataset as the model of another: sizes, skew, missing values, bags, features and clicks measured and imitated."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.data import (
    Choices,
    ClickLog,
    Order,
    SyntheticSpec,
    describe,
    measure,
    open_click_log,
    prepare,
    synthesize,
)
from ttrec_cli.data.columns import Columns
from ttrec_cli.data.counts import bag_sizes, value_counts
from ttrec_cli.data.measured import KEPT_HEAD, MeasuredColumn, MeasuredSkew, scaled_column
from ttrec_cli.data.table_log import table_log

ROWS = 30_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ClickLog:
    """A log of one's own: a skewed column with missing values, a small one, bags, one constant, skewed clicks."""
    source, folder = random.Random(5), tmp_path_factory.mktemp("model")
    table: dict[str, list[Any]] = {
        "item": [None if source.random() < 0.2 else int(source.paretovariate(0.6)) for _ in range(ROWS)],
        "hour": [source.randrange(24) for _ in range(ROWS)],
        "tags": [[int(source.paretovariate(1)) for _ in range(source.choice([0, 1, 1, 2, 5]))] for _ in range(ROWS)],
        "shop": ["the only one"] * ROWS,
        "price": [source.choice([0.0, source.lognormvariate(2, 1)]) for _ in range(ROWS)],
        "flat": [3.0] * ROWS,
        "y": [source.random() < 0.04 for _ in range(ROWS)],
    }
    pq.write_table(pa.table(table), folder / "a.parquet")
    columns = {"name": "own", "label": "y", "dense": ["price", "flat"], "categorical": ["item", "hour", "tags", "shop"]}
    raw = table_log(folder / "a.parquet", Columns.model_validate(columns))
    return prepare(raw, folder / "log", Choices(order=Order.TIME))


@pytest.fixture(scope="module")
def copy(model: ClickLog, tmp_path_factory: pytest.TempPathFactory) -> ClickLog:
    measured = measure(model)
    return synthesize(
        SyntheticSpec(like=measured.name, model=measured, rows=ROWS), tmp_path_factory.mktemp("copy") / "log"
    )


def test_the_copy_has_the_models_columns_and_says_that_it_is_made_up(model: ClickLog, copy: ClickLog) -> None:
    assert (copy.name, copy.synthetic) == ("synthetic-own", True)
    assert (copy.columns, copy.dense_columns, copy.cardinalities) == (
        model.columns, model.dense_columns, model.cardinalities,
    )  # fmt: skip
    assert copy.bag_widths == model.bag_widths == (0, 0, 5, 0)
    open_click_log(copy.path, verify=True)


def test_shares_missing_rates_and_clicks_are_the_models(model: ClickLog, copy: ClickLog) -> None:
    for ours, theirs in zip(describe(copy), describe(model), strict=True):
        assert ours.missing_fraction == pytest.approx(theirs.missing_fraction, abs=0.01)
        for share in ("top1_share", "top10_share", "top100_share"):
            assert getattr(ours, share) == pytest.approx(getattr(theirs, share), rel=0.06, abs=0.003), ours.name
    assert copy.label.mean() == pytest.approx(model.label.mean(), rel=0.15)


def test_popularity_by_rank_is_the_models(model: ClickLog, copy: ClickLog) -> None:
    for ranks in (range(5), range(5, 15), range(15, 40), range(40, 400)):
        ours, theirs = (np.sort(value_counts(log, 0))[::-1][1 + np.array(ranks)].sum() for log in (copy, model))
        assert ours == pytest.approx(theirs, rel=0.1)


def test_bags_have_the_models_sizes(model: ClickLog, copy: ClickLog) -> None:
    np.testing.assert_allclose(bag_sizes(copy, 2) / ROWS, bag_sizes(model, 2) / ROWS, atol=0.012)


def test_features_have_the_models_quantiles(model: ClickLog, copy: ClickLog) -> None:
    assert (copy.dense[:, 0] == 0).mean() == pytest.approx((model.dense[:, 0] == 0).mean(), abs=0.02)
    shares = np.array([0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95])  # half are 0
    np.testing.assert_allclose(np.quantile(copy.dense[:, 0], shares), np.quantile(model.dense[:, 0], shares), atol=0.12)
    assert set(copy.dense[:, 1].tolist()) == set(model.dense[:, 1].tolist())


def test_the_models_measures_are_the_fingerprint(model: ClickLog) -> None:
    measured = measure(model)
    spec = SyntheticSpec(like="own", model=measured, rows=100)
    assert spec.fingerprint == SyntheticSpec(like="own", model=measure(model), rows=100).fingerprint
    assert spec.fingerprint != SyntheticSpec(rows=100).fingerprint


def test_scaled_tables_keep_the_head(model: ClickLog, tmp_path: Path) -> None:
    measured = measure(model)
    spec = SyntheticSpec(like="own", model=measured, rows=ROWS, table_scale=0.2)
    log = synthesize(spec, tmp_path / "log")
    assert log.cardinalities[0] == round(0.2 * model.cardinalities[0])
    assert log.cardinalities[1:2] == model.cardinalities[1:2]
    ours, theirs = describe(log)[0], describe(model)[0]
    assert ours.top1_share == pytest.approx(theirs.top1_share, rel=0.06)
    assert ours.top10_share == pytest.approx(theirs.top10_share, rel=0.06)
    assert ours.missing_fraction == pytest.approx(theirs.missing_fraction, abs=0.01)


@st.composite
def skews(draw: st.DrawFn) -> MeasuredSkew:
    counts = sorted(draw(st.lists(st.integers(1, 50), min_size=1, max_size=30)), reverse=True)
    missing = draw(st.integers(0, 20))
    steps = sorted(draw(st.sets(st.integers(1, len(counts)))) | {len(counts)})
    total = missing + sum(counts)
    shares = [missing / total, *(float(np.cumsum(counts)[step - 1] + missing) / total for step in steps[:-1]), 1.0]
    return MeasuredSkew((0, *steps), tuple(shares))


@settings(deadline=None, max_examples=60)
@given(skews())
def test_ranks_are_drawn_by_the_curve(skew: MeasuredSkew) -> None:
    draws = 40_000
    ranks = skew.ranks((np.arange(draws) + 0.5) / draws)
    counts = np.bincount(ranks, minlength=skew.ranks_upto[-1] + 1) / draws
    np.testing.assert_allclose(np.cumsum(counts)[list(skew.ranks_upto)], skew.shares, atol=2e-4)
    for below, upto in pairwise(skew.ranks_upto):
        assert np.ptp(counts[below + 1 : upto + 1]) < 2e-4  # equal within a step
    assert skew.ranks(np.array([0.0, np.nextafter(1.0, 0.0)])).max() <= skew.ranks_upto[-1]


@settings(deadline=None, max_examples=60)
@given(skews(), st.floats(0.01, 1.0), st.integers(0, 500))
def test_a_scaled_column_fits_its_table(skew: MeasuredSkew, scale: float, unused: int) -> None:
    column = MeasuredColumn("c", skew.ranks_upto[-1] + 1 + unused, True, skew)
    scaled = scaled_column(column, scale)
    assert scaled.rows <= column.rows
    assert scaled.skew.ranks_upto[-1] <= scaled.rows - 1
    assert list(scaled.skew.ranks_upto) == sorted(set(scaled.skew.ranks_upto))
    assert list(scaled.skew.shares) == sorted(scaled.skew.shares)
    head = [rank for rank in skew.ranks_upto if rank <= min(KEPT_HEAD, scaled.rows - 1)]
    assert list(scaled.skew.ranks_upto[: len(head)]) == head
