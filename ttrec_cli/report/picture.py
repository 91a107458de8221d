"""From one analysis to the record of its picture: marks with their hover facts, and a sentence about it."""

from collections.abc import Sequence
from math import isfinite

from ttrec_cli.pareto import Analysis, AssessedPoint, Metric
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
from ttrec_cli.report.tables import format_seconds, format_seeds


def make_picture(analysis: Analysis) -> Picture:
    """The marks of a group; points without a finite value of the metric are left to the table."""
    group, metric = analysis.group, analysis.metric
    shown = [a for a in analysis.points if isfinite(a.point.mean(metric.validation))]
    _, varying = split_settings(group.points)
    compressed = [a.point for a in shown if not a.point.is_dense]
    answers = [at for at, assessed in enumerate(shown) if assessed.point == analysis.answer.point]
    return Picture(
        metric=metric,
        marks=tuple(_mark(assessed, analysis, varying) for assessed in shown),
        ranks=tuple(sorted({point.rank for point in compressed if point.rank is not None})),
        dims=tuple(sorted({assessed.point.dim for assessed in shown})),
        tables=tuple(sorted({point.tables for point in compressed})),
        several_seeds=len(group.seeds) > 1,
        answer=answers[0] if answers else None,
        summary=_summary(analysis, len(shown)),
    )


def _summary(analysis: Analysis, shown: int) -> str:
    on_frontier = len(analysis.frontier)
    return (
        f"Scatter plot of validation {analysis.metric.label} over model size: {on_frontier} of {shown} configurations "
        f"{'is' if on_frontier == 1 else 'are'} on the frontier. {analysis.answer.sentence} "
        "The table below holds all its numbers."
    )


def _mark(assessed: AssessedPoint, analysis: Analysis, varying: Sequence[str]) -> Mark:
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
    )


def _facts(assessed: AssessedPoint, analysis: Analysis) -> tuple[tuple[str, str], ...]:
    point, metric, gap = assessed.point, analysis.metric, assessed.to_baseline
    facts = [
        ("Model", f"{format_bytes(point.model_bytes)}, {format_factor(point.model_compression)} smaller"),
        ("Embeddings", f"{format_bytes(point.embedding_bytes)}, {format_factor(point.compression)} smaller"),
        ("Validation", _scores(assessed, "validation")),
        ("Test", _scores(assessed, "test")),
    ]
    if gap is not None:
        interval = f" ({format_interval(gap, metric)})" if gap.has_interval else ""
        facts.append(("To uncompressed", f"{format_gap(gap.mean, metric)} {unit_of_gap(metric)}{interval}"))
    facts.append(("Seeds", format_seeds(point, analysis.group.seeds)))
    facts.append(("Training", format_seconds(point.mean("train_seconds"))))
    change = point.mean("tt_core_change")
    if isfinite(change):
        facts.append(("Cores moved since they were drawn", f"{100 * change:.1f} %"))
    if point.left_dense:
        facts.append(("Left dense", ", ".join(reason.partition(":")[0] for reason in point.left_dense)))
    if assessed.on_frontier:
        facts.append(("On the frontier", "yes"))
    return tuple(facts)


def _scores(assessed: AssessedPoint, split: str) -> str:
    parts = []
    for metric in Metric:
        column = metric.validation if split == "validation" else metric.test
        parts.append(f"{metric.label} {format_value(assessed.point.mean(column), metric)}")
    return ", ".join(parts)
