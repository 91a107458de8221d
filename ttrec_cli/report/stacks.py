"""Where a model's bytes are, by table: the paper's Figure 6."""

import json
from collections.abc import Sequence

from ttrec_cli.pareto import Point
from ttrec_cli.pareto.wording import format_bytes, format_factor
from ttrec_cli.report.chosen import short_name
from ttrec_cli.report.record import Chart, Column, Stack, Stacks, Table
from ttrec_kernels.errors import TTRecError
from ttrec_kernels.table_plan import TablePlan

NAMED_TABLES = 7
"""So many of the largest tables have a layer of their own."""

OTHERS, REST = "other tables", "MLPs"


def stacks_chart(points: Sequence[Point]) -> Chart | None:
    """A bar for each point whose table plans are known; None if there is no such point."""
    plans = {point: read_plans(point.plan) for point in points}
    known = [point for point in points if plans[point]]
    if not known:
        return None
    named = _largest([plan for point in known for plan in plans[point]])
    layers = (*named, OTHERS, REST)
    same_dim = len({point.dim for point in known}) == 1
    bars = tuple(_bar(point, plans[point], named, same_dim) for point in known)
    least, most = min(bars, key=lambda bar: bar.total), max(bars, key=lambda bar: bar.total)
    return Chart(
        topic="Where the bytes are",
        title="Model bytes by table",
        summary=f"Stacked bars of {len(bars)} models by table, from {least.name} with {format_bytes(least.total)} "
        f"to {most.name} with {format_bytes(most.total)}. The numbers are in the table below.",
        content=Stacks(layers, bars),
        table=_table(layers, bars),
    )


def read_plans(text: str) -> tuple[TablePlan, ...]:
    """The table plans of a row's `plan` column; empty where it holds none."""
    try:
        return tuple(TablePlan.from_dict(record) for record in json.loads(text)) if text else ()
    except (ValueError, TypeError, TTRecError):  # not written by us: there is nothing to draw
        return ()


def _largest(plans: Sequence[TablePlan]) -> tuple[str, ...]:
    """Names of the tables with most rows, the largest first."""
    rows = {plan.name: plan.rows for plan in plans}
    return tuple(sorted(rows, key=lambda name: (-rows[name], name))[:NAMED_TABLES])


def _bar(point: Point, plans: Sequence[TablePlan], named: Sequence[str], same_dim: bool) -> Stack:
    by_name = {plan.name: plan.bytes() for plan in plans}
    tables = sum(by_name.values())
    dense = sum(4 * plan.rows * plan.dim for plan in plans)
    own = [by_name.get(name, 0) for name in named]
    # Whatever the model holds beyond its tables is its MLPs.
    parts = (*own, tables - sum(own), max(0, point.model_bytes - tables))
    factor = "" if tables == dense else f", embeddings {format_factor(dense / tables)} smaller"
    return Stack(short_name(point, same_dim), parts, f"{format_bytes(sum(parts))}{factor}")


def _table(layers: Sequence[str], bars: Sequence[Stack]) -> Table:
    return Table(
        caption="Bytes of each model by table",
        columns=(Column("Model"), *(Column(layer, numeric=True) for layer in layers), Column("Together")),
        rows=tuple((bar.name, *(format_bytes(part) for part in bar.parts), bar.note) for bar in bars),
    )
