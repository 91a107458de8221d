"""Seeds drawn again: bootstrap intervals and how sure a place on the frontier is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from math import factorial, prod

import moocore
import numpy as np
from numpy.typing import NDArray

from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.paired import CONFIDENCE

_EXACT_SEEDS = 6
"""Up to so many seeds every possible draw is listed with its probability: at most 462 of them."""

_DRAWS = 1000
_DECIMALS = 12
_BLOCK = 2_000_000
"""Numbers in one block of resampled means: 16 MB."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resampling:
    """Draws of n seeds from n with replacement: `counts` (draws, n) sum to n a row, all `probabilities` to 1."""

    counts: _Floats
    probabilities: _Floats


@lru_cache(maxsize=32)
def resampling(seeds: int) -> Resampling:
    """All draws with their exact probabilities while these are few, else 1000 random ones, always the same."""
    if seeds > _EXACT_SEEDS:
        drawn = np.random.default_rng(seeds).multinomial(seeds, np.full(seeds, 1 / seeds), _DRAWS)
        return Resampling(drawn.astype(np.float64), np.full(_DRAWS, 1 / _DRAWS))
    draws = [np.bincount(draw, minlength=seeds) for draw in combinations_with_replacement(range(seeds), seeds)]
    ways = [factorial(seeds) / prod(factorial(int(count)) for count in draw) for draw in draws]
    return Resampling(np.array(draws, dtype=np.float64), np.array(ways) / seeds**seeds)


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % percentile interval of the mean; None with a single value.

    With few seeds it is too narrow (it cannot leave their range): Student's interval is the one to act on, this
    one shows skew. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    if len(values) < 2:
        return None
    draws = resampling(len(values))
    means = draws.counts @ np.asarray(values, dtype=np.float64) / len(values)
    order = np.argsort(means)
    reached = np.cumsum(draws.probabilities[order])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.searchsorted(reached, [tail, 1 - tail])
    return float(means[order[low]]), float(means[order[min(high, len(order) - 1)]])


def frontier_probability(
    model_bytes: Sequence[float], scores: _Floats, metric: Metric, third: _Floats | None = None
) -> _Floats | None:
    """For each of n points how often it is on the frontier when the seeds are drawn again, the same for all points.

    `scores` (n, seeds) of the metric; `third` likewise of a third objective, less being better. None with one seed.
    """
    points, seeds = scores.shape
    if seeds < 2:
        return None
    draws = resampling(seeds)
    sizes = np.asarray(model_bytes, dtype=np.float64)
    costs = np.where(metric.higher_is_better, -scores, scores)
    found = np.zeros(points)
    step = max(1, _BLOCK // max(points, 1))
    for start in range(0, len(draws.counts), step):
        counts = draws.counts[start : start + step]
        # Sums, rounded: points that share their trials stay equal whatever the order of additions.
        sums = np.round(counts @ costs.T, _DECIMALS)
        if third is None:
            masks = _masks(sizes, sums)
        else:
            rows = zip(sums, np.round(counts @ third.T, _DECIMALS), strict=True)
            masks = np.array([_mask_of_three(sizes, one, other) for one, other in rows])
        found += draws.probabilities[start : start + step] @ masks
    return np.clip(found, 0.0, 1.0)


def _masks(sizes: _Floats, costs: _Floats) -> NDArray[np.bool_]:
    """For each row of `costs` (draws, n) which points nothing dominates; equal points stay together."""
    order = np.argsort(sizes, kind="stable")
    ranked, ordered = sizes[order], costs[:, order]
    best = np.minimum.accumulate(ordered, axis=1)
    first, last = np.searchsorted(ranked, ranked, "left"), np.searchsorted(ranked, ranked, "right") - 1
    smaller = np.where(first > 0, best[:, np.maximum(first - 1, 0)], np.inf)
    masks = np.empty(costs.shape, dtype=np.bool_)
    masks[:, order] = (ordered < smaller) & (ordered == best[:, last])
    return masks


def _mask_of_three(sizes: _Floats, costs: _Floats, third: _Floats) -> NDArray[np.bool_]:
    return np.asarray(moocore.is_nondominated(np.column_stack([sizes, costs, third]), keep_weakly=True), dtype=np.bool_)
