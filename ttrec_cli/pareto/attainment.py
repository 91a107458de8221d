"""How the frontier itself varies from seed to seed: attainment surfaces."""

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from ttrec_cli.pareto.metric import Metric

_Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Band:
    """Corners (model bytes, value) of two step lines, smallest model first.

    `likely` is reached by at least three of four seeds' own frontiers, `lucky` by at least one of four.
    """

    likely: _Corners
    lucky: _Corners


def attainment_band(model_bytes: Sequence[float], scores: NDArray[np.float64], metric: Metric) -> Band | None:
    """The band between the attainment surfaces of 75 % and 25 % of the seeds; None with a single seed.

    `scores` is (n, seeds), finite. Source: Grunert da Fonseca, Fonseca and Hall, EMO 2001.
    """
    seeds = scores.shape[1]
    if seeds < 2 or not len(scores):
        return None
    sizes = np.asarray(model_bytes, dtype=np.float64)
    costs = -scores if metric.higher_is_better else scores
    fronts, owners = [], []
    for seed in range(seeds):
        front = np.column_stack([sizes, costs[:, seed]])
        front = front[moocore.is_nondominated(front)]
        fronts.append(front)
        owners += [seed] * len(front)
    surface = moocore.eaf(np.concatenate(fronts), sets=np.array(owners), percentiles=[25, 75])
    return Band(likely=_corners(surface, 75, metric), lucky=_corners(surface, 25, metric))


def _corners(surface: NDArray[np.float64], percentile: int, metric: Metric) -> _Corners:
    rows = sorted((float(size), float(cost)) for size, cost, level in surface if round(level) == percentile)
    return tuple((size, -cost if metric.higher_is_better else cost) for size, cost in rows)
