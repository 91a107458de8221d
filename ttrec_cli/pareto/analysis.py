"""What a group of points says: frontier, differences to the uncompressed models, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

from ttrec_cli.pareto.attainment import Band
from ttrec_cli.pareto.frontier import Reference, hypervolume, on_frontier
from ttrec_cli.pareto.groups import Group
from ttrec_cli.pareto.metric import Cost, Metric
from ttrec_cli.pareto.paired import Difference, TrainingEffect, paired_difference, training_effects
from ttrec_cli.pareto.picking import Pick, Wish, pick
from ttrec_cli.pareto.points import Point
from ttrec_cli.pareto.resampling import bootstrap_interval
from ttrec_cli.pareto.rivals import find_rivals
from ttrec_cli.pareto.sentence import Answer, about_data, choose, make_sentence
from ttrec_cli.pareto.settings import flat_settings

TIED = 0.05
"""From this probability of being on the frontier a point counts as tied with it."""

_Match = tuple[int, str]
"""Dim and settings, by which a point finds the uncompressed model it is compared with."""


@dataclass(frozen=True)
class AssessedPoint:
    """A point with its place in the group.

    `complete`: it has every seed of the group, so it competes. `to_baseline`: the paired difference of the
    metric to the uncompressed model of the same dim, `bootstrap` its 95 % bootstrap interval; None for that model
    itself and where there is none. `probability`: how probably its true mean is on the frontier; None with a single
    seed. `contribution`: the hypervolume that would be lost without it.
    """

    point: Point
    complete: bool
    on_frontier: bool
    to_baseline: Difference | None
    bootstrap: tuple[float, float] | None = None
    probability: float | None = None
    contribution: float = 0.0

    @property
    def is_tied(self) -> bool:
        """Whether it is not on the frontier, but noise alone may keep it off."""
        return not self.on_frontier and (self.probability or 0.0) >= TIED


@dataclass(frozen=True)
class Analysis:
    """One group seen through one metric; `points` come smallest model first.

    `baseline` is the best uncompressed model, None if there is none. `hypervolume` is measured from
    `reference` in decades of bytes times units of the metric (times decades of the `third` objective, if there is
    one); 0 with None if nothing competes. `band` says how the frontier varies from seed to seed; None with a single
    seed and with a third objective.
    """

    group: Group
    metric: Metric
    points: tuple[AssessedPoint, ...]
    baseline: Point | None
    effects: tuple[TrainingEffect, ...]
    reference: Reference | None
    hypervolume: float
    answer: Answer
    third: Cost | None = None
    band: Band | None = None

    @property
    def frontier(self) -> tuple[AssessedPoint, ...]:
        """The points that nothing dominates, smallest first."""
        return tuple(assessed for assessed in self.points if assessed.on_frontier)


def analyse(group: Group, metric: Metric, wish: Wish | None = None, third: Cost | None = None) -> Analysis:
    """Find the frontier of a group and what can be said about it; a `wish` replaces the usual choice."""
    rivals = find_rivals(group, metric, third)
    mask = on_frontier(rivals.sizes, rivals.values, metric, rivals.third)
    frontier = tuple(p for p, wins in zip(rivals.points, mask, strict=True) if wins)
    winners, chances = set(frontier), rivals.probabilities()
    reference = rivals.reference()
    shares = rivals.contributions(reference) if reference else {}
    best, own = best_baseline(rivals.points, metric), own_baselines(group, metric)
    return Analysis(
        group=group,
        metric=metric,
        points=tuple(
            _assess(group, p, own.get(_match(p)), metric, (p in winners, chances.get(p), shares.get(p, 0.0)))
            for p in group.points
        ),
        baseline=best,
        effects=training_effects(group.points),
        reference=reference,
        hypervolume=hypervolume(rivals.sizes, rivals.values, metric, reference, rivals.third) if reference else 0.0,
        answer=_answer(group, frontier, own, best, (metric, wish)),
        third=third,
        band=rivals.band(frontier),
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


def _assess(
    group: Group, point: Point, own: Point | None, metric: Metric, place: tuple[bool, float | None, float]
) -> AssessedPoint:
    score = metric.validation
    gap = paired_difference(point, own, score) if own and not point.is_dense else None
    again = None
    if gap is not None and own is not None and gap.has_interval:
        again = bootstrap_interval([point.at(score, seed) - own.at(score, seed) for seed in gap.seeds])
    wins, chance, share = place
    return AssessedPoint(point, group.is_complete(point), wins, gap, again, chance, share)


def _answer(
    group: Group,
    frontier: tuple[Point, ...],
    own: Mapping[_Match, Point],
    best: Point | None,
    asked: tuple[Metric, Wish | None],
) -> Answer:
    metric, wish = asked
    if wish is None or wish.is_empty:
        chosen = Pick(*choose(frontier, best, metric))
    else:
        chosen = pick(frontier, best, metric, wish)
    if chosen.point is None:
        why = "no configuration has finished on all seeds" if not frontier else chosen.rule
        sentence = f"{about_data(group)}{why}."
        return Answer(None, why, sentence[0].upper() + sentence[1:])
    own_best = own.get(_match(chosen.point))
    return Answer(chosen.point, chosen.rule, make_sentence(group, chosen.point, own_best, best, metric))


@lru_cache(maxsize=1024)
def _settings(settings: str) -> frozenset[tuple[str, str]]:
    return frozenset(flat_settings(settings).items())
