"""How sure a place on the frontier is."""

from collections.abc import Iterator, Sequence

import moocore
import numpy as np
from numpy.typing import NDArray

from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.posterior import fit

_DRAWS = 400
"""Of the true means: a chance is known to within 0.05, 95 times of 100."""

_BLOCK = 100_000
"""Means in one block of draws; each takes about 200 bytes on the way."""

_Floats = NDArray[np.float64]


def frontier_probability(
    model_bytes: Sequence[float], scores: _Floats, metric: Metric, third: _Floats | None = None
) -> _Floats | None:
    """For each of n points how probably its true means put it on the frontier, from draws that are always the same.

    `scores` (n, seeds) of the metric, all finite; `third` likewise of a third objective, less being better. Points
    of equal size and equal scores (their trials are shared) stay together. None with one seed.
    """
    if scores.shape[1] < 2:
        return None
    sizes = np.asarray(model_bytes, dtype=np.float64)
    if not len(sizes):
        return np.zeros(0)
    table = np.column_stack([sizes, scores] if third is None else [sizes, scores, third])
    rows, place = np.unique(table, axis=0, return_inverse=True)
    seeds = scores.shape[1]
    sign = -1.0 if metric.higher_is_better else 1.0
    costs = _drawn(rows[:, 0], sign * rows[:, 1 : seeds + 1], stream=0)
    if third is None:
        counts = sum(_masks(rows[:, 0], block).sum(axis=0) for block in costs)
    else:
        thirds = _drawn(rows[:, 0], rows[:, seeds + 1 :], stream=1)
        pairs = (pair for blocks in zip(costs, thirds, strict=True) for pair in zip(*blocks, strict=True))
        counts = sum(_mask_of_three(rows[:, 0], one, other) for one, other in pairs)
    found: _Floats = np.asarray(counts, dtype=np.float64)[place.reshape(-1)] / _DRAWS
    return found


def _drawn(sizes: _Floats, scores: _Floats, stream: int) -> Iterator[_Floats]:
    """Blocks (draws, n) of true means; the means as measured where nothing is random."""
    model = fit(sizes, scores) if len(sizes) > 1 else None
    random, step = np.random.default_rng(stream), max(1, _BLOCK // len(sizes))
    for start in range(0, _DRAWS, step):
        count = min(step, _DRAWS - start)
        yield np.tile(scores.mean(axis=1), (count, 1)) if model is None else model.draw(random, count)


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
