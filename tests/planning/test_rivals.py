"""Rivals take the bytes of the tensor train they stand in for, and no more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.planning import ShapeSettings, plan_tables
from ttrec_cli.planning.rivals import MATCHES, rival_plans
from ttrec_kernels.table_plan import TableKind, TablePlan

ROWS = (101_312, 83_516, 2_202, 24)
SETTINGS = ShapeSettings()


def matched(rival: str, rank: int = 16) -> tuple[tuple[TablePlan, ...], tuple[TablePlan, ...]]:
    trains = plan_tables(("a", "b", "c", "d"), ROWS, 16, rank, 2)
    return trains, rival_plans(trains, rival, SETTINGS)


@pytest.mark.parametrize("rival", ["hash", "double-hash", "tt+hash", "tt+int8"])
@pytest.mark.parametrize("rank", [4, 16, 64])
def test_bytes_are_those_of_the_train_or_just_below(rival: str, rank: int) -> None:
    for train, found in zip(*matched(rival, rank), strict=True):
        if train.kind == TableKind.DENSE:
            assert found == train
            continue
        assert found.bytes() <= train.bytes()
        # what is left unused: less than a row, or the step to the next rank
        assert found.bytes() >= train.bytes() - (16 * 4 if "hash" in rival and "tt" not in rival else train.bytes() / 3)


def test_tt_in_fewer_rows_or_bits_has_larger_ranks() -> None:
    train = matched("hash")[0][0]
    for rival in ("tt+hash", "tt+int8"):
        found = matched(rival)[1][0]
        assert max(found.shape.ranks) > max(train.shape.ranks)
    assert matched("tt+hash")[1][0].buckets == -(-ROWS[0] // 4)
    assert matched("tt+int8")[1][0].int8


def test_qr_and_low_rank_have_a_least_size() -> None:
    train, small = matched("qr", 2)[0][0], matched("qr", 2)[1][0]
    assert small.bytes() > train.bytes()
    assert small.buckets == 319  # the root of its rows, rounded up: no two tables take less
    train, large = matched("qr", 64)[0][0], matched("qr", 64)[1][0]
    assert train.bytes() - 2 * 64 <= large.bytes() <= train.bytes()
    assert matched("low-rank", 4)[1][0].rank == 1


def test_int8_is_dense_in_bytes() -> None:
    found = matched("int8")[1]
    assert [plan.int8 for plan in found] == [True, True, False, False]
    assert found[0].bytes() == ROWS[0] * (16 + 4)


def test_what_would_not_be_smaller_stays_dense_and_says_why() -> None:
    trains = plan_tables(("a",), (3000,), 4, 12, 1)
    assert trains[0].kind == TableKind.TT
    found = rival_plans([trains[0]], "low-rank", SETTINGS)[0]
    if found.kind == TableKind.DENSE:
        assert "low-rank" in found.reason
    tiny = TablePlan("t", 100, 1, TableKind.TT, SETTINGS.shape(100, 1, 1))
    assert rival_plans([tiny], "low-rank", SETTINGS)[0].reason.startswith("as low-rank it would take")


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(30, 3000),
    dim=st.sampled_from([1, 4, 6, 16]),
    rank=st.integers(1, 30),
    rival=st.sampled_from(sorted(MATCHES)),
)
def test_every_table_has_a_rival_never_larger_than_dense(rows: int, dim: int, rank: int, rival: str) -> None:
    trains = plan_tables(("a",), (rows,), dim, rank, 1)
    for found in rival_plans(trains, rival, SETTINGS):
        assert found.bytes() <= rows * dim * 4
        assert TablePlan.from_dict(found.to_dict()).bytes() == found.bytes()
