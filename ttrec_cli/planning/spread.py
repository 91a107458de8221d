"""Ranks of a whole model, spread over its tables so that a budget of bytes buys most.

What a rank buys is known only after training, so the objective is a stated assumption. If the singular values of
every unfolding of a table fall like 1/k, the share of its energy beyond rank r is about 1/r, and TT-SVD loses no
more than the sum over its bonds. The spread minimises Σ weight / rank over the compressed tables; a dense table
loses nothing. The weight is how often a table is looked up, 1 unless given. Each table takes one rank on all its
bonds, and the choice of ranks is exact: a knapsack with one option of each table. What no whole rank can use then
raises single bonds.

Source: Oseledets (2011), Tensor-train decomposition, theorem 2.2, for the sum over bonds.
"""

from collections.abc import Sequence

from ttrec_cli.planning.budget import Budget
from ttrec_cli.planning.model_budget import BudgetPlan, RankedTable, fill_bonds, smallest_parameters
from ttrec_kernels.table_plan import TablePlan

OBJECTIVE = "sum over compressed tables of weight / rank"

WORTH_IT = "uncompressed it is worth its bytes more than higher ranks elsewhere"


def spread_within(ranked: Sequence[RankedTable], budget: Budget, weights: Sequence[float] | None = None) -> BudgetPlan:
    """The plan of least expected loss that fits; `ConfigError` names the smallest possible bytes."""
    from ttrec_cli.planning.knapsack import least_loss  # imports NumPy, which all other plans do without

    smallest = smallest_parameters(ranked, budget)
    shares = [1.0] * len(ranked) if weights is None else [weight / max(weights) for weight in weights]
    options = [_options(table, share) for table, share in zip(ranked, shares, strict=True)]
    found = least_loss(options, budget.parameters)
    if found is None:  # the smallest plan is one of the choices
        raise budget.refusal(smallest)
    ranks = [None if at == table.last_rank else at + 1 for table, at in zip(ranked, found, strict=True)]
    return BudgetPlan(fill_bonds(ranked, ranks, budget, WORTH_IT), None, smallest)


def _options(table: RankedTable, weight: float) -> list[tuple[int, float]]:
    """(parameters, loss) of ranks 1, 2, … as far as they pay, then of the dense table."""
    ranks = range(1, table.last_rank + 1)
    return [*((table.parameters(rank), weight / rank) for rank in ranks), (table.dense_parameters, 0.0)]


def expected_loss(plans: Sequence[TablePlan], weights: Sequence[float] | None = None) -> float:
    """The objective at a plan: weight times the mean over its bonds of 1 / rank, summed over compressed tables."""
    total = 0.0
    for plan, weight in zip(plans, weights or [1.0] * len(plans), strict=True):
        inner = plan.shape.ranks[1:-1] if plan.shape is not None else ()
        total += weight * sum(1 / rank for rank in inner) / len(inner) if inner else 0.0
    return total
