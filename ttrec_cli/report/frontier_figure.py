"""The picture's record as a Plotly figure: one trace a look, the frontier as a step line, names on its corners."""

from collections import defaultdict
from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.points import DENSE
from ttrec_cli.pareto.wording import format_bytes
from ttrec_cli.report.colours import INK
from ttrec_cli.report.figure_style import AXIS, both, rgba, shared_layout
from ttrec_cli.report.marks import Look, look
from ttrec_cli.report.record import Mark, Picture

HEIGHT = 560
"""Pixels; the width follows the page."""

BAND_OPACITY = 0.13


def make_figure(picture: Picture) -> go.Figure:
    """The paper's Figure 1. Each trace carries its two colours in `meta`; the page's script paints by theme."""
    figure = go.Figure()
    for edge in _band(picture):
        figure.add_trace(edge)
    figure.add_trace(_frontier_line(picture))
    for style, marks in _by_look(picture):
        figure.add_trace(_marks_trace(style, marks, picture))
    figure.update_layout(**_layout(picture))
    return figure


def _by_look(picture: Picture) -> list[tuple[Look, list[Mark]]]:
    """Marks that look the same, the large ones first so that small ones lie on top."""
    found: dict[Look, list[Mark]] = defaultdict(list)
    for mark in picture.marks:
        found[look(mark, picture)].append(mark)
    return sorted(found.items(), key=lambda pair: -pair[0].size)


def _band(picture: Picture) -> list[go.Scatter]:
    """The strip between what one in four and what three in four seeds reach."""
    if picture.band is None or not picture.marks:
        return []
    last = max(mark.model_bytes for mark in picture.marks)
    traces = []
    for corners, fill in ((picture.band.lucky, "none"), (picture.band.likely, "tonexty")):
        stairs = [*corners, (last, corners[-1][1])]
        traces.append(
            go.Scatter(
                x=[size for size, _ in stairs],
                y=[value for _, value in stairs],
                mode="lines",
                line={"shape": "hv", "width": 0, "color": INK.light},
                fill=fill,
                fillcolor=rgba(INK.light, BAND_OPACITY),
                name="band",
                hoverinfo="skip",
                meta=both(INK) | {"fill": BAND_OPACITY},
            )
        )
    return traces


def _frontier_line(picture: Picture) -> go.Scatter:
    """Steps: what the best model that fits into so many bytes reaches; on to the largest model's bytes."""
    corners = _stairs(picture)
    if corners:
        corners.append((max(mark.model_bytes for mark in picture.marks), corners[-1][1]))
    return go.Scatter(
        x=[size for size, _ in corners],
        y=[value for _, value in corners],
        mode="lines",
        line={"shape": "hv", "width": 1.5, "color": INK.light},
        name="frontier",
        hoverinfo="skip",
        meta=both(INK),
    )


def _stairs(picture: Picture) -> list[tuple[float, float]]:
    """The frontier's corners by size; of a frontier of three objectives only those that reach further up."""
    corners: list[tuple[float, float]] = []
    for mark in picture.frontier:
        cost = picture.metric.cost(mark.value)
        if not corners or cost <= picture.metric.cost(corners[-1][1]):
            corners.append((mark.model_bytes, mark.value))
    return corners


def _marks_trace(style: Look, marks: Sequence[Mark], picture: Picture) -> go.Scatter:
    symbol = f"{style.symbol}-open" if style.is_open else style.symbol
    return go.Scatter(
        x=[mark.model_bytes for mark in marks],
        y=[mark.value for mark in marks],
        mode="markers",
        marker={
            "symbol": symbol,
            "size": style.size,
            "color": style.paint.light,
            "opacity": 1,
            "line": {"width": 2 if style.is_open else 0},
        },
        error_y=_error_bars(style, marks) if picture.has_bars else None,
        name=escape(marks[0].name),
        customdata=[mark.row for mark in marks],
        hovertext=[hover_text(mark) for mark in marks],
        hovertemplate="%{hovertext}<extra></extra>",
        meta=both(style.paint),
    )


