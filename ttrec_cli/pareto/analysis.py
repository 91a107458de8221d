"""What a group of points says: frontier, differences to the uncompressed models, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

from ttrec_cli.pareto.frontier import Reference, hypervolume, on_frontier
from ttrec_cli.pareto.groups import Group
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.paired import Difference, TrainingEffect, paired_difference, training_effects
from ttrec_cli.pareto.points import Point
from ttrec_cli.pareto.sentence import Answer, about_data, choose, make_sentence
from ttrec_cli.pareto.settings import flat_settings

_Match = tuple[int, str]
"""Dim and settings, by which a point finds the uncompressed model it is compared with."""


@dataclass(frozen=True)
class AssessedPoint:
    """A point with its place in the group.

    `complete`: it has every seed of the group, so it competes. `to_baseline`: the paired difference of the
    metric to the uncompressed model of the same dim; None for that model itself and where there is none.
    """

    point: Point
    complete: bool
    on_frontier: bool
    to_baseline: Difference | None


@dataclass(frozen=True)
class Analysis:
    """One group seen through one metric; `points` come smallest model first.

    `baseline` is the best uncompressed model, None if there is none. `hypervolume` is measured from
    `reference` in decades of bytes times units of the metric; 0 with None if nothing competes.
    """

    group: Group
    metric: Metric
    points: tuple[AssessedPoint, ...]
    baseline: Point | None
    effects: tuple[TrainingEffect, ...]
    reference: Reference | None
    hypervolume: float
    answer: Answer

    @property
    def frontier(self) -> tuple[AssessedPoint, ...]:
        """The points that nothing dominates, smallest first."""
        return tuple(assessed for assessed in self.points if assessed.on_frontier)


def analyse(group: Group, metric: Metric) -> Analysis:
    """Find the frontier of a group and what can be said about it."""
    score = metric.validation
    rivals = tuple(p for p in group.points if group.is_complete(p) and isfinite(p.mean(score)))
    sizes, values = [float(p.model_bytes) for p in rivals], [p.mean(score) for p in rivals]
    mask = on_frontier(sizes, values, metric)
    frontier = tuple(p for p, wins in zip(rivals, mask, strict=True) if wins)
    winners = set(frontier)
    reference = _reference(rivals, metric)
    best, own = best_baseline(rivals, metric), own_baselines(group, metric)
    return Analysis(
        group=group,
        metric=metric,
        points=tuple(_assess(group, p, p in winners, own.get(_match(p)), metric) for p in group.points),
        baseline=best,
        effects=training_effects(group.points),
        reference=reference,
        hypervolume=hypervolume(sizes, values, metric, reference) if reference else 0.0,
        answer=_answer(group, frontier, own, best, metric),
    )


def best_baseline(points: tuple[Point, ...], metric: Metric) -> Point | None:
    """The best uncompressed model: what one would use if bytes were free; of equals the smallest."""
    dense = [point for point in points if point.is_dense]
    return min(dense, key=lambda p: (metric.cost(p.mean(metric.validation)), p.order), default=None)


def own_baselines(group: Group, metric: Metric) -> dict[_Match, Point]:
    """By dim and settings of the group's points the uncompressed model of that dim with most settings in common.

    Of equals the best one. Dims without an uncompressed model are left out.
    """
    dense = [point for point in group.points if point.is_dense]
    found = {}
    for dim, settings in {_match(point) for point in group.points}:
        wanted = _settings(settings)

        def rank(other: Point, wanted: frozenset[tuple[str, str]] = wanted) -> tuple[int, float]:
            value = other.mean(metric.validation)
            return len(wanted & _settings(other.settings)), -metric.cost(value) if isfinite(value) else float("-inf")

        rivals = [other for other in dense if other.dim == dim]
        if rivals:
            found[dim, settings] = max(rivals, key=rank)
    return found


def _match(point: Point) -> _Match:
    return point.dim, point.settings


def _assess(group: Group, point: Point, wins: bool, own: Point | None, metric: Metric) -> AssessedPoint:
    gap = paired_difference(point, own, metric.validation) if own and not point.is_dense else None
    return AssessedPoint(point, group.is_complete(point), wins, gap)


def _answer(
    group: Group, frontier: tuple[Point, ...], own: Mapping[_Match, Point], best: Point | None, metric: Metric
) -> Answer:
    point, rule = choose(frontier, best, metric)
    if point is None:
        why = "no configuration has finished on all seeds" if not frontier else rule
        sentence = f"{about_data(group)}{why}."
        return Answer(None, why, sentence[0].upper() + sentence[1:])
    return Answer(point, rule, make_sentence(group, point, own.get(_match(point)), best, metric))


def _reference(rivals: tuple[Point, ...], metric: Metric) -> Reference | None:
    """Bytes of the largest uncompressed model (without one: of the largest model) and the group's worst value."""
    if not rivals:
        return None
    dense = [point for point in rivals if point.is_dense]
    worst = max((point.mean(metric.validation) for point in rivals), key=metric.cost)
    return Reference(float(max(point.model_bytes for point in dense or rivals)), worst)


@lru_cache(maxsize=1024)
def _settings(settings: str) -> frozenset[tuple[str, str]]:
    return frozenset(flat_settings(settings).items())
