"""Effects over seeds: sums and differences of points' scores, paired by seed, with Student's interval. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, isfinite, sqrt

from ttrec_cli.pareto.paired import CONFIDENCE
from ttrec_cli.pareto.points import Point
from ttrec_cli.pareto.student_t import t_quantile

LOGLOSS = "val_logloss"


@dataclass(frozen=True)
class Interval:
    """A mean over `count` seeds and its 95 % interval; no interval with a single seed."""

    mean: float
    low: float | None
    high: float | None
    count: int

    @property
    def side(self) -> int:
        """1 above 0, −1 below, 0 if the interval includes 0 or there is none."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return 0
        return 1 if self.low > 0 else -1

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return _signed(self.mean)
        return f"{_signed(self.mean)} ({_signed(self.low)} … {_signed(self.high)})"


def interval(values: Sequence[float]) -> Interval | None:
    """Mean and interval of one value a seed; None without values."""
    kept = [value for value in values if isfinite(value)]
    if not kept:
        return None
    count, mean = len(kept), fsum(kept) / len(kept)
    if count == 1:
        return Interval(mean, None, None, 1)
    deviation = sqrt(fsum((value - mean) ** 2 for value in kept) / (count - 1))
    reach = t_quantile(CONFIDENCE, count - 1) * deviation / sqrt(count)
    return Interval(mean, mean - reach, mean + reach, count)


def contrast(terms: Sequence[tuple[float, Point | None]], score: str = LOGLOSS) -> Interval | None:
    """Σ weight · score over points, seed by seed on the seeds that all have; None if a point is missing."""
    points = [point for _, point in terms if point is not None]
    if len(points) < len(terms):
        return None
    seeds = sorted(set.intersection(*(set(point.seeds) for point in points)))
    weights = [weight for weight, _ in terms]
    return interval(
        [fsum(w * point.at(score, seed) for w, point in zip(weights, points, strict=True)) for seed in seeds]
    )


def difference(point: Point | None, other: Point | None, score: str = LOGLOSS) -> Interval | None:
    """`point` minus `other`, paired."""
    return contrast([(1, point), (-1, other)], score)


def _signed(value: float) -> str:
    text = f"{value:+.4f}"
    return (text if float(text) else "±" + text[1:]).replace("-", "−")
