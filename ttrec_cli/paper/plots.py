"""A figure as plain data, and drawn: lines, marks and bars over a linear, logarithmic or named axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go

from ttrec_cli.report.colours import INK, Paint, paint
from ttrec_cli.report.figure_style import AXIS, both, shared_layout

HEIGHT = 310
STANDOFF = 6
"""Pixels between the labels of the y axis and its title; unless given, long labels run into it."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "triangle-down", "cross", "x")
PATTERNS = ("", "/", "x", "-", "\\", "+")
PUBLISHED_SYMBOL = "star-open"
MOST_MARKED = 20
"""Longer lines are drawn without symbols, and solid: dashes would hide their course."""

_DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Kind(StrEnum):
    """How a series is drawn."""

    LINE = "lines+markers"
    MARKS = "markers"
    BARS = "bar"
    STACKED = "stacked bar"
    TEXT = "text"
    """The names of places, above them."""


@dataclass(frozen=True)
class Series:
    """One line, set of marks or of bars. `lows` and `highs` are ends of error bars; `published`: the paper's numbers.

    `look` chooses colour and symbol, so that the same thing looks the same in several figures. `dashed` lines, or open
    marks, are controls.
    """

    name: str
    xs: tuple[float | str, ...]
    ys: tuple[float | None, ...]
    look: int = 0
    kind: Kind = Kind.LINE
    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()
    published: bool = False
    dashed: bool = False
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plot:
    """A figure. `categories` are the places of a named axis, in order; `level` a dashed line across with its name."""

    title: str
    summary: str
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    x_log: bool = False
    y_log: bool = False
    categories: tuple[str, ...] = ()
    level: tuple[float, str] | None = None
    percent: str = ""
    """Axes that show shares as percent: any of "x" and "y"."""
    y_range: tuple[float, float] | None = None


def draw(plot: Plot) -> go.Figure:
    """The figure; each trace carries its two colours in `meta`, as in all pages of ttrec."""
    figure = go.Figure([_trace(series) for series in plot.series])
    figure.update_layout(
        **shared_layout(HEIGHT),
        barmode="stack" if any(series.kind == Kind.STACKED for series in plot.series) else "group",
        hovermode="closest",
        showlegend=True,
        legend={"orientation": "h", "y": 0, "yanchor": "bottom", "yref": "container"},
        xaxis=_x_axis(plot),
        yaxis=_y_axis(plot),
        shapes=_level(plot),
        annotations=_level_name(plot),
    )
    figure.update_layout(margin={"b": 84})
    return figure


def _trace(series: Series) -> Any:
    colour = INK if series.published else _colour(series.look)
    shared = {
        "x": [escape(x) if isinstance(x, str) else x for x in series.xs],
        "y": list(series.ys),
        "name": escape(series.name),
        "meta": both(colour),
        "hovertemplate": "%{x}: %{y:.4g}%{text}<extra>%{fullData.name}</extra>",
        "text": [f"<br>{escape(text)}" for text in series.texts] or None,
    }
    if series.lows:
        middle = [y or 0.0 for y in series.ys]
        shared["error_y"] = {
            "type": "data",
            "array": [high - y for high, y in zip(series.highs, middle, strict=True)],
            "arrayminus": [y - low for low, y in zip(series.lows, middle, strict=True)],
            "color": colour.light,
            "thickness": 1.2,
            "width": 3,
        }
    if series.kind == Kind.TEXT:
        return _words(series)
    if series.kind in (Kind.BARS, Kind.STACKED):
        pattern = {
            "shape": PATTERNS[series.look % len(PATTERNS)],
            "size": 6,
            "fgcolor": "#ffffff",
            "fillmode": "overlay",
        }
        return go.Bar(**shared, textposition="none", marker={"color": colour.light, "pattern": pattern})
    is_open = series.dashed and series.kind == Kind.MARKS
    symbol = SYMBOLS[series.look % len(SYMBOLS)] + ("-open" if is_open else "")
    symbol = PUBLISHED_SYMBOL if series.published else symbol
    is_long = series.kind == Kind.LINE and len(series.xs) > MOST_MARKED
    dash = "solid" if is_long else DASHES[series.look % len(DASHES)]
    dash = "dot" if series.published or series.dashed else dash
    return go.Scatter(
        **shared,
        mode="lines" if is_long else series.kind.value,
        line={"width": 2, "color": colour.light, "dash": dash},
        marker={"symbol": symbol, "size": 12 if series.published else 8, "color": colour.light, "line": {"width": 2}},
    )


