"""The smaller figures as Plotly: stacked bytes, lines over ranks, learning curves."""

from html import escape
from typing import Any

import plotly.graph_objects as go

from ttrec_cli.report.colours import INK, Paint, paint
from ttrec_cli.report.figure_style import AXIS, both, rgba, shared_layout
from ttrec_cli.report.record import Chart, Line, Lines, Stack, Stacks

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "triangle-down", "cross", "x")
PATTERNS = ("", "/", "x", "-", "\\", "+", "|", ".", "/")
"""Lines differ in dash and symbol, layers in hatching: nothing is told by colour alone."""

_LINES_HEIGHT, _BAR_HEIGHT, _BARS_MARGIN = 320, 44, 150
_FRONT = 0.16
"""Share of the lines' colour in the strip between the outer seeds."""


def make_chart_figure(chart: Chart) -> go.Figure:
    """A chart's figure; as in the main one, each trace carries its two colours in `meta`."""
    return _stacks(chart.content) if isinstance(chart.content, Stacks) else _lines(chart.content)


def _stacks(stacks: Stacks) -> go.Figure:
    figure = go.Figure()
    for at, layer in enumerate(stacks.layers):
        figure.add_trace(_layer(stacks.bars, at, layer))
    figure.add_trace(_notes(stacks.bars))
    most = max(bar.total for bar in stacks.bars)
    figure.update_layout(
        **shared_layout(_BARS_MARGIN + _BAR_HEIGHT * len(stacks.bars)),
        barmode="stack",
        bargap=0.35,
        legend={"orientation": "h", "y": 0, "yanchor": "bottom", "yref": "container", "traceorder": "normal"},
        xaxis=AXIS
        | {
            "title": {"text": "Model bytes"},
            "tickformat": "~s",
            "ticksuffix": "B",
            "range": [0, 1.45 * most],
            "nticks": 6,
        },
        yaxis={"autorange": "reversed", "automargin": True, "ticks": "", "type": "category"},
    )
    figure.update_layout(margin={"b": 100})
    return figure


def _layer(bars: tuple[Stack, ...], at: int, layer: str) -> go.Bar:
    colour = _colour(at)
    return go.Bar(
        orientation="h",
        x=[bar.parts[at] for bar in bars],
        y=[escape(bar.name) for bar in bars],
        name=escape(layer),
        marker={
            "color": colour.light,
            "line": {"width": 0},
            "pattern": {"shape": PATTERNS[at % len(PATTERNS)], "size": 6, "fgcolor": "#ffffff", "fillmode": "overlay"},
        },
        hovertemplate=f"%{{y}}<br>{escape(layer)}: %{{x:.4s}}B<extra></extra>",
        meta=both(colour),
    )


def _notes(bars: tuple[Stack, ...]) -> go.Scatter:
    return go.Scatter(
        x=[bar.total for bar in bars],
        y=[escape(bar.name) for bar in bars],
        mode="text",
        text=[f" {escape(bar.note)}" for bar in bars],
        textposition="middle right",
        textfont={"color": INK.light},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
        meta=both(INK),
    )


def _lines(lines: Lines) -> go.Figure:
    figure = go.Figure()
    for at, line in enumerate(lines.lines):
        if line.lows:
            figure.add_trace(_strip(line, at))
        figure.add_trace(_line(line, at, len(lines.lines)))
    figure.update_layout(
        **shared_layout(_LINES_HEIGHT),
        legend={"orientation": "h", "y": 0, "yanchor": "bottom", "yref": "container"},
        hovermode="x unified" if lines.ranks else "closest",
        xaxis=AXIS | _x_axis(lines),
        yaxis=AXIS | {"title": {"text": lines.y_title}, "automargin": True, "range": lines.window},
        shapes=_level(lines),
        annotations=_level_name(lines),
    )
    figure.update_layout(margin={"b": 84})
    return figure


def _x_axis(lines: Lines) -> dict[str, Any]:
    title = {"title": {"text": lines.x_title}}
    if not lines.ranks:
        return title | {"tickformat": "~s", "nticks": 6}
    last = len(lines.ranks) - 1
    return title | {
        "tickvals": list(range(last + 1)),
        "ticktext": [str(rank) for rank in lines.ranks],
        "range": [-0.15 * max(last, 1), 1.08 * max(last, 1)],
    }


def _line(line: Line, at: int, count: int) -> go.Scatter:
    colour = _colour(at)
    few = len(line.xs) <= 40
    return go.Scatter(
        x=line.xs,
        y=line.ys,
        name=escape(line.name),
        mode="lines+markers" if few else "lines",
        line={"width": 2, "color": colour.light, "dash": DASHES[at % len(DASHES)]},
        marker={"symbol": SYMBOLS[at % len(SYMBOLS)], "size": 8, "color": colour.light},
        showlegend=count > 1 or not few,
        hovertemplate="%{y:.5g}<extra>%{fullData.name}</extra>",
        meta=both(colour),
    )


def _strip(line: Line, at: int) -> go.Scatter:
    """From the lowest to the highest seed."""
    colour = _colour(at)
    return go.Scatter(
        x=[*line.xs, *reversed(line.xs)],
        y=[*line.highs, *reversed(line.lows)],
        mode="lines",
        line={"width": 0, "color": colour.light},
        fill="toself",
        fillcolor=rgba(colour.light, _FRONT),
        hoverinfo="skip",
        showlegend=False,
        meta=both(colour) | {"fill": _FRONT},
    )


def _level(lines: Lines) -> list[dict[str, Any]]:
    if lines.level is None:
        return []
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": lines.level, "y1": lines.level}
    return [{"type": "line", **place, "line": {"dash": "5px,4px", "width": 1.5, "color": INK.light}}]


def _level_name(lines: Lines) -> list[dict[str, Any]]:
    if lines.level is None:
        return []
    place = {"xref": "paper", "x": 0, "xanchor": "left", "y": lines.level, "yanchor": "bottom", "showarrow": False}
    return [{**place, "text": "uncompressed", "font": {"size": 11}}]


def _colour(at: int) -> Paint:
    return paint(at, 1 - at // 8 % 2, 3)
