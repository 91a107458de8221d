"""The points of a group that compete, and what follows from all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.pareto.attainment import Band, attainment_band
from ttrec_cli.pareto.chances import frontier_probability
from ttrec_cli.pareto.frontier import Reference, contributions
from ttrec_cli.pareto.groups import Group
from ttrec_cli.pareto.metric import Cost, Metric
from ttrec_cli.pareto.points import Point


@dataclass(frozen=True)
class Rivals:
    """The points that compete, with their objectives: complete, and finite in each of them."""

    points: tuple[Point, ...]
    metric: Metric
    cost: Cost | None

    @cached_property
    def sizes(self) -> list[float]:
        """Model bytes."""
        return [float(point.model_bytes) for point in self.points]

    @cached_property
    def values(self) -> list[float]:
        """Means of the metric."""
        return [point.mean(self.metric.validation) for point in self.points]

    @cached_property
    def third(self) -> list[float] | None:
        """Means of the third objective, None without one."""
        return [point.mean(self.cost.score) for point in self.points] if self.cost else None

    def reference(self) -> Reference | None:
        """Bytes of the largest uncompressed model (without one: of the largest model) and the group's worst values."""
        if not self.points:
            return None
        dense = [point for point in self.points if point.is_dense]
        worst = max(self.values, key=self.metric.cost)
        largest = max(point.model_bytes for point in dense or self.points)
        return Reference(float(largest), worst, max(self.third) if self.third else None)

    def table(self, score: str) -> NDArray[np.float64]:
        """(points, seeds) of a score."""
        rows = [point.scores[score] for point in self.points]
        return np.array(rows, dtype=np.float64).reshape(len(rows), -1)

    def probabilities(self) -> Mapping[Point, float]:
        """P(on frontier) by point; empty with a single seed."""
        if not self.points:
            return {}
        third = self.table(self.cost.score) if self.cost else None
        found = frontier_probability(self.sizes, self.table(self.metric.validation), self.metric, third)
        return {} if found is None else dict(zip(self.points, found.tolist(), strict=True))

    def contributions(self, reference: Reference) -> Mapping[Point, float]:
        """Hypervolume that each point alone commands."""
        found = contributions(self.sizes, self.values, self.metric, reference, self.third)
        return dict(zip(self.points, found.tolist(), strict=True))

    def band(self, frontier: Sequence[Point]) -> Band | None:
        """The attainment band of the frontier's own points, of two objectives only.

        Of all points it would lie above the frontier of the means: among thousands each seed favours some by chance.
        """
        if not frontier or self.cost:
            return None
        scores = np.array([point.scores[self.metric.validation] for point in frontier], dtype=np.float64)
        return attainment_band([float(point.model_bytes) for point in frontier], scores, self.metric)


def find_rivals(group: Group, metric: Metric, third: Cost | None) -> Rivals:
    """The points of a group that compete."""

    def competes(point: Point) -> bool:
        finite = group.is_complete(point) and isfinite(point.mean(metric.validation))
        return finite and (third is None or (isfinite(point.mean(third.score)) and point.mean(third.score) > 0))

    return Rivals(tuple(point for point in group.points if competes(point)), metric, third)
