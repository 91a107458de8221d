"""Chances against planted truth: among points said to be on the frontier with 30 %, about 30 % are.

200 sweeps of 5 seeds at each noise; what a seed does to all points is 0.001 on top. The error is the difference
between chance and share, in ten bins, weighted by their points. The noise of real sweeps is 0.0003 to 0.0012.
"""

import itertools
import math

import numpy as np
import pytest

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.chances import frontier_probability
from ttrec_cli.pareto.frontier import on_frontier

Truth = tuple[np.ndarray, np.ndarray]


def grid() -> Truth:
    """Sizes and true accuracies like Kaggle's: rank helps, compressing tables costs, a larger dim helps."""
    cells = list(itertools.product((8, 16, 32, 64), (3, 5, 7), (16, 32, 64)))
    sizes = [
        {3: 530e6, 5: 45e6, 7: 3e6}[tables] * dim / 16 + tables * rank**2 * 3000 * math.sqrt(dim / 16)
        for rank, tables, dim in cells
    ]
    truth = [
        0.7891 - 0.00025 * (tables - 3) + 0.00006 * math.log2(rank / 16) * (tables - 2) + 0.0004 * math.log2(dim / 16)
        for rank, tables, dim in cells
    ]
    return np.array(sizes), np.array(truth)


def with_frozen() -> Truth:
    """The grid, and every point again with cores that were never trained: far below."""
    sizes, truth = grid()
    return np.tile(sizes, 2), np.concatenate([truth, truth - 0.004])


def saturating() -> Truth:
    """Two methods, each less and less better with size; the second is dominated."""
    sizes = np.geomspace(2e6, 2e9, 12)
    truth = 0.79 - 0.004 * (sizes / 2e6) ** -0.4
    return np.concatenate([sizes, 1.1 * sizes]), np.concatenate([truth, truth - 0.0006])


def plateau() -> Truth:
    """A rise, then 16 sizes that differ by 0.00001 at most."""
    sizes = np.geomspace(1e6, 1e9, 24)
    rise = 0.003 * np.minimum(np.log10(sizes / 2e7), 0)
    return sizes, 0.79 + rise + 1e-5 * np.sin(37 * np.arange(24))


def scattered() -> Truth:
    """Accuracy has nothing to do with size."""
    random = np.random.default_rng(8)
    return 10 ** random.uniform(6, 9, 30), 0.79 + random.normal(0, 5e-4, 30)


def calibration_error(truth: Truth, noise: float) -> float:
    random = np.random.default_rng(5)
    sizes, accuracies = truth
    count = len(sizes)
    sweeps = (
        accuracies[:, None] + random.normal(0, 0.001, 5) + random.normal(0, noise, (count, 5)) for _ in range(200)
    )
    found = np.concatenate([frontier_probability(sizes, scores, Metric.ACCURACY) for scores in sweeps])
    right = np.tile(on_frontier(sizes, accuracies, Metric.ACCURACY), 200)
    bins = np.minimum((10 * found).astype(int), 9)
    return sum(abs(found[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))


@pytest.mark.parametrize("noise", [0.0001, 0.0003, 0.0005, 0.001])
def test_on_a_grid_like_kaggles(noise):
    assert calibration_error(grid(), noise) <= 0.1


@pytest.mark.parametrize(
    ("form", "noise"),
    [(with_frozen, 0.001), *itertools.product((saturating, plateau, scattered), (0.0003, 0.001))],
)
def test_where_the_trend_is_another_one(form, noise):
    assert calibration_error(form(), noise) <= 0.1
