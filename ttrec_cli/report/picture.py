"""From one analysis to the record of its picture: marks with their hover facts, and a sentence about it."""

from collections.abc import Sequence
from math import isfinite, log10

from ttrec_cli.pareto import Analysis, AssessedPoint, Metric
from ttrec_cli.pareto.attainment import Band
from ttrec_cli.pareto.settings import split_settings
from ttrec_cli.pareto.wording import (
    describe,
    format_bytes,
    format_factor,
    format_gap,
    format_interval,
    format_value,
    unit_of_gap,
)
from ttrec_cli.report.record import Mark, Picture
from ttrec_cli.report.tables import format_chance, format_seconds, format_seeds

MOST_MARKS = 2000
RASTER = (100, 50)
"""Cells across and down, each a few pixels wide, in which of very many marks only one is drawn."""

_Place = tuple[int, AssessedPoint]
"""A point and its row in the table."""


def make_picture(analysis: Analysis) -> Picture:
    """The marks of a group; points without a finite value of the metric are left to the table."""
    group, metric = analysis.group, analysis.metric
    finite = [(at, a) for at, a in enumerate(analysis.points) if isfinite(a.point.mean(metric.validation))]
    places = apart(finite, analysis)
    shown = [assessed for _, assessed in places]
    _, varying = split_settings(group.points)
    compressed = [a.point for a in shown if not a.point.is_dense]
    answers = [at for at, assessed in enumerate(shown) if assessed.point == analysis.answer.point]
    return Picture(
        metric=metric,
        marks=tuple(_mark(assessed, row, analysis, varying) for row, assessed in places),
        ranks=tuple(sorted({point.rank for point in compressed if point.rank is not None})),
        dims=tuple(sorted({assessed.point.dim for assessed in shown})),
        tables=tuple(sorted({point.tables for point in compressed})),
        several_seeds=len(group.seeds) > 1,
        answer=answers[0] if answers else None,
        summary=_summary(analysis, len(finite)),
        band=_band(analysis),
        hidden=len(finite) - len(shown),
    )


def _summary(analysis: Analysis, shown: int) -> str:
    on_frontier = len(analysis.frontier)
    return (
        f"Scatter plot of validation {analysis.metric.label} over model size: {on_frontier} of {shown} configurations "
        f"{'is' if on_frontier == 1 else 'are'} on the frontier. {analysis.answer.sentence} "
        "The table below holds all its numbers."
    )


def apart(places: Sequence[_Place], analysis: Analysis) -> list[_Place]:
    """All places while they are few; of thousands one for each cell of a fine raster, and all that matter."""
    if len(places) <= MOST_MARKS:
        return list(places)
    metric = analysis.metric.validation
    sizes = [log10(a.point.model_bytes) for _, a in places]
    values = [a.point.mean(metric) for _, a in places]
    cells = (_raster(sizes, RASTER[0]), _raster(values, RASTER[1]))
    taken: set[tuple[int, int]] = set()
    kept = []
    for place, x, y in zip(places, *cells, strict=True):
        assessed = place[1]
        matters = assessed.on_frontier or assessed.point.is_dense or assessed.point == analysis.answer.point
        if matters or (x, y) not in taken:
            kept.append(place)
            taken.add((x, y))
    return kept


def _raster(values: Sequence[float], cells: int) -> list[int]:
    low, high = min(values), max(values)
    return [round((value - low) / ((high - low) or 1.0) * cells) for value in values]


def _band(analysis: Analysis) -> Band | None:
    band = analysis.band
    if band is None or analysis.metric != Metric.ACCURACY:
        return band
    likely, lucky = (tuple((size, 100 * value) for size, value in side) for side in (band.likely, band.lucky))
    return Band(likely, lucky)


def _mark(assessed: AssessedPoint, row: int, analysis: Analysis, varying: Sequence[str]) -> Mark:
    point, metric = assessed.point, analysis.metric
    scale = 100 if metric == Metric.ACCURACY else 1
    values = [scale * value for value in point.scores[metric.validation]]
    return Mark(
        method=point.method,
        rank=point.rank,
        tables=point.tables,
        dim=point.dim,
        model_bytes=point.model_bytes,
        value=scale * point.mean(metric.validation),
        low=min(values),
        high=max(values),
        on_frontier=assessed.on_frontier,
        name=describe(point, varying),
        facts=_facts(assessed, analysis),
        row=row,
    )


def _facts(assessed: AssessedPoint, analysis: Analysis) -> tuple[tuple[str, str], ...]:
    point, metric, gap = assessed.point, analysis.metric, assessed.to_baseline
    facts = [
        ("Model", f"{format_bytes(point.model_bytes)}, {format_factor(point.model_compression)} smaller"),
        ("Embeddings", f"{format_bytes(point.embedding_bytes)}, {format_factor(point.compression)} smaller"),
        ("Validation", _scores(assessed, metric, "validation")),
        ("Test", _scores(assessed, metric, "test")),
    ]
    if gap is not None:
        interval = f" ({format_interval(gap, metric)})" if gap.has_interval else ""
        facts.append(("To uncompressed", f"{format_gap(gap.mean, metric)} {unit_of_gap(metric)}{interval}"))
    if assessed.probability is not None:
        facts.append(("Chance to be on the frontier", format_chance(assessed.probability)))
    facts.append(("Seeds", format_seeds(point, analysis.group.seeds)))
    facts.append(("Training", format_seconds(point.mean("train_seconds"))))
    if len(analysis.points) > MOST_MARKS:
        return tuple(facts)
    change = point.mean("tt_core_change")
    if isfinite(change):
        facts.append(("Cores moved since they were drawn", f"{100 * change:.1f} %"))
    if point.left_dense:
        facts.append(("Left dense", ", ".join(reason.partition(":")[0] for reason in point.left_dense)))
    if assessed.on_frontier:
        facts.append(("On the frontier", "yes"))
    return tuple(facts)


def _scores(assessed: AssessedPoint, metric: Metric, split: str) -> str:
    parts = []
    for shown in (metric, *metric.others):
        column = shown.validation if split == "validation" else shown.test
        parts.append(f"{shown.label} {format_value(assessed.point.mean(column), shown)}")
    return ", ".join(parts)
