"""Differences between two points on the same seeds, with their uncertainty."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum, isfinite, sqrt

from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.points import TT, TT_FROZEN, Point
from ttrec_cli.pareto.student_t import t_quantile

CONFIDENCE = 0.95
"""Of every interval."""


@dataclass(frozen=True)
class Difference:
    """Mean of the differences over `seeds`, and its 95 % interval; None with a single seed: no error bars."""

    mean: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]

    @property
    def has_interval(self) -> bool:
        """Whether there were seeds enough for an interval."""
        return self.low is not None and self.high is not None

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class TrainingEffect:
    """What training the TT cores gained over leaving them as drawn (`tt-frozen`), at the same plan."""

    trained: Point
    frozen: Point
    differences: Mapping[Metric, Difference] = field(hash=False)


def paired_difference(point: Point, other: Point, score: str) -> Difference | None:
    """`point` minus `other` on the seeds that both have; None if there is none with finite scores.

    Pairing removes what a seed does to both (data order, initial MLPs). The interval is Student's t: mean ±
    t(0.95, n − 1) · s / sqrt(n).
    """
    pairs = {seed: point.at(score, seed) - other.at(score, seed) for seed in point.seeds if seed in other.seeds}
    kept = {seed: gap for seed, gap in pairs.items() if isfinite(gap)}
    if not kept:
        return None
    seeds, count = tuple(kept), len(kept)
    mean = fsum(kept.values()) / count
    if count == 1:
        return Difference(mean, None, None, seeds)
    deviation = sqrt(fsum((gap - mean) ** 2 for gap in kept.values()) / (count - 1))
    reach = t_quantile(CONFIDENCE, count - 1) * deviation / sqrt(count)
    return Difference(mean, mean - reach, mean + reach, seeds)


def training_effects(points: Iterable[Point]) -> tuple[TrainingEffect, ...]:
    """Each `tt` point beside the `tt-frozen` point of the same plan and settings, if there is one."""
    points = tuple(points)
    frozen = {_plan(point): point for point in points if point.method == TT_FROZEN}
    found = []
    for point in points:
        control = frozen.get(_plan(point)) if point.method == TT else None
        if control is None:
            continue
        gaps = {metric: paired_difference(point, control, metric.validation) for metric in Metric}
        kept = {metric: gap for metric, gap in gaps.items() if gap is not None}
        if kept:
            found.append(TrainingEffect(point, control, kept))
    return tuple(found)


def _plan(point: Point) -> tuple[int | None, int, int, str]:
    return point.rank, point.tables, point.dim, point.settings
