"""Quality and training time by rank and tables compressed: the paper's Figures 5 and 7, a chart a dim."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import isfinite

from ttrec_cli.pareto import Analysis, Metric, Point
from ttrec_cli.pareto.points import TT
from ttrec_cli.pareto.wording import NOTHING
from ttrec_cli.report.chosen import thin
from ttrec_cli.report.record import Chart, Column, Line, Lines, Table

_MOST_DIMS, _MOST_LINES, _MOST_RANKS = 4, 6, 16

_Values = Callable[[Point], Sequence[float]]
"""The numbers of a point's seeds, in the unit of the axis."""


def quality_charts(analysis: Analysis) -> tuple[Chart, ...]:
    """The metric over rank, a line for each number of compressed tables; empty with a single rank."""
    metric = analysis.metric
    scale, unit = (100, " (%)") if metric == Metric.ACCURACY else (1, "")

    def values(point: Point) -> Sequence[float]:
        return [scale * value for value in point.scores[metric.validation]]

    title = f"{metric.label[0].upper() + metric.label[1:]} by rank and tables compressed"
    return _charts(analysis, title, f"Validation {metric.label}{unit}", values, f".{3 if scale == 100 else 5}f")


def time_charts(analysis: Analysis) -> tuple[Chart, ...]:
    """Training time over rank, in percent of the uncompressed model's where every dim has one, else in seconds."""
    levels = {point.dim: point.mean("train_seconds") for point in analysis.group.points if point.is_dense}
    dims = {point.dim for point in _trained(analysis)}
    relative = all(isfinite(levels.get(dim, float("nan"))) and levels[dim] > 0 for dim in dims)

    def values(point: Point) -> Sequence[float]:
        return [100 * s / levels[point.dim] if relative else s for s in point.scores["train_seconds"]]

    title = "Training time (% of dense)" if relative else "Training time (s)"
    return _charts(analysis, "Training time by rank and tables compressed", title, values, ".4g")


def _trained(analysis: Analysis) -> list[Point]:
    """Complete `tt` points of one setting: the answer's if it has one, else the most frequent."""
    points = [a.point for a in analysis.points if a.complete and a.point.method == TT and a.point.rank is not None]
    answer = analysis.answer.point
    if answer is not None and answer.method == TT:
        settings = answer.settings
    else:
        counted = Counter(point.settings for point in points).most_common(1)
        settings = counted[0][0] if counted else ""
    return [point for point in points if point.settings == settings]


def _charts(analysis: Analysis, topic: str, y_title: str, values: _Values, form: str) -> tuple[Chart, ...]:
    points = [point for point in _trained(analysis) if all(map(isfinite, values(point)))]
    if len({point.rank for point in points}) < 2:
        return ()
    dense = [p for p in analysis.group.points if p.is_dense and all(map(isfinite, values(p)))]
    levels = {point.dim: _mean(values(point)) for point in dense}
    shown = [value for point in [*points, *dense] for value in values(point)]
    room = 0.06 * ((max(shown) - min(shown)) or max(abs(max(shown)), 1e-3))
    window = (min(shown) - room, max(shown) + room)
    found = []
    for dim in thin(sorted({point.dim for point in points}), _MOST_DIMS):
        panel = [point for point in points if point.dim == dim]
        lines, ranks = _lines(panel, values)
        content = Lines(lines, "Rank", y_title, ranks, levels.get(dim), window)
        summary = (
            f"{topic}, dim {dim}: lines for {', '.join(line.name for line in lines)} at ranks "
            f"{', '.join(map(str, ranks))}. The numbers are in the table below."
        )
        found.append(Chart(topic, f"dim {dim}", summary, content, _table(content, f"{y_title}, dim {dim}", form)))
    return tuple(found)


def _lines(points: Sequence[Point], values: _Values) -> tuple[tuple[Line, ...], tuple[int, ...]]:
    ranks = tuple(thin(sorted({point.rank for point in points if point.rank is not None}), _MOST_RANKS))
    lines = []
    for tables in thin(sorted({point.tables for point in points}), _MOST_LINES):
        own = {point.rank: values(point) for point in points if point.tables == tables and point.rank in ranks}
        seen = [rank for rank in ranks if rank in own]
        several = any(len(own[rank]) > 1 for rank in seen)
        lines.append(
            Line(
                name="1 table" if tables == 1 else f"{tables} tables",
                xs=tuple(float(ranks.index(rank)) for rank in seen),
                ys=tuple(_mean(own[rank]) for rank in seen),
                lows=tuple(min(own[rank]) for rank in seen) if several else (),
                highs=tuple(max(own[rank]) for rank in seen) if several else (),
            )
        )
    return tuple(lines), ranks


def _table(content: Lines, caption: str, form: str) -> Table:
    rows = []
    for line in content.lines:
        by_place = dict(zip(line.xs, line.ys, strict=True))
        cells = (format(by_place[at], form) if at in by_place else NOTHING for at in range(len(content.ranks)))
        rows.append((line.name, *cells))
    if content.level is not None:
        rows.append(("uncompressed", *(format(content.level, form) for _ in content.ranks)))
    heads = (Column(f"Rank {rank}", numeric=True) for rank in content.ranks)
    return Table(caption, (Column("Compressed"), *heads), tuple(rows))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
