"""Table plans from untrusted records: the round trip, and one line for every rule broken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_kernels import PlanError, ShapeError, TableKind, TablePlan, TTRecError, TTShape, smallest_shape

TT = {
    "name": "C3",
    "rows": 1000,
    "dim": 16,
    "kind": "tt",
    "row_factors": [10, 10, 10],
    "dim_factors": [2, 2, 4],
    "ranks": [1, 4, 3, 1],
}
DENSE = {"name": "C9", "rows": 3, "dim": 16, "kind": "dense"}


def test_records_become_plans() -> None:
    shape = TTShape(1000, 16, (10, 10, 10), (2, 2, 4), (1, 4, 3, 1))
    assert TablePlan.from_dict(TT) == TablePlan("C3", 1000, 16, TableKind.TT, shape)
    assert TablePlan.from_dict(DENSE) == TablePlan("C9", 3, 16)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5000), st.integers(1, 24), st.integers(1, 9), st.integers(2, 4), st.booleans())
def test_round_trip(rows, dim, rank, cores, dense) -> None:
    shape = None if dense else smallest_shape(rows, dim, rank, cores=cores)
    plan = TablePlan("any name", rows, dim, TableKind.DENSE if dense else TableKind.TT, shape)
    assert TablePlan.from_dict(plan.to_dict()) == plan


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"row_factors": [10, 10, 9]}, "hold 900 rows, fewer than the 1000 asked for; raising 9 to 10 is enough"),
        ({"row_factors": [1000]}, "at least 2 cores, but row_factors has 1"),
        ({"row_factors": []}, "at least 2 cores"),
        ({"row_factors": "10,10,10"}, "row_factors must be a list of whole numbers, but is '10,10,10'"),
        ({"row_factors": [10, 10, 10.0]}, "every number of row_factors must be a whole number, but is 10.0"),
        ({"row_factors": [10, True, 100]}, "whole number, but is True"),
        ({"row_factors": [2**62, 2**62, 2]}, "exceed 2^62"),
        ({"dim_factors": [2, 2, 5]}, "must have dim 16"),
        ({"dim_factors": [4, 4]}, "equally many, but are 3 and 2"),
        ({"ranks": [4, 3]}, "3 cores need 4 ranks"),
        ({"ranks": [1, 4, 3, 2]}, "begin and end with 1"),
        ({"ranks": [1, 0, 3, 1]}, "the nearest valid value is 1"),
        ({"ranks": None}, "ranks must be a list of whole numbers, but is nothing"),
        ({"rows": 0}, "rows must lie in 1 …"),
        ({"rows": "1000"}, "rows must be a whole number, but is '1000'"),
        ({"dim": 2**40}, "dim must lie in 1 …"),
        ({"kind": "robe"}, "low-rank, tt+hash, but is 'robe'"),
        ({"kind": ["tt"]}, "kind must be one of dense, tt"),
        ({"kind": "dense"}, "unknown key 'row_factors'"),
        ({"rank": 32}, "unknown key 'rank'; did you mean ranks?"),
        ({"surprise": 32}, "known here: name, rows, dim, kind, row_factors, dim_factors, ranks"),
    ],
)
def test_broken_rules_are_one_line_that_names_the_table(change, said) -> None:
    with pytest.raises((PlanError, ShapeError)) as caught:
        TablePlan.from_dict(TT | change)
    message = str(caught.value)
    assert message.startswith("table 'C3'")
    assert said in message
    assert message.isprintable()


@pytest.mark.parametrize("key", sorted(TT))
def test_missing_keys_are_named(key) -> None:
    with pytest.raises(TTRecError, match="name" if key == "name" else "kind" if key == "kind" else f"lacks {key}"):
        TablePlan.from_dict({name: value for name, value in TT.items() if name != key})


@pytest.mark.parametrize("name", [None, "", "  ", 7, "a\x1b[31m", "two\nlines", "\u202eesrever", "n" * 201, ["C3"]])
def test_names_that_cannot_be_shown_are_refused(name) -> None:
    with pytest.raises(PlanError, match="name") as caught:
        TablePlan.from_dict(DENSE | {"name": name})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("record", [None, 5, "C3", [TT], 1.5])
def test_what_is_no_mapping_is_refused(record) -> None:
    with pytest.raises(PlanError, match="a table plan is a mapping"):
        TablePlan.from_dict(record)
