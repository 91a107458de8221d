"""The answer in one sentence: which point of the frontier to take, and by which rule it was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from ttrec_cli.pareto.frontier import knee
from ttrec_cli.pareto.groups import Group
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.paired import TrainingEffect, paired_difference
from ttrec_cli.pareto.points import Point
from ttrec_cli.pareto.settings import split_settings
from ttrec_cli.pareto.wording import (
    describe,
    format_bytes,
    format_factor,
    format_gap,
    format_interval,
    unit_of_gap,
)

TOLERANCE = 0.001
"""How much worse than the best uncompressed model the answer may be: 0.1 points of accuracy; 0.001 in others."""

_ROUNDING = 1e-12
"""A difference of exactly the tolerance counts as within, whatever float subtraction makes of it."""


@dataclass(frozen=True)
class Answer:
    """The recommended point, None if there is none; the rule that chose it; and the sentence that says so."""

    point: Point | None
    rule: str
    sentence: str


def choose(frontier: Sequence[Point], best: Point | None, metric: Metric) -> tuple[Point | None, str]:
    """The recommended point and the rule that chose it; `best` is the best uncompressed model.

    The smallest compressed point within `TOLERANCE` of `best`; if there is none, or nothing uncompressed to
    compare with, the knee of the frontier's compressed part.
    """
    compressed = sorted((point for point in frontier if not point.is_dense), key=lambda point: point.order)
    if not compressed:
        return None, "no compressed model is on the frontier"
    score = metric.validation
    scale = 100 if metric == Metric.ACCURACY else 1
    allowed = f"{scale * TOLERANCE:g} {unit_of_gap(metric)}"
    if best is not None:
        limit = metric.cost(best.mean(score)) + TOLERANCE + _ROUNDING
        for point in compressed:
            if metric.cost(point.mean(score)) <= limit:
                goal = f"the best uncompressed model (dim {best.dim})"
                return point, f"the smallest on the frontier within {allowed} of {goal}"
    values = [point.mean(score) for point in compressed]
    at = knee([point.model_bytes for point in compressed], values, metric)
    why = (
        "there is no uncompressed model to compare with"
        if best is None
        else f"nothing compressed comes within {allowed} of the best uncompressed model (dim {best.dim})"
    )
    return compressed[at], f"the knee of the frontier, as {why}"


def make_sentence(group: Group, point: Point, own: Point | None, best: Point | None, metric: Metric) -> str:
    """Size, compression and the price of `point`, against the uncompressed model of its dim, `own`.

    Where another uncompressed model is the `best`, the price against that one follows.
    """
    _, varying = split_settings(group.points)
    size = f"{describe(point, varying)}: {format_bytes(point.model_bytes)}"
    text = f"{about_data(group)}{size}, {format_factor(point.model_compression)} smaller"
    first = None if point.is_dense else own or best
    gap = paired_difference(point, first, metric.validation) if first else None
    if first is None or gap is None:
        return f"{text}."
    text += f", {format_gap(gap.mean, metric)} {unit_of_gap(metric)} against the uncompressed model{_dim(first, point)}"
    text += f" (95 % interval {format_interval(gap, metric)} over {len(gap.seeds)} seeds)" if gap.has_interval else ""
    other = paired_difference(point, best, metric.validation) if best and best != first else None
    if best is not None and other is not None:
        interval = f" ({format_interval(other, metric)})" if other.has_interval else ""
        text += f"; {format_gap(other.mean, metric)} against the best one{_dim(best, point)}{interval}"
    return f"{text}." if gap.has_interval else f"{text} (single seed: no error bars)."


def training_sentence(effects: Sequence[TrainingEffect], metric: Metric) -> str:
    """At how many plans training the cores paid, and how many beyond doubt; empty without `tt-frozen` points."""
    gaps = [effect.differences[metric] for effect in effects if metric in effect.differences]
    if not gaps:
        return ""
    better = [gap for gap in gaps if metric.cost(gap.mean) < 0]
    text = f"Trained cores beat frozen ones (tt-frozen) in {metric.label} at {len(better)} of {len(gaps)} plans"
    if not any(gap.has_interval for gap in gaps):
        return f"{text} (single seed: no error bars)."
    return f"{text}, at {sum(gap.is_clear for gap in better)} with a 95 % interval that excludes 0."


def sameness_sentence(group: Group, metric: Metric) -> str:
    """That accuracy tells none of the models apart in any seed, and what to weigh instead; else empty."""
    if metric != Metric.ACCURACY or len(group.points) < 2:
        return ""
    for seed in group.seeds:
        if len({point.at(metric.validation, seed) for point in group.points if seed in point.seeds}) > 1:
            return ""
    return (
        "All models have the same accuracy, as when each always predicts no click: try --metric logloss or "
        "--metric auc."
    )


def unfinished_sentence(group: Group) -> str:
    """How many points do not compete, because they lack seeds; empty if all do."""
    count = sum(not group.is_complete(point) for point in group.points)
    if not count:
        return ""
    return f"{count} of {len(group.points)} points {'lacks' if count == 1 else 'lack'} seeds: shown, but not competing."


def about_data(group: Group) -> str:
    """A warning to open a sentence with, unless the data is real."""
    if group.stand_in:
        return "On synthetic data (a stand-in): "
    return "On synthetic data: " if group.synthetic else ""


def _dim(reference: Point, point: Point) -> str:
    return "" if reference.dim == point.dim else f" (dim {reference.dim})"
