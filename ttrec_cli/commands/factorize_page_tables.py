"""The tables of the page of `ttrec factorize --html`, as escaped HTML."""

from collections.abc import Sequence
from html import escape

from ttrec_cli.commands.factorize_words import factors_text, flops_text, percent, rank_text, size_text
from ttrec_cli.planning.usage import usage
from ttrec_kernels.table_plan import TablePlan

Cells = Sequence[str]
TEXTS = ("Table", "Row factors × dim factors", "Left dense")
"""Columns of words; all others are numbers."""

PLAN_COLUMNS = (
    "Table", "Rows", "Rank", "Row factors × dim factors", "Before", "Share", "After", "Share", "Forward FLOPs",
    "Forward bytes", "Training FLOPs", "Training bytes, SGD", "Training bytes, Adagrad", "Adagrad state",
    "Left dense",
)  # fmt: skip
SLICE_COLUMNS = (
    "Table", "Core", "Slices", "Rows a slice serves, least", "most", "Prefixes a slice serves, at most",
    "Products up to here, for all rows",
)  # fmt: skip


def plan_table(plans: Sequence[TablePlan], item_bytes: int) -> str:
    """Every table of the plan with its sizes, shares and costs, largest first."""
    before, after = sum(plan.rows * plan.dim for plan in plans), sum(plan.parameters for plan in plans)
    rows = [
        (
            plan.name,
            f"{plan.rows:,}",
            "dense" if plan.shape is None else rank_text(plan.shape),
            "" if plan.shape is None else factors_text(plan.shape),
            size_text(plan.rows * plan.dim * item_bytes),
            percent(plan.rows * plan.dim / before),
            size_text(plan.bytes(item_bytes)),
            percent(plan.parameters / after),
            *_costs(plan, item_bytes),
            plan.reason,
        )
        for plan in _largest_first(plans)
    ]
    return _table("numbers", "The plan, largest tables first", PLAN_COLUMNS, rows)


def slice_table(plans: Sequence[TablePlan]) -> str:
    """How the slices of every core of every compressed table are shared."""
    rows = [
        (
            plan.name,
            *(f"{count:,}" for count in (each.core, each.slices, each.least_rows, each.most_rows)),
            *(f"{count:,}" for count in (each.most_prefixes, each.prefixes)),
        )
        for plan in _largest_first(plans)
        for each in usage(plan).slices
    ]
    return _table("slices", "Compressed tables, core by core", SLICE_COLUMNS, rows)


def _largest_first(plans: Sequence[TablePlan]) -> list[TablePlan]:
    return sorted(plans, key=lambda plan: -plan.rows * plan.dim)


def _costs(plan: TablePlan, item_bytes: int) -> Cells:
    use = usage(plan, item_bytes)
    return (
        flops_text(use.forward_flops),
        size_text(use.forward_bytes),
        flops_text(use.train_flops),
        size_text(use.train_bytes_sgd),
        size_text(use.train_bytes_adagrad),
        size_text(use.state_bytes_adagrad),
    )


def _table(name: str, caption: str, columns: Cells, rows: Sequence[Cells]) -> str:
    classes = ["" if column in TEXTS else ' class="number"' for column in columns]
    head = "".join(
        f'<th scope="col"{kind}>{escape(column)}</th>' for column, kind in zip(columns, classes, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, classes)}</tr>" for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}"><table>'
        f'<caption id="{name}">{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(row: Cells, classes: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, classes, strict=True))