def _error_bars(style: Look, marks: Sequence[Mark]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [mark.high - mark.value for mark in marks],
        "arrayminus": [mark.value - mark.low for mark in marks],
        "thickness": 1,
        "width": 3,
        "color": style.paint.light,
    }


def hover_text(mark: Mark) -> str:
    """A mark's facts as the small HTML that Plotly understands; names come from users and are escaped."""
    lines = [f"<b>{escape(mark.name)}</b>"]
    lines += [f"{escape(label)}: {escape(value)}" for label, value in mark.facts]
    return "<br>".join(lines)


def _layout(picture: Picture) -> dict[str, Any]:
    return {
        **shared_layout(HEIGHT),
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": AXIS | _size_axis(picture),
        "yaxis": AXIS | _value_axis(picture),
        "annotations": [*_baseline_names(picture), *_answer_name(picture)],
    }


def _size_axis(picture: Picture) -> dict[str, Any]:
    """Logarithmic, with ticks at 1, 2 and 5 of each decade and some room beside the outer marks."""
    decades = [log10(mark.model_bytes) for mark in picture.marks] or [6.0]
    room = 0.05 * (max(decades) - min(decades)) + 0.1
    low, high = min(decades) - room, max(decades) + room
    ticks = [
        step * 10**decade
        for decade in range(floor(low), ceil(high))
        for step in (1, 2, 5)
        if low <= log10(step * 10**decade) <= high
    ]
    return {
        "title": {"text": "Model size (logarithmic)"},
        "type": "log",
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": [format_bytes(tick, figures=1) for tick in ticks],
    }


def _value_axis(picture: Picture) -> dict[str, Any]:
    """Upwards is better, so log-loss runs downwards; above the marks is room for the answer's name."""
    metric = picture.metric
    low, high = _value_range(picture)
    name = metric.label[0].upper() + metric.label[1:]
    unit = ", %" if metric == Metric.ACCURACY else "" if metric.higher_is_better else " (up is better)"
    return {
        "title": {"text": f"{name} on validation{unit}"},
        "range": [low, high] if metric.higher_is_better else [high, low],
        "tickformat": f".{max(1, ceil(-log10((high - low) / 8)))}f",
        "automargin": True,
    }


def _value_range(picture: Picture) -> tuple[float, float]:
    lows, highs = [mark.low for mark in picture.marks], [mark.high for mark in picture.marks]
    low, high = min(lows, default=0.0), max(highs, default=1.0)
    span = (high - low) or max(abs(high), 1e-3) * 0.01
    below, above = (0.06, 0.18) if picture.metric.higher_is_better else (0.18, 0.06)
    return low - below * span, high + above * span


def _baseline_names(picture: Picture) -> list[dict[str, Any]]:
    """The best uncompressed model of each dim, named."""
    place = {"showarrow": False, "xanchor": "right", "xshift": -11}
    best: dict[int, Mark] = {}
    for mark in picture.marks:
        cost = picture.metric.cost(mark.value)
        if mark.method == DENSE and (mark.dim not in best or cost < picture.metric.cost(best[mark.dim].value)):
            best[mark.dim] = mark
    return [_name(mark, f"dim {dim}", place) for dim, mark in best.items()]


def _answer_name(picture: Picture) -> list[dict[str, Any]]:
    """The answer's name above all marks; its arrow falls through the space above the frontier, always empty."""
    if picture.answer is None:
        return []
    mark = picture.marks[picture.answer]
    low, high = _value_range(picture)
    sizes = [log10(other.model_bytes) for other in picture.marks]
    place = log10(mark.model_bytes)
    arrow = {
        "showarrow": True,
        "arrowhead": 2,
        "arrowwidth": 1,
        "standoff": 10,
        "axref": "x",
        "ayref": "y",
        "ax": place,
        "ay": high - 0.06 * (high - low) if picture.metric.higher_is_better else low + 0.06 * (high - low),
        "xanchor": "left" if place < (min(sizes) + max(sizes)) / 2 else "right",
    }
    return [_name(mark, f"<b>{escape(mark.name)}</b>", arrow)]


def _name(mark: Mark, text: str, place: dict[str, Any]) -> dict[str, Any]:
    return {"x": log10(mark.model_bytes), "y": mark.value, "text": text, **place}
