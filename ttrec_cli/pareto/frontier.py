"""The memory–quality frontier: what nothing dominates, and how much space it commands."""

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from ttrec_cli.pareto.metric import Metric


@dataclass(frozen=True)
class Reference:
    """The worst corner, where hypervolume begins: a model this large and this bad is worth nothing."""

    model_bytes: float
    value: float


def on_frontier(model_bytes: Sequence[float], values: Sequence[float], metric: Metric) -> NDArray[np.bool_]:
    """For each of n points whether no other is at least as small and as good, and smaller or better.

    Equal points stay together. A point with NaN or infinity in an objective never wins and never dominates.
    """
    costs = _costs(model_bytes, values, metric)
    mask: NDArray[np.bool_] = np.asarray(np.isfinite(costs).all(axis=1))
    # moocore lets a NaN row win, and keeps only the first of equal rows unless told to keep them.
    mask[mask] = moocore.is_nondominated(costs[mask], keep_weakly=True)
    return mask


def hypervolume(model_bytes: Sequence[float], values: Sequence[float], metric: Metric, reference: Reference) -> float:
    """Area that the points dominate up to `reference`, in decades of bytes times units of the metric.

    Points that are no better than the reference in one objective add nothing; nor do NaN and infinity.
    """
    costs = _costs(model_bytes, values, metric)
    corner = _costs([reference.model_bytes], [reference.value], metric)[0]
    useful = costs[np.isfinite(costs).all(axis=1) & (costs < corner).all(axis=1)]
    return float(moocore.hypervolume(useful, ref=corner)) if len(useful) else 0.0


def knee(model_bytes: Sequence[float], values: Sequence[float], metric: Metric) -> int:
    """Index of the frontier's knee: the point farthest beyond the chord between the frontier's two ends.

    Both objectives are scaled to 0 … 1, bytes after their logarithm, because compression spans decades. Takes
    frontier points only, at least one. Source: Branke et al., Finding Knees in Multi-objective Optimization,
    PPSN 2004.
    """
    costs = _costs(model_bytes, values, metric)
    low, high = costs.min(axis=0), costs.max(axis=0)
    scaled = (costs - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin(scaled.sum(axis=1)))


def _costs(model_bytes: Sequence[float], values: Sequence[float], metric: Metric) -> NDArray[np.float64]:
    """(n, 2): log10 of bytes and the metric, both turned so that less is better."""
    sizes = np.asarray(model_bytes, dtype=np.float64)
    sign = -1.0 if metric.higher_is_better else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.column_stack([np.log10(sizes), sign * np.asarray(values, dtype=np.float64)])
