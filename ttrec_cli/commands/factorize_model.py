"""A whole model for `ttrec factorize`: a plan at a rank, within a budget, or as a file says, with its costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from ttrec_cli import console
from ttrec_cli.commands import factorize_model_view as view
from ttrec_cli.commands.factorize_asked import Asked
from ttrec_cli.commands.factorize_input import read_tables, read_weights
from ttrec_cli.commands.factorize_output import result_with_files
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import plan_tables
from ttrec_cli.planning.budget import Budget
from ttrec_cli.planning.model_budget import plan_within, ranked_tables
from ttrec_cli.planning.model_record import table_records, totals_record
from ttrec_cli.planning.spread import OBJECTIVE, expected_loss, spread_within
from ttrec_cli.planning.table_list import ModelTable
from ttrec_kernels.table_plan import TablePlan

CHOOSING = (
    "--rank", "--largest", "--max-bytes", "--compression", "--cores", "--max-skew", "--dim-factors", "--rule",
)  # fmt: skip
"""Options that choose what a plan has already chosen."""


@dataclass(frozen=True)
class ModelPlan:
    """Plans of all tables, how they came about, and `extra` keys of the JSON."""

    plans: tuple[TablePlan, ...]
    words: str
    extra: dict[str, Any]


def plan_model(asked: Asked) -> console.CommandResult:
    """Plan the model, or cost the plan that the file holds."""
    found = read_tables(asked.tables or "")
    given = [table for table in found if isinstance(table, TablePlan)]
    tables = [table for table in found if isinstance(table, ModelTable)]
    if given:
        model = _given(asked, given)
    elif asked.dim is None:
        raise ConfigError("--tables needs --dim, the embedding dimension, such as --dim 16")
    else:
        model = _within(asked, tables) if asked.has_budget else _at_rank(asked, tables)
    records = table_records(model.plans, asked.item_bytes)
    totals = totals_record(model.plans, asked.item_bytes)
    payload: dict[str, Any] = {"tables": records, "totals": totals, "dtype": asked.dtype, **model.extra}
    shown: tuple[RenderableType, ...] = () if asked.json else view.show_model(records, totals, model.words)
    return result_with_files(asked, payload, shown, model.plans)


def _given(asked: Asked, plans: Sequence[TablePlan]) -> ModelPlan:
    why = f"{asked.tables} is a table plan, where all is chosen"
    asked.refuse(CHOOSING, why)
    dims = {plan.dim for plan in plans}
    if asked.dim is not None and dims != {asked.dim}:
        has = ", ".join(str(dim) for dim in sorted(dims))
        raise ConfigError(f"{asked.tables} is a table plan of dim {has}, but --dim is {asked.dim}; leave out --dim")
    return ModelPlan(tuple(plans), f"the plan of {asked.tables}", {})


def _at_rank(asked: Asked, tables: Sequence[ModelTable]) -> ModelPlan:
    names, rows = [table.name for table in tables], [table.rows for table in tables]
    largest = len(tables) if asked.largest is None else asked.largest
    plans = plan_tables(names, rows, asked.dim or 0, asked.ranks, largest, shape=asked.settings)
    asked_for = "all tables" if asked.largest is None else f"the {largest} largest tables"
    return ModelPlan(plans, f"{asked_for} at rank {asked.rank or asked.ranks}", {})


def _within(asked: Asked, tables: Sequence[ModelTable]) -> ModelPlan:
    dim = asked.dim or 0
    ranked = ranked_tables(tables, dim, asked.largest, asked.settings)
    for table in ranked:
        table.shape(1)  # a table that cannot be is said before a budget that cannot
    budget = asked.budget(dim * sum(table.rows for table in tables))
    if not asked.spread:
        found = plan_within(ranked, budget)
        common = "nothing left to compress" if found.rank is None else f"rank {found.rank} or more for all"
        return ModelPlan(
            found.plans, common, {"rank": found.rank, "budget": _record(budget, found.smallest_parameters)}
        )
    weights = read_weights(asked.weights, tables) if asked.weights is not None else None
    found = spread_within(ranked, budget, weights)
    spread = {
        "objective": OBJECTIVE,
        "loss": expected_loss(found.plans, weights),
        "weights": None if weights is None else list(weights),
    }
    return ModelPlan(
        found.plans,
        f"ranks spread for the least {OBJECTIVE}",
        {"spread": spread, "budget": _record(budget, found.smallest_parameters)},
    )


def _record(budget: Budget, smallest_parameters: int) -> dict[str, int]:
    return {"max_bytes": budget.bytes, "smallest_bytes": smallest_parameters * budget.item_bytes}
