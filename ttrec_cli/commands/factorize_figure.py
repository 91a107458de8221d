"""The page's figures as plain Plotly JSON: bytes, or FLOPs a lookup, over every rank of every table."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, prod
from typing import Any

from ttrec_cli.commands.factorize_ticks import log_ticks
from ttrec_cli.commands.factorize_words import factors_text, flops_text, rank_text, size_text
from ttrec_cli.planning.rank_curve import RankCurve
from ttrec_kernels.table_plan import TablePlan

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 460

PALETTE = (
    ("#0765c3", "#3f93f8"),
    ("#0a7454", "#07a678"),
    ("#8e5b01", "#c98404"),
    ("#a73c8e", "#d96abc"),
    ("#0e7176", "#00a2a9"),
    ("#7d4dbe", "#a87bef"),
    ("#5c6d04", "#849c01"),
    ("#bb3536", "#ef6660"),
)
"""Of the curves on the light and the dark page, with a contrast above 5 to it."""

INK = ("#1d2127", "#e8eaed")
DASHES = ("solid", "dash")
EVERY_RANK = 128
"""Up to here a curve has every rank, beyond every percent: closer than a screen can show."""


@dataclass(frozen=True)
class Curve:
    """One table: its plan, its parameters at all ranks, and how it is drawn."""

    plan: TablePlan
    ranks: RankCurve
    look: int

    @property
    def colours(self) -> tuple[str, str]:
        """Light and dark."""
        return PALETTE[self.look % len(PALETTE)]

    @property
    def dash(self) -> str:
        """Of the line, so that more tables than colours stay apart."""
        return DASHES[self.look // len(PALETTE) % len(DASHES)]


def drawn_ranks(last: int) -> list[int]:
    """Ranks at which a curve up to `last` is drawn, the last included."""
    ranks = list(range(1, min(last, EVERY_RANK) + 1))
    while ranks[-1] < last:
        ranks.append(min(ceil(ranks[-1] * 1.01), last))
    return ranks


def bytes_figure(curves: Sequence[Curve], item_bytes: int) -> dict[str, Any]:
    """Bytes of each table over the rank, both logarithmic, the plan's own points marked."""
    lines = [[curve.ranks.parameters(r) * item_bytes for r in drawn_ranks(curve.ranks.last_rank)] for curve in curves]
    points = [curve.plan.bytes(item_bytes) for curve in curves]
    return _figure(curves, lines, points, "Bytes of the table (logarithmic)", log_ticks([*lines, points], size_text))


def flops_figure(curves: Sequence[Curve]) -> dict[str, Any]:
    """FLOPs of a lookup in each table over the rank, both logarithmic."""
    lines = [[curve.ranks.flops(r) for r in drawn_ranks(curve.ranks.last_rank)] for curve in curves]
    points = [0 if curve.plan.shape is None else curve.plan.shape.flops_per_lookup for curve in curves]
    return _figure(curves, lines, points, "FLOPs of a lookup (logarithmic)", log_ticks([*lines, points], flops_text))


def _figure(
    curves: Sequence[Curve], lines: Sequence[Sequence[int]], points: Sequence[int], title: str, ticks: dict[str, Any]
) -> dict[str, Any]:
    axis = {"type": "log", "gridcolor": "#d5d9df", "zeroline": False, "ticks": "outside", "ticklen": 4}
    reached = [[1, curve.ranks.last_rank, _mean_rank(curve.plan)] for curve in curves]
    ranks = log_ticks(reached, "{:,.0f}".format, steps=(1, 2, 5))
    pairs = list(zip(curves, lines, strict=True))
    marks = [(curve, y) for curve, y in zip(curves, points, strict=True) if curve.plan.shape is not None]
    return {
        "data": [*(_line(curve, y) for curve, y in pairs), *(_mark(curve, y) for curve, y in marks)],
        "layout": {
            "height": HEIGHT,
            "font": {"family": FONT, "size": 13, "color": INK[0]},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 76, "r": 16, "t": 16, "b": 56},
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": {"align": "left", "font": {"size": 13, "family": FONT}},
            "xaxis": axis | {"title": {"text": "Rank on all bonds (logarithmic)"}} | ranks,
            "yaxis": axis | {"title": {"text": title}, "automargin": True} | ticks,
        },
    }


def _line(curve: Curve, values: Sequence[int]) -> dict[str, Any]:
    name, ranks = escape(curve.plan.name), drawn_ranks(curve.ranks.last_rank)
    planned = "<br>" + "<br>".join(_facts(curve.plan))  # also here: hovering prefers a line to a mark on it
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": ranks,
        "y": list(values),
        "text": [planned if rank == _mean_rank(curve.plan) else "" for rank in ranks],
        "line": {"width": 2, "dash": curve.dash, "color": curve.colours[0]},
        "hovertemplate": f"<b>{_literal(name)}</b><br>rank %{{x}}: %{{y:,}}%{{text}}<extra></extra>",
        "meta": _both(curve.colours),
    }


def _mark(curve: Curve, value: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(curve.plan.name),
        "x": [_mean_rank(curve.plan)],
        "y": [value],
        "marker": {"size": 11, "symbol": "circle", "color": curve.colours[0], "opacity": 1},
        "hovertext": ["<br>".join([f"<b>{escape(curve.plan.name)}</b>", *_facts(curve.plan)])],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "meta": _both(curve.colours),
    }


def _facts(plan: TablePlan) -> list[str]:
    """What hovering says of a planned tensor train."""
    shape = plan.shape
    if shape is None:
        return []
    flops = flops_text(shape.flops_per_lookup)
    return [f"as planned: rank {rank_text(shape)}, {factors_text(shape)}", f"{shape.parameters:,} parameters, {flops}"]


def _literal(text: str) -> str:
    """Text that stands in a Plotly template as it is: `%{` would begin a variable."""
    return text.replace("%", "&#37;")


def _mean_rank(plan: TablePlan) -> float:
    """Geometric mean of the inner ranks, 0 when dense."""
    inner = plan.shape.ranks[1:-1] if plan.shape is not None else (0,)
    return round(float(prod(inner) ** (1 / len(inner))), 2)


def _both(colours: tuple[str, str]) -> dict[str, str]:
    return {"light": colours[0], "dark": colours[1]}
