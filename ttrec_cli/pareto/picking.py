"""What a person asks for: the best that fits, the smallest that is good enough, the knee; answered in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from ttrec_cli.pareto.frontier import knee
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.paired import Difference, paired_difference
from ttrec_cli.pareto.points import Point
from ttrec_cli.pareto.wording import describe, format_bytes, format_factor, format_gap, format_interval, unit_of_gap

_ROUNDING = 1e-12
"""A difference of exactly the limit counts as within, whatever float subtraction makes of it."""


@dataclass(frozen=True)
class Wish:
    """Limits that a point must keep, and which one to take of those that do.

    `within`: how much worse than the best uncompressed model, in points (hundredths) of accuracy or in units of any
    other metric. `min_compression` is of the embeddings. With `within` the smallest point is taken, with `knee` the
    frontier's knee, else the best one.
    """

    max_bytes: int | None = None
    within: float | None = None
    min_compression: float | None = None
    knee: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self == Wish()


@dataclass(frozen=True)
class Pick:
    """The point a wish comes to and the rule; without one the rule says why there is none."""

    point: Point | None
    rule: str


def pick(frontier: Sequence[Point], best: Point | None, metric: Metric, wish: Wish) -> Pick:
    """The point of the frontier that a wish asks for; `best` is the best uncompressed model.

    With several seeds `within` must hold for the whole 95 % interval of the paired difference, with one for the
    difference itself.
    """
    if wish.within is not None and best is None:
        return Pick(None, "there is no uncompressed model to be within reach of")
    fitting = [point for point in frontier if _fits(point, wish)]
    if not fitting:
        smallest = min(frontier, key=lambda point: point.order, default=None)
        least = f"; the smallest there is: {describe(smallest)}, {_size(smallest)}" if smallest else ""
        return Pick(None, f"nothing on the frontier has {_limits(wish)}{least}")
    if wish.within is not None and best is not None:
        return _within(fitting, best, metric, wish, wish.within)
    score = metric.validation
    if wish.knee:
        values = [point.mean(score) for point in fitting]
        point = fitting[knee([point.model_bytes for point in fitting], values, metric)]
        return Pick(point, f"the knee of the frontier{_among(wish)}")
    point = min(fitting, key=lambda point: (metric.cost(point.mean(score)), point.order))
    return Pick(point, f"the best {metric.label} on the frontier{_among(wish)}")


def _within(fitting: Sequence[Point], best: Point, metric: Metric, wish: Wish, within: float) -> Pick:
    limit = (within / 100 if metric == Metric.ACCURACY else within) + _ROUNDING
    found = {point: paired_difference(point, best, metric.validation) for point in fitting if not point.is_dense}
    gaps = {point: gap for point, gap in found.items() if gap is not None}
    allowed = f"within {within:g} {unit_of_gap(metric)} of the best uncompressed model (dim {best.dim})"
    if not gaps:
        return Pick(None, f"nothing compressed on the frontier can be compared with it{_among(wish)}")
    sure = any(gap.has_interval for gap in gaps.values())
    manner = ", its whole 95 % interval included" if sure else ""
    kept = [point for point, gap in gaps.items() if _worst(gap, metric) <= limit]
    if kept:
        point = min(kept, key=lambda point: point.order)
        return Pick(point, f"the smallest on the frontier {allowed}{manner}{_among(wish)}")
    nearest = min(gaps, key=lambda point: (_worst(gaps[point], metric), point.order))
    gap = gaps[nearest]
    interval = f" ({format_interval(gap, metric)})" if gap.has_interval else ""
    return Pick(
        None,
        f"nothing compressed is {allowed}{manner}{_among(wish)}; the nearest is {describe(nearest)}, "
        f"{_size(nearest)}, at {format_gap(gap.mean, metric)}{interval}",
    )


def _worst(gap: Difference, metric: Metric) -> float:
    """How much worse the point may be, at the bad end of the interval."""
    ends = [gap.mean] if gap.low is None or gap.high is None else [gap.low, gap.high]
    return max(metric.cost(end) for end in ends)


def _fits(point: Point, wish: Wish) -> bool:
    small = wish.max_bytes is None or point.model_bytes <= wish.max_bytes
    return small and (wish.min_compression is None or point.compression >= wish.min_compression)


def _limits(wish: Wish) -> str:
    parts = []
    if wish.max_bytes is not None:
        parts.append(f"a model of at most {format_bytes(wish.max_bytes)}")
    if wish.min_compression is not None:
        parts.append(f"embeddings at least {wish.min_compression:g}× smaller")
    return " and ".join(parts) or "what was asked for"


def _among(wish: Wish) -> str:
    return "" if wish.max_bytes is None and wish.min_compression is None else f" with {_limits(wish)}"


def _size(point: Point) -> str:
    return f"{format_bytes(point.model_bytes)}, embeddings {format_factor(point.compression)} smaller"
