"""The page of `ttrec data describe --html`: skew, access shares and settling, in one file that needs no network."""

import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ttrec_cli.errors import ConfigError

if TYPE_CHECKING:
    from ttrec_cli.data import ClickLog, Settling, SkewCurve

LARGEST = 8
HEIGHT = 460


def write_page(log: "ClickLog", settled: Sequence["Settling"], path: Path) -> Path:
    """Write the page, atomically; its absolute path. Raises `ConfigError` where it cannot be written."""
    from ttrec_cli.data import skew_curves

    path = path.absolute()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(page_html(log, skew_curves(log, LARGEST), settled), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: the page must be written there, but: {error.strerror}") from None
    return path


def page_html(log: "ClickLog", curves: Sequence["SkewCurve"], settled: Sequence["Settling"]) -> str:
    """The whole file as text."""
    kind = "synthetic, made up" if log.synthetic else "as logged"
    title = f"{log.name}: how skewed its columns are"
    rows = f"{len(log.label):,} rows, {kind}; the {len(curves)} largest of {len(log.columns)} columns."
    parts = [
        _figure("Skew", "How often the value of each rank occurs.", skew_figure(curves)),
        _figure("Access share", "What part of lookups the most frequent rows cover: a cache's best.", access(curves)),
    ]
    if settled:
        about = (
            "Share of the most frequent values replaced since the point 3 % of training before. Solid: order of time; "
            "dotted: the same rows at random. Only the difference is drift."
        )
        parts.append(_figure("Settling", about, settling_figure(settled)))
    style = files("ttrec_cli").joinpath("report/page.css").read_text(encoding="utf-8")
    plotly = files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style>'
        f"<script>{plotly}</script></head><body><main><h1>{escape(title)}</h1>"
        f'<p class="answer">{escape(rows)}</p>{"".join(parts)}</main></body></html>'
    )


def _figure(heading: str, text: str, figure: Any) -> str:
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True})
    return f'<section class="section"><h2>{heading}</h2><p class="soft">{escape(text)}</p>{drawn}</section>'


def skew_figure(curves: Sequence["SkewCurve"]) -> Any:
    """Share of rows over rank, both logarithmic."""
    figure = _empty("rank of the value", "share of rows", "log", "log")
    for curve in curves:
        figure.add_scatter(x=curve.rank, y=curve.share, name=_name(curve), mode="lines")
    return figure


def access(curves: Sequence["SkewCurve"]) -> Any:
    """Share of lookups over the share of the table's rows that serve them."""
    figure = _empty("share of the table's rows, most frequent first", "share of lookups", "log", "linear")
    for curve in curves:
        figure.add_scatter(x=curve.rows_fraction, y=curve.access_share, name=_name(curve), mode="lines")
    figure.update_xaxes(tickformat=".4~%")
    figure.update_yaxes(tickformat=".0%", range=[0, 1])
    return figure


def settling_figure(settled: Sequence["Settling"]) -> Any:
    """Share replaced over progress of training, y logarithmic; zeros are gaps."""
    from plotly.colors import qualitative

    figure = _empty("share of training done", "share of the top values replaced", "linear", "log")
    for column, colour in zip(settled, qualitative.D3, strict=False):
        for order, shares, dash in (("time", column.time_order, "solid"), ("random", column.random_order, "dot")):
            values = [share or None for share in shares]
            line = {"color": colour, "dash": dash}
            name = f"{_plain(column.name)}, top {column.top:,}, {order}"
            figure.add_scatter(x=column.progress, y=values, name=name, mode="lines", line=line)
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(tickformat=".2~%")
    return figure


def _empty(x: str, y: str, x_type: str, y_type: str) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(height=HEIGHT, template="plotly_white", margin={"t": 20}, hovermode="closest")
    figure.update_xaxes(title=x, type=x_type)
    figure.update_yaxes(title=y, type=y_type)
    return figure


def _name(curve: "SkewCurve") -> str:
    return f"{_plain(curve.name)} ({curve.cardinality:,} ids)"


def _plain(name: str) -> str:
    """Plotly reads tags in names; a column's may be anything."""
    return escape(name, quote=False)
