"""The spread of ranks over tables against every choice there is, on small models."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.planning import (
    Budget,
    ModelTable,
    ShapeSettings,
    named_tables,
    plan_within,
    ranked_tables,
    spread_within,
)
from ttrec_cli.planning.spread import expected_loss


def best_loss(ranked, limit, weights):
    """The least objective of all equal ranks of all tables that fit, dense ones included."""
    options = [
        [(table.settings.shape(table.table.rows, table.dim, rank).parameters, weight / rank) for rank in range(1, 60)]
        + [(table.dense_parameters, 0.0)]
        for table, weight in zip(ranked, weights, strict=True)
    ]
    return min(
        sum(loss for _, loss in choice)
        for choice in itertools.product(*options)
        if sum(parameters for parameters, _ in choice) <= limit
    )


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(5, 400), min_size=1, max_size=3), st.sampled_from([2, 4, 8]), st.data())
def test_no_choice_of_equal_ranks_is_better(rows, dim, data) -> None:
    ranked = ranked_tables([ModelTable(f"t{at}", n) for at, n in enumerate(rows)], dim, None, ShapeSettings())
    assert all(table.last_rank < 60 for table in ranked)
    limit = data.draw(st.integers(sum(table.parameters(1) for table in ranked), sum(rows) * dim))
    weights = data.draw(st.lists(st.sampled_from([0.1, 0.5, 1.0]), min_size=len(rows), max_size=len(rows)))
    found = spread_within(ranked, Budget(4 * limit), weights)
    scale = max(weights)
    best = best_loss(ranked, limit, [weight / scale for weight in weights])
    floors = [min(plan.shape.ranks[1:-1]) if plan.shape else None for plan in found.plans]
    reached = sum(0.0 if rank is None else weight / scale / rank for rank, weight in zip(floors, weights, strict=True))
    assert reached == pytest.approx(best, rel=1e-12)
    assert sum(plan.parameters for plan in found.plans) <= limit
    assert expected_loss(found.plans, weights) <= best * scale * (1 + 1e-12)


def test_it_is_no_worse_than_equal_ranks_and_favours_what_is_looked_up() -> None:
    ranked, budget = ranked_tables(named_tables("kaggle"), 16, None, ShapeSettings()), Budget(20_000_000)
    equal, even = plan_within(ranked, budget), spread_within(ranked, budget)
    assert expected_loss(even.plans) < expected_loss(equal.plans)
    weights = [1.0] * 26
    weights[2] = 50.0  # C3, the largest table
    uneven = spread_within(ranked, budget, weights)
    assert uneven.plans[2].parameters > even.plans[2].parameters
    assert expected_loss(uneven.plans, weights) < expected_loss(even.plans, weights)


def test_a_table_that_is_never_looked_up_gets_the_smallest_rank() -> None:
    ranked = ranked_tables([ModelTable("used", 10**6), ModelTable("unused", 10**6)], 16, None, ShapeSettings())
    used, unused = spread_within(ranked, Budget(1_000_000), (1.0, 0.0)).plans
    assert used.shape is not None
    assert unused.shape is not None
    assert min(unused.shape.ranks[1:-1]) <= 2  # what no whole rank of the other can use may raise it a little
    assert min(used.shape.ranks[1:-1]) > 30


def test_the_loss_is_the_mean_over_bonds() -> None:
    shape = ShapeSettings().shape(1000, 16, (4, 2))
    plan = ranked_tables([ModelTable("a", 1000)], 16, None, ShapeSettings())[0].plan((4, 2))
    assert plan.shape == shape
    assert expected_loss([plan], [2.0]) == 2 * (1 / 4 + 1 / 2) / 2
