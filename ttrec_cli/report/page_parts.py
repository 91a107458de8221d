"""Parts of the page as HTML: tables, plots with their data, groups of charts."""

import json
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Any

import plotly.graph_objects as go

from ttrec_cli.report.chart_figures import make_chart_figure
from ttrec_cli.report.data import Data
from ttrec_cli.report.record import Chart, Table

MOST_STATIC_ROWS = 200
"""Rows of the table of points that are there without scripts; scripts show the others in turn."""

_LONG = 60
"""Characters from which a table's cell may be folded."""


def table_html(table: Table, name: str, kind: str = "", most: int | None = None) -> str:
    """A table that scrolls by itself, `name` its id; at most `most` rows."""
    head = "".join(
        f'<th scope="col"{_number(column.numeric)}{_key(column.key)}>{escape(column.title)}</th>'
        for column in table.columns
    )
    strong = ' class="strong"'
    rows = "".join(
        f"<tr{strong if at in table.strong else ''}>{_cells(table, row)}</tr>"
        for at, row in enumerate(table.rows[:most])
    )
    shape = f' class="{kind}"' if kind else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}"><table{shape}>'
        f'<caption id="{name}">{escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def points_html(table: Table, data: Data, name: str) -> str:
    """The table of points with its tools, and all its data for the script."""
    help_text = "words, or conditions such as rank&lt;=32 model&lt;20MB"
    return (
        f'<div class="tools" hidden><label>Filter <input type="search" class="filter" aria-describedby="{name}-help">'
        f'</label><span class="soft" id="{name}-help">{help_text}</span>'
        f'<span class="count" role="status"></span><button type="button" class="more">Show more rows</button>'
        f'<button type="button" class="csv">Download CSV</button>'
        f'<button type="button" class="json">Download JSON</button></div>'
        f"{table_html(table, f'{name}-table-0', 'points', MOST_STATIC_ROWS)}"
        f"{_json(data.plain(), f'{name}-data')}{_json(_joined(table), f'{name}-rest')}"
    )


def _joined(table: Table) -> list[str]:
    """The rows that are left to scripts, one text each: of thousands the quotes alone would be a megabyte."""
    return ["~".join(cell.replace("~", "∼") for cell in row) for row in table.rows[MOST_STATIC_ROWS:]]


def plot_html(figure: go.Figure, summary: str, name: str, kind: str, title: str = "") -> str:
    """A place for a figure, its accessible name and, `name` its id, its data for the script."""
    content = figure.to_plotly_json()
    content["layout"].pop("template", None)  # Plotly's default look, 7 kB a figure; ours says all that it needs
    caption = f"<figcaption>{escape(title)}</figcaption>" if title else ""
    height = figure.layout.height
    return (
        f'<figure class="{kind}">{caption}<div class="plot" role="img" aria-label="{escape(summary)}" '
        f'style="min-height:{height}px" data-figure="{name}"></div></figure>{_json(content, name)}'
    )


def charts_html(charts: Sequence[Chart], name: str) -> str:
    """The smaller figures by topic, each topic with its numbers to unfold."""
    parts = []
    numbered = list(enumerate(charts))
    for topic, members in groupby(numbered, key=lambda pair: pair[1].topic):
        group = list(members)
        plots = "".join(
            plot_html(make_chart_figure(chart), chart.summary, f"{name}-chart-{at}", "chart", chart.title)
            for at, chart in group
        )
        tables = "".join(table_html(chart.table, f"{name}-numbers-{at}") for at, chart in group)
        wide = "" if len(group) > 1 else " alone"
        parts.append(
            f'<h3>{escape(topic)}</h3><div class="charts{wide}">{plots}</div>'
            f"<details><summary>Numbers: {escape(topic.lower())}</summary>{tables}</details>"
        )
    return "".join(parts)


def _json(content: Any, name: str) -> str:
    # "<" would let a name in the data end the script element.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=list).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def _cells(table: Table, row: tuple[str, ...]) -> str:
    return "".join(
        f"<td{_number(column.numeric, len(cell) > _LONG)}>{escape(cell)}</td>"
        for column, cell in zip(table.columns, row, strict=True)
    )


def _number(numeric: bool, is_long: bool = False) -> str:
    names = [name for name, given in (("number", numeric), ("long", is_long)) if given]
    return f' class="{" ".join(names)}"' if names else ""


def _key(key: str) -> str:
    return f' data-key="{escape(key)}"' if key else ""
