"""Candidates side by side: which ranks are shown, and what a record says."""

import pytest

from ttrec_cli.planning import STANDARD_RANKS, ShapeSettings, candidate_record, excess_over_bound, list_candidates
from ttrec_kernels.shapes import TTShape


def inner_ranks(candidates):
    return [shape.ranks[1:-1] for shape in candidates.shapes]


def test_the_standard_ranks_and_the_one_asked_for() -> None:
    assert inner_ranks(list_candidates(1000, 16)) == [(rank, rank) for rank in STANDARD_RANKS]
    uneven = list_candidates(1000, 16, (16, 24))
    assert inner_ranks(uneven) == [(8, 8), (16, 16), (16, 24), (32, 32), (64, 64)]
    assert uneven.recommended.ranks == (1, 16, 24, 1)


@pytest.mark.parametrize("rank", [8, (8, 8), 12])
def test_the_recommended_shape_is_among_the_candidates_once(rank) -> None:
    candidates = list_candidates(1000, 16, rank)
    assert sum(shape is candidates.recommended for shape in candidates.shapes) == 1
    assert len(set(candidates.shapes)) == len(candidates.shapes)


def test_fixed_row_factors_reach_every_candidate() -> None:
    candidates = list_candidates(1000, 16, settings=ShapeSettings(cores=2), row_factors=(40, 25))
    assert {shape.row_factors for shape in candidates.shapes} == {(40, 25)}


def test_a_record_of_a_shape_worked_out_by_hand() -> None:
    record = candidate_record(TTShape(95, 8, (4, 5, 5), (2, 2, 2), (1, 3, 2, 1)))
    parameters = 4 * 2 * 3 + 5 * 3 * 2 * 2 + 5 * 2 * 2  # 104
    bound = record.pop("bound_parameters")
    assert bound == pytest.approx(3 * (95 * 8 * 36) ** (1 / 3))
    assert record == {
        "row_factors": [4, 5, 5],
        "dim_factors": [2, 2, 2],
        "ranks": [1, 3, 2, 1],
        "parameters": parameters,
        "bytes": 4 * parameters,
        "compression": 760 / parameters,
        "flops_per_lookup": 2 * (2 * 3 * 2 * 2 + 4 * 2 * 2),
        "padding_fraction": pytest.approx(5 / 95),
        "larger_than_dense": False,
        "useless_rank": False,
    }


def test_excess_over_bound() -> None:
    shape = list_candidates(10131227, 16).recommended
    assert excess_over_bound(shape) == pytest.approx(233344 / 166181.2 - 1, abs=1e-6)