def _words(series: Series) -> go.Scatter:
    return go.Scatter(
        x=[escape(str(x)) for x in series.xs],
        y=list(series.ys),
        text=[escape(text).replace("\n", "<br>") for text in series.texts],
        mode="text",
        textposition="top center",
        textfont={"color": INK.light},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
        meta=both(INK),
    )


def percent(share: float, digits: int = 0) -> str:
    """A share as `5 %`."""
    return f"{100 * share:.{digits}f} %"


def _x_axis(plot: Plot) -> dict[str, Any]:
    axis = AXIS | {"title": {"text": plot.x_title, "standoff": 2 * STANDOFF}, "automargin": True}
    if plot.categories:
        places = [escape(place) for place in plot.categories]
        order = {"type": "category", "categoryorder": "array", "categoryarray": places}
        return axis | order | {"tickmode": "array", "tickvals": places}  # else narrow figures leave some out
    if plot.x_log:
        values = [float(x) for series in plot.series for x in series.xs]
        return axis | {"type": "log"} | decades(values, "x" in plot.percent)
    return axis | ({"tickformat": ".0%"} if "x" in plot.percent else {"nticks": 6})


def _y_axis(plot: Plot) -> dict[str, Any]:
    axis = AXIS | {"title": {"text": plot.y_title, "standoff": STANDOFF}, "automargin": True}
    if plot.y_range is not None:
        axis |= {"range": list(plot.y_range)}
    if plot.y_log:
        values = [y for series in plot.series for y in (*series.ys, *series.lows, *series.highs) if y]
        return axis | {"type": "log"} | decades(values, "y" in plot.percent)
    return axis | (
        {"tickformat": ".3~%"} if "y" in plot.percent else {"tickformat": "~s" if _is_large(plot) else ".4~g"}
    )


def _is_large(plot: Plot) -> bool:
    return any(y > 1e5 for series in plot.series for y in series.ys if y is not None)


def decades(values: Sequence[float], percent: bool) -> dict[str, Any]:
    """Ticks of a logarithmic axis: powers of ten, and their halves where there are few."""
    found = [value for value in values if value > 0] or [1.0]
    low, high = floor(log10(min(found)) + 1e-9), ceil(log10(max(found)) - 1e-9)
    step = 1 + (high - low) // 8
    powers = range(low, high + 1, step)
    ticks = [(10.0**power, _power(power, percent)) for power in powers]
    if high - low <= 2:
        more = [(m * 10.0**power, _number(m, power, percent)) for power in range(low, high + 1) for m in (2, 5)]
        ticks = sorted([*ticks, *more])
    room = 0.06 * max(log10(max(found) / min(found)), 0.3)
    return {
        "tickvals": [value for value, _ in ticks],
        "ticktext": [text for _, text in ticks],
        "range": [log10(min(found)) - room, log10(max(found)) + room],
    }


def _power(power: int, percent: bool) -> str:
    if percent:
        return f"{10.0 ** (power + 2):g} %"
    return f"{10**power:g}" if 0 <= power <= 3 else f"{10.0**power:g}" if -2 <= power < 0 else f"10{_raised(power)}"


def _number(multiple: int, power: int, percent: bool) -> str:
    value = multiple * 10.0**power
    return f"{100 * value:g} %" if percent else f"{value:g}" if -3 <= power <= 3 else f"{multiple}·10{_raised(power)}"


def _raised(power: int) -> str:
    return str(power).translate(_DIGITS)


def _level(plot: Plot) -> list[dict[str, Any]]:
    if plot.level is None:
        return []
    height = plot.level[0]
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height}
    return [{"type": "line", **place, "line": {"dash": "5px,4px", "width": 1.5, "color": INK.light}}]


def _level_name(plot: Plot) -> list[dict[str, Any]]:
    if plot.level is None:
        return []
    height = log10(plot.level[0]) if plot.y_log else plot.level[0]
    place = {"xref": "paper", "x": 0, "xanchor": "left", "y": height, "yanchor": "bottom", "showarrow": False}
    return [{**place, "text": escape(plot.level[1]), "font": {"size": 11}}]


def _colour(look: int) -> Paint:
    return paint(look, 1, 3)
