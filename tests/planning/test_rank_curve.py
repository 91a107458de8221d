"""The curve of least parameters over all ranks, against a search at every rank."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.planning import ShapeSettings
from ttrec_cli.planning.rank_curve import RankCurve, largest_rank_within, rank_curve
from ttrec_kernels.shape_checks import MAX_RANK

SETTINGS = st.builds(
    ShapeSettings,
    max_skew=st.sampled_from([1.0, 1.5, 3.0, float("inf")]),
    rule=st.sampled_from(["parameters", "entropy"]),
    cores=st.integers(2, 4),
)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20_000), st.integers(1, 20), SETTINGS, st.integers(1, 40))
def test_every_rank_is_that_of_the_search(rows, dim, chosen, last) -> None:
    curve = RankCurve(rows, dim, chosen, last)
    searched = [chosen.shape(rows, dim, rank).parameters for rank in range(1, last + 1)]
    assert [curve.parameters(rank) for rank in range(1, last + 1)] == searched


def test_the_largest_kaggle_table_at_all_982_ranks() -> None:
    chosen = ShapeSettings()
    curve = rank_curve(10131227, 16, chosen)
    assert curve is not None
    assert curve.last_rank == 982
    for rank in (1, 2, 3, 8, 32, 33, 100, 500, 981, 982):
        shape = chosen.shape(10131227, 16, rank)
        assert (curve.parameters(rank), curve.flops(rank)) == (shape.parameters, shape.flops_per_lookup)
    assert chosen.shape(10131227, 16, 983).larger_than_dense
    assert len(curve.pieces) < 20


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3000), st.integers(1, 16), SETTINGS, st.integers(0, 20_000))
def test_the_largest_rank_fits_and_the_next_does_not(rows, dim, chosen, most) -> None:
    rank = largest_rank_within(rows, dim, most, chosen)
    assert rank == 0 or chosen.shape(rows, dim, rank).parameters <= most
    assert chosen.shape(rows, dim, rank + 1).parameters > most


def test_a_budget_beyond_all_ranks_ends_at_the_largest_there_is() -> None:
    assert largest_rank_within(10, 4, 2**62, ShapeSettings(cores=2)) == MAX_RANK


@pytest.mark.parametrize("rows", [1, 2])
def test_a_table_that_no_rank_makes_smaller_has_no_curve(rows) -> None:
    assert rank_curve(rows, 1, ShapeSettings()) is None
