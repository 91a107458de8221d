"""Whole models within a budget: it fits, and no rank can be raised, which is tried."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import (
    Budget,
    ModelTable,
    ShapeSettings,
    named_tables,
    plan_within,
    ranked_tables,
    spread_within,
)
from ttrec_kernels.shape_search import smallest_shape
from ttrec_kernels.table_plan import TableKind


def total_bytes(plans, item_bytes=4):
    return sum(plan.bytes(item_bytes) for plan in plans)


def raised(plan):
    """Parameters with all ranks raised by one, and with each bond's alone."""
    inner = plan.shape.ranks[1:-1]
    steps = [(1,) * len(inner), *(tuple(int(at == bond) for at in range(len(inner))) for bond in range(len(inner)))]
    for step in steps:
        ranks = tuple(rank + more for rank, more in zip(inner, step, strict=True))
        yield min(smallest_shape(plan.rows, plan.dim, ranks).parameters, plan.rows * plan.dim)


def check_nothing_more_fits(plans, max_bytes) -> None:
    left = max_bytes - total_bytes(plans)
    assert left >= 0
    for plan in plans:
        if plan.shape is not None:
            for parameters in raised(plan):
                # A bond that would make the tensor train larger than dense is left; dense itself did not fit then.
                more = 4 * (parameters - plan.parameters)
                assert more > left or parameters == plan.rows * plan.dim, plan.name


@pytest.mark.parametrize("planner", [plan_within, spread_within])
@pytest.mark.parametrize(
    ("name", "dim", "max_bytes"),
    [("kaggle", 16, 20_000_000), ("kaggle", 16, 50_000_000), ("kaggle", 16, 100_000), ("terabyte", 64, 112_000_000)],
)
def test_it_fits_and_no_rank_can_be_raised(planner, name, dim, max_bytes) -> None:
    found = planner(ranked_tables(named_tables(name), dim, None, ShapeSettings()), Budget(max_bytes))
    check_nothing_more_fits(found.plans, max_bytes)
    assert total_bytes(found.plans) > 0.99 * max_bytes


def test_kaggle_in_20_megabytes() -> None:
    found = plan_within(ranked_tables(named_tables("kaggle"), 16, None, ShapeSettings()), Budget(20_000_000))
    assert found.rank == 67
    assert total_bytes(found.plans) == 19_998_708
    ranks = [plan.shape.ranks[1:-1] for plan in found.plans if plan.shape]
    assert all(min(inner) >= 67 for inner in ranks)
    assert sum(4 * smallest_parameters(plan, 68) for plan in found.plans) > 20_000_000


def smallest_parameters(plan, rank):
    return min(smallest_shape(plan.rows, plan.dim, rank).parameters, plan.rows * plan.dim)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6), st.sampled_from([2, 4, 8]), st.data())
def test_the_common_rank_is_the_largest(rows, dim, data) -> None:
    tables = [ModelTable(f"t{at}", count) for at, count in enumerate(rows)]
    ranked = ranked_tables(tables, dim, None, ShapeSettings())
    smallest = sum(table.parameters(1) for table in ranked)
    limit = data.draw(st.integers(smallest, sum(rows) * dim))
    found = plan_within(ranked, Budget(4 * limit))
    check_nothing_more_fits(found.plans, 4 * limit)
    if found.rank is not None:
        compressed = [plan for plan in found.plans if plan.shape is not None]
        assert all(min(plan.shape.ranks[1:-1]) >= found.rank for plan in compressed)
        assert sum(smallest_parameters(plan, found.rank) for plan in found.plans) <= limit
        assert sum(smallest_parameters(plan, found.rank + 1) for plan in found.plans) > limit


def test_only_the_largest_are_compressed_where_asked() -> None:
    found = plan_within(ranked_tables(named_tables("kaggle"), 16, 3, ShapeSettings()), Budget(600_000_000))
    assert {plan.name for plan in found.plans if plan.kind == TableKind.TT} <= {"C3", "C12", "C21"}
    assert all(plan.reason == "" for plan in found.plans if plan.name not in ("C3", "C12", "C21"))


def test_tables_left_dense_say_why() -> None:
    tables = [ModelTable("large", 10**6), ModelTable("tiny", 3)]
    large, tiny = plan_within(ranked_tables(tables, 16, None, ShapeSettings()), Budget(500_000)).plans
    assert large.reason == ""
    assert tiny.reason == "at rank 3 a tensor train of 66 parameters would be larger than dense, 48"
    large, tiny = spread_within(ranked_tables(tables, 16, None, ShapeSettings()), Budget(500_000)).plans
    assert tiny.reason == "uncompressed it is worth its bytes more than higher ranks elsewhere"


def test_a_budget_for_everything_leaves_everything_dense() -> None:
    ranked = ranked_tables(named_tables("kaggle"), 16, None, ShapeSettings())
    for planner in (plan_within, spread_within):
        found = planner(ranked, Budget(3 * 10**9))
        assert found.rank is None
        assert all(plan.kind == TableKind.DENSE for plan in found.plans)


@pytest.mark.parametrize("planner", [plan_within, spread_within])
def test_too_small_a_budget_names_the_smallest_possible(planner) -> None:
    ranked = ranked_tables(named_tables("kaggle"), 16, None, ShapeSettings())
    with pytest.raises(ConfigError, match="below the smallest possible, 38280 bytes"):
        planner(ranked, Budget(38_279))
    assert total_bytes(planner(ranked, Budget(38_280)).plans) == 38_280
