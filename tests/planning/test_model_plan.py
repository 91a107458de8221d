"""Plans of whole models: the paper's reductions, and which tables are chosen."""

import pytest

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import KAGGLE_ROWS, TABLE_NAMES, TERABYTE_ROWS, ShapeSettings, plan_tables
from ttrec_kernels.errors import ShapeError
from ttrec_kernels.table_plan import TableKind

PAPER = ShapeSettings(rule="entropy")
RANKS = (8, 16, 32, 64)


def plan_bytes(rows, dim, rank, largest, settings) -> int:
    return sum(plan.bytes() for plan in plan_tables(TABLE_NAMES, rows, dim, rank, largest, shape=settings))


def reductions(rows, dim, largest, settings):
    return [round(4 * sum(rows) * dim / plan_bytes(rows, dim, rank, largest, settings), 2) for rank in RANKS]


@pytest.mark.parametrize(
    ("rows", "dim", "largest", "expected"),
    [
        (KAGGLE_ROWS, 16, 3, [4.10, 4.09, 4.06, 3.94]),
        (KAGGLE_ROWS, 16, 5, [58.26, 55.84, 48.29, 31.68]),
        (KAGGLE_ROWS, 16, 7, [221.90, 187.00, 117.36, 48.00]),
        (TERABYTE_ROWS, 64, 3, [2.56, 2.56, 2.55, 2.54]),
        (TERABYTE_ROWS, 64, 5, [22.49, 22.35, 21.84, 20.03]),
        (TERABYTE_ROWS, 64, 7, [112.54, 108.54, 95.50, 64.95]),
    ],
)
def test_model_size_reductions_of_the_paper(rows, dim, largest, expected) -> None:
    assert reductions(rows, dim, largest, PAPER) == expected


def test_seven_kaggle_tables_take_18_41_mb_with_the_papers_shapes() -> None:
    assert plan_bytes(KAGGLE_ROWS, 16, 32, 7, PAPER) == pytest.approx(18.41e6, abs=5e3)


def test_smaller_shapes_at_equal_rank_reduce_more() -> None:
    kept = reductions(KAGGLE_ROWS, 16, 7, ShapeSettings(dim_factors=(2, 2, 4)))
    assert (kept[0], kept[2]) == (224.42, 131.64)
    default = reductions(KAGGLE_ROWS, 16, 7, ShapeSettings())
    assert all(ours > theirs for ours, theirs in zip(default, kept, strict=True))


def test_the_largest_tables_are_compressed_and_order_is_kept() -> None:
    plans = plan_tables(TABLE_NAMES, KAGGLE_ROWS, 16, 32, 7)
    assert tuple(plan.name for plan in plans) == TABLE_NAMES
    assert tuple(plan.rows for plan in plans) == KAGGLE_ROWS
    compressed = {plan.name for plan in plans if plan.kind == TableKind.TT}
    assert compressed == {"C3", "C4", "C12", "C16", "C21", "C24", "C26"}
    assert all(plan.reason == "" for plan in plans)


def test_of_equally_large_tables_the_first_is_chosen() -> None:
    plans = plan_tables(("a", "b", "c"), (5000, 9000, 9000), 16, 4, 1)
    assert [plan.kind for plan in plans] == [TableKind.DENSE, TableKind.TT, TableKind.DENSE]


def test_a_table_that_would_grow_stays_dense_and_says_why() -> None:
    small, large = plan_tables(("small", "large"), (40, 10**6), 16, 32, 2)
    assert (small.kind, small.shape) == (TableKind.DENSE, None)
    assert small.reason.startswith("at rank 32 a tensor train of ")
    assert small.reason.endswith(" parameters would be larger than dense, 640")
    assert large.kind == TableKind.TT


def test_no_tables_means_all_dense() -> None:
    assert all(plan.kind == TableKind.DENSE for plan in plan_tables(TABLE_NAMES, KAGGLE_ROWS, 16, 32, 0))


def test_settings_reach_the_shapes() -> None:
    (plan,) = plan_tables(("a",), (10**6,), 16, 8, 1, shape=ShapeSettings(cores=4, max_skew=1.0))
    assert plan.shape is not None
    assert plan.shape.row_factors == (32, 32, 32, 32)


@pytest.mark.parametrize(
    ("names", "largest", "message"),
    [
        (("a", "b"), 3, "must lie in 0 … 2, the tables there are, but are 3; the nearest valid value is 2"),
        (("a", "b"), -1, "nearest valid value is 0"),
        (("a",), 1, "1 names and 2 rows"),
    ],
)
def test_impossible_plans_are_refused(names, largest, message) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_tables(names, (10, 20), 4, 2, largest)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="rule must be parameters or entropy, but is 'best'"):
        ShapeSettings(rule="best")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="chooses the row factors itself"):
        PAPER.shape(1000, 16, 8, row_factors=(10, 10, 10))
    with pytest.raises(ShapeError, match="the nearest valid ones are"):
        plan_tables(("a",), (1000,), 32, 8, 1, shape=ShapeSettings(dim_factors=(2, 2, 4)))
