"""The page of `ttrec factorize --html`: one file with the look of the report, that needs no network.

The report's skeleton and style sheet are read as files: its modules would import pandas.
"""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from ttrec_cli.commands.factorize_asked import Asked
from ttrec_cli.commands.factorize_figure import HEIGHT, Curve, bytes_figure, flops_figure
from ttrec_cli.commands.factorize_page_tables import plan_table, slice_table
from ttrec_cli.commands.factorize_words import short, size_text
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.model_record import totals_record
from ttrec_cli.planning.rank_curve import rank_curve
from ttrec_kernels.table_plan import TablePlan

MOST_CURVES = 16
"""Tables drawn, the largest: as many as have a look of their own."""

SWATCHES = {"solid": "none", "dash": "5 3"}


def page_html(asked: Asked, plans: Sequence[TablePlan]) -> str:
    """The whole page as text; `ConfigError` if no table could be a smaller tensor train."""
    curves = _curves(asked, plans)
    totals = totals_record(plans, asked.item_bytes)
    title = f"Rank against bytes: {_what(asked, plans)}"
    content = [
        '<section class="section" aria-labelledby="plan"><h2 id="plan">',
        f"{len(plans):,} {'table' if len(plans) == 1 else 'tables'}, {escape(asked.dtype)}</h2>",
        f'<p class="answer">{escape(_answer(totals))}</p>',
        f'<p class="soft">{escape(_explanation(len(plans), len(curves)))}</p>',
        _plot("bytes", "bytes of each table", bytes_figure(curves, asked.item_bytes), curves),
        _plot("flops", "FLOPs of a lookup in each table", flops_figure(curves), curves),
        _legend(curves),
        "<h3>In numbers</h3>",
        plan_table(plans, asked.item_bytes),
        "<h3>How slices are shared</h3>",
        slice_table(plans),
        "</section>",
    ]
    return Template(_part("report/page.html")).substitute(
        kicker="ttrec factorize",
        title=escape(title),
        style=_part("report/page.css"),
        content="\n".join(content),
        plotly=files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8"),
        script=_part("commands/factorize_page.js"),
    )


def _part(name: str) -> str:
    return files("ttrec_cli").joinpath(name).read_text(encoding="utf-8")


def _curves(asked: Asked, plans: Sequence[TablePlan]) -> list[Curve]:
    settings = asked.settings
    ordered = sorted(plans, key=lambda plan: -plan.rows * plan.dim)
    found = [(plan, rank_curve(plan.rows, plan.dim, settings)) for plan in ordered]
    pairs = [(plan, ranks) for plan, ranks in found if ranks is not None][:MOST_CURVES]
    if not pairs:
        raise ConfigError("--html draws tensor trains, but none is smaller than its table; leave out --html")
    return [Curve(plan, ranks, look) for look, (plan, ranks) in enumerate(pairs)]


def _what(asked: Asked, plans: Sequence[TablePlan]) -> str:
    dims = ", ".join(str(dim) for dim in sorted({plan.dim for plan in plans}))
    return f"{asked.tables or f'{plans[0].rows:,} rows'}, dim {dims}"


def _answer(totals: dict[str, Any]) -> str:
    return (
        f"{totals['compressed']} of {totals['tables']:,} {'table' if totals['tables'] == 1 else 'tables'} compressed: "
        f"{size_text(totals['bytes'])} instead of {size_text(totals['dense_bytes'])}, "
        f"{short(totals['compression'])}× smaller."
    )


def _explanation(tables: int, drawn: int) -> str:
    rest = "" if drawn == tables else f" {drawn} of {tables:,} tables are drawn: the largest ones that can get smaller."
    return (
        "Arithmetic only: how accurate a rank is, training must say. A curve gives the smallest shape at every equal "
        f"rank and ends where it would be larger than the table; dots are the plan.{rest}"
    )


def _plot(name: str, what: str, figure: dict[str, Any], curves: Sequence[Curve]) -> str:
    first = curves[0]
    label = (
        f"Line chart of {what} over the rank, for {len(curves)} {'table' if len(curves) == 1 else 'tables'}; "
        f"the largest, {first.plan.name}, reaches rank {first.ranks.last_rank:,} before it is larger than dense. "
        "The table below holds the planned numbers."
    )
    data = json.dumps(figure, ensure_ascii=True).replace("<", "\\u003c")  # "<" could end the script element
    return (
        f'<figure><div class="plot" style="min-height:{HEIGHT}px" role="img" aria-label="{escape(label)}" '
        f'data-figure="{name}-figure"></div></figure>'
        f'<script type="application/json" id="{name}-figure">{data}</script>'
    )


def _legend(curves: Sequence[Curve]) -> str:
    items = "".join(f"<li>{_swatch(curve)}{escape(curve.plan.name)}</li>" for curve in curves)
    return f'<div class="legend"><div><p class="legend-title">Table: colour and line</p><ul>{items}</ul></div></div>'


def _swatch(curve: Curve) -> str:
    light, dark = curve.colours
    return (
        f'<svg width="26" height="12" aria-hidden="true" style="--light:{light};--dark:{dark}">'
        '<path d="M1 6H25" fill="none" stroke-width="2" class="stroke" '
        f'stroke-dasharray="{SWATCHES[curve.dash]}"/></svg>'
    )
