"""The memory–quality frontier: what nothing dominates, and how much space it commands."""

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from ttrec_cli.pareto.metric import Metric


@dataclass(frozen=True)
class Reference:
    """The worst corner, where hypervolume begins: a model this large and this bad (and slow) is worth nothing."""

    model_bytes: float
    value: float
    third: float | None = None


def on_frontier(
    model_bytes: Sequence[float], values: Sequence[float], metric: Metric, third: Sequence[float] | None = None
) -> NDArray[np.bool_]:
    """For each of n points whether no other is at least as small and as good, and smaller or better.

    `third` is a further objective, less being better. Equal points stay together. A point with NaN or infinity in an
    objective never wins and never dominates.
    """
    costs = _costs(model_bytes, values, metric, third)
    mask: NDArray[np.bool_] = np.asarray(np.isfinite(costs).all(axis=1))
    # moocore lets a NaN row win, and keeps only the first of equal rows unless told to keep them.
    mask[mask] = moocore.is_nondominated(costs[mask], keep_weakly=True)
    return mask


def hypervolume(
    model_bytes: Sequence[float],
    values: Sequence[float],
    metric: Metric,
    reference: Reference,
    third: Sequence[float] | None = None,
) -> float:
    """Area that the points dominate up to `reference`, in decades of bytes times units of the metric.

    With a `third` objective it is a volume, times decades of that. Points that are no better than the reference in one
    objective add nothing; nor do NaN and infinity.
    """
    costs, corner = _useful(model_bytes, values, metric, reference, third)
    useful = costs[(costs < corner).all(axis=1)]
    return float(moocore.hypervolume(useful, ref=corner)) if len(useful) else 0.0


def contributions(
    model_bytes: Sequence[float],
    values: Sequence[float],
    metric: Metric,
    reference: Reference,
    third: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """For each of n points the hypervolume that would be lost without it; 0 where nothing would be."""
    costs, corner = _useful(model_bytes, values, metric, reference, third)
    inside = (costs < corner).all(axis=1)
    found = np.zeros(len(costs))
    if inside.any():
        found[inside] = moocore.hv_contributions(costs[inside], ref=corner, ignore_dominated=False)
    return found


def _useful(
    model_bytes: Sequence[float],
    values: Sequence[float],
    metric: Metric,
    reference: Reference,
    third: Sequence[float] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Costs, infinite where they are not finite, and the corner."""
    last = None if third is None or reference.third is None else [reference.third]
    corner = _costs([reference.model_bytes], [reference.value], metric, last)[0]
    return np.nan_to_num(_costs(model_bytes, values, metric, third), nan=np.inf, neginf=np.inf), corner


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


def _costs(
    model_bytes: Sequence[float], values: Sequence[float], metric: Metric, third: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """(n, 2 or 3): log10 of bytes, the metric and log10 of the third, all turned so that less is better."""
    sizes = np.asarray(model_bytes, dtype=np.float64)
    sign = -1.0 if metric.higher_is_better else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [np.log10(sizes), sign * np.asarray(values, dtype=np.float64)]
        if third is not None:
            columns.append(np.log10(np.asarray(third, dtype=np.float64)))
    return np.column_stack(columns)
