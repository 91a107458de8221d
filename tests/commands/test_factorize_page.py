"""The page's figures as data: whole curves, exact values, colours that stand out."""

import itertools

import pytest

from ttrec_cli.commands.factorize_figure import PALETTE, Curve, bytes_figure, drawn_ranks, flops_figure
from ttrec_cli.commands.factorize_ticks import log_ticks
from ttrec_cli.commands.factorize_words import size_text
from ttrec_cli.planning import ShapeSettings
from ttrec_cli.planning.rank_curve import rank_curve
from ttrec_cli.report.colours import Theme, contrast
from ttrec_kernels import TableKind, TablePlan


@pytest.fixture
def curve():
    chosen = ShapeSettings()
    ranks = rank_curve(142572, 16, chosen)
    assert ranks is not None
    return Curve(TablePlan("C26", 142572, 16, TableKind.TT, chosen.shape(142572, 16, (32, 30))), ranks, 0)


def test_curves_hold_every_small_rank_and_end_at_the_last(curve) -> None:
    ranks = drawn_ranks(982)
    assert ranks[:128] == list(range(1, 129))
    assert ranks[-1] == 982
    assert all(0 < high - low <= 0.01 * low + 1 for low, high in itertools.pairwise(ranks))
    line, mark = bytes_figure([curve], 2)["data"]
    assert line["x"] == drawn_ranks(232)
    for rank, size in zip(line["x"], line["y"], strict=True):
        assert size == 2 * ShapeSettings().shape(142572, 16, rank).parameters
    assert mark["y"] == [2 * curve.plan.parameters]
    assert mark["x"] == [pytest.approx((32 * 30) ** 0.5, abs=0.01)]


def test_flops_are_those_of_the_shapes(curve) -> None:
    line, mark = flops_figure([curve])["data"]
    for rank, flops in zip(line["x"], line["y"], strict=True):
        assert flops == ShapeSettings().shape(142572, 16, rank).flops_per_lookup
    assert mark["y"] == [curve.plan.shape.flops_per_lookup]


def test_colours_stand_out_in_both_themes() -> None:
    for light, dark in PALETTE:
        assert contrast(light, Theme.LIGHT.background) >= 4.5
        assert contrast(dark, Theme.DARK.background) >= 4.5
    assert len(set(PALETTE)) == len(PALETTE)


def test_ticks_are_round_and_inside_the_range() -> None:
    ticks = log_ticks([[420, 5_000_000]], size_text)
    assert ticks["ticktext"] == ["1 kB", "10 kB", "100 kB", "1 MB"]
    assert log_ticks([[1, 30]], "{:,.0f}".format, steps=(1, 2, 5))["ticktext"] == ["1", "2", "5", "10", "20"]
