"""Numbers in words."""

import math

import pytest

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.points import make_point
from ttrec_cli.pareto.wording import describe, format_bytes, format_factor, format_gap, format_value


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (20_300_000, "20.3 MB"), (999_400_000, "999 MB"),
        (999_999_999, "1.00 GB"), (2_160_804_928, "2.16 GB"), (12_580_000_000, "12.6 GB"), (5e12, "5.00 TB"),
    ],
)  # fmt: skip
def test_bytes(count, shown):
    assert format_bytes(count) == shown


@pytest.mark.parametrize(
    ("factor", "shown"), [(1, "1.00×"), (4.0963, "4.10×"), (9.999, "10.0×"), (106.48, "106×"), (1200.4, "1200×")]
)
def test_factors(factor, shown):
    assert format_factor(factor) == shown


@pytest.mark.parametrize(
    ("gap", "metric", "shown"),
    [
        (-0.0003, Metric.ACCURACY, "−0.03"),
        (0.00251, Metric.ACCURACY, "+0.25"),
        (-0.00001, Metric.ACCURACY, "±0.00"),
        (0.00002, Metric.AUC, "±0.0000"),
        (0.00123, Metric.LOGLOSS, "+0.0012"),
    ],
)
def test_gaps_have_a_sign_unless_they_vanish(gap, metric, shown):
    assert format_gap(gap, metric) == shown


def test_values():
    assert format_value(0.789012, Metric.ACCURACY) == "78.901 %"
    assert format_value(0.4512345, Metric.LOGLOSS) == "0.45123"
    assert format_value(math.nan, Metric.AUC) == "–"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "7 tables at rank 32, dim 16"),
        ({"tables": 1}, "1 table at rank 32, dim 16"),
        ({"method": "tt-frozen"}, "7 tables at rank 32, dim 16 (tt-frozen)"),
        ({"method": "dense", "rank": None, "tables": 0, "dim": 64}, "uncompressed, dim 64"),
    ],
)
def test_points(make_row, changes, shown):
    assert describe(make_point([make_row(**changes)])) == shown
