"""One table for `ttrec factorize`: candidates at several ranks, or the largest ranks within a budget."""

from math import isfinite
from typing import Any

from rich.console import RenderableType

from ttrec_cli import console
from ttrec_cli.commands import factorize_budget_view, factorize_view
from ttrec_cli.commands.factorize_asked import Asked
from ttrec_cli.commands.factorize_output import result_with_files
from ttrec_cli.commands.factorize_words import rank_text
from ttrec_cli.planning import Candidates, candidate_record, list_candidates
from ttrec_cli.planning.budget import Budget, TableFit, fit_table
from ttrec_cli.planning.model_record import usage_record
from ttrec_cli.planning.usage import usage
from ttrec_kernels.shapes import TTShape
from ttrec_kernels.table_plan import TableKind, TablePlan

TABLE_NAME = "table"
"""In a plan of the one table, which has no name of its own."""


def plan_one_table(asked: Asked) -> console.CommandResult:
    """Candidates as they always were; a budget, another dtype or a plan adds what the recommended one costs to use."""
    rows, dim = asked.rows or 0, asked.dim or 0
    settings, row_factors = asked.settings, asked.fixed_row_factors
    fit, budget = None, None
    ranks = asked.ranks
    if asked.has_budget:
        settings.shape(rows, dim, 1, row_factors)  # a table that cannot be is said before a budget that cannot
        budget = asked.budget(rows * dim)
        fit = fit_table(rows, dim, budget, settings, row_factors)
        ranks = fit.equal.ranks[1:-1]
    candidates = list_candidates(rows, dim, ranks, settings=settings, row_factors=row_factors)
    if fit is not None and fit.uneven is not None:
        shapes = sorted({*candidates.shapes, fit.uneven}, key=lambda shape: shape.ranks)
        candidates = Candidates(tuple(shapes), candidates.recommended)
    best = fit.uneven if fit and fit.uneven else candidates.recommended
    plan = TablePlan(TABLE_NAME, rows, dim, TableKind.TT, best)
    payload = _payload(asked, candidates)
    shown: tuple[RenderableType, ...] = (
        () if asked.json else factorize_view.show_candidates(candidates, asked.item_bytes)
    )
    if asked.has_budget or asked.dtype != "fp32":
        payload |= {"dtype": asked.dtype, "usage": usage_record(plan, asked.item_bytes)}
    if fit is not None and budget is not None:
        payload |= _budget_payload(fit, budget)
        shown = (
            *shown,
            *factorize_budget_view.budget_lines(fit, budget),
            factorize_budget_view.usage_line(f"A lookup at rank {rank_text(best)}", payload["usage"]),
            *map(factorize_budget_view.slice_line, usage(plan, asked.item_bytes).slices),
        )
    return result_with_files(asked, payload, shown, (plan,))


def _payload(asked: Asked, candidates: Candidates) -> dict[str, Any]:
    settings = asked.settings
    limited = settings.rule == "parameters" and asked.row_factors is None and isfinite(settings.max_skew)
    return {
        "rows": asked.rows,
        "dim": asked.dim,
        "cores": settings.cores,
        "rule": settings.rule,
        "max_skew": settings.max_skew if limited else None,
        "candidates": [candidate_record(shape, asked.item_bytes) for shape in candidates.shapes],
        "recommended": candidate_record(candidates.recommended, asked.item_bytes),
    }


def _budget_payload(fit: TableFit, budget: Budget) -> dict[str, Any]:
    """The budget, and `uneven`: ranks that use it better, or null."""

    def record(shape: TTShape | None) -> dict[str, Any] | None:
        return None if shape is None else candidate_record(shape, budget.item_bytes)

    return {
        "budget": {
            "max_bytes": budget.bytes,
            "smallest_bytes": fit.smallest_parameters * budget.item_bytes,
            "fits_uncompressed": fit.fits_uncompressed,
        },
        "uneven": record(fit.uneven),
    }
