"""The frontier and its hypervolume against closed forms and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.frontier import Reference, hypervolume, knee, on_frontier

# Few distinct values, so that ties and duplicates are common.
POINTS = st.lists(st.tuples(st.integers(1, 12), st.integers(-6, 6)), min_size=1, max_size=40)


def brute_force(points: list[tuple[float, float]], metric: Metric) -> list[bool]:
    costs = [(size, metric.cost(value)) for size, value in points]
    return [not any(a <= x and b <= y and (a, b) != (x, y) for a, b in costs) for x, y in costs]


@given(points=POINTS, metric=st.sampled_from(list(Metric)))
@settings(deadline=None, max_examples=100)
def test_mask_is_what_nothing_dominates(points, metric):
    sizes, values = zip(*points, strict=True)
    assert on_frontier(sizes, values, metric).tolist() == brute_force(points, metric)


def test_equal_points_stay_together():
    assert on_frontier([10, 10, 20], [0.5, 0.5, 0.5], Metric.ACCURACY).tolist() == [True, True, False]


@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_a_point_that_is_not_finite_never_wins_and_never_dominates(hole):
    mask = on_frontier([1, 2, 3], [hole, 0.5, 0.6], Metric.ACCURACY)
    assert mask.tolist() == [False, True, True]
    assert on_frontier([math.nan, 2.0], [0.9, 0.5], Metric.ACCURACY).tolist() == [False, True]
    assert on_frontier([1.0], [hole], Metric.LOGLOSS).tolist() == [False]


def test_nothing_in_nothing_out():
    assert on_frontier([], [], Metric.ACCURACY).tolist() == []
    assert hypervolume([], [], Metric.ACCURACY, Reference(10, 0.0)) == 0


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_hypervolume_of_a_staircase(steps):
    # Each step is a decade smaller and 0.1 worse: rectangles of one decade times k · 0.1.
    sizes = [10.0**k for k in range(steps)]
    values = [0.1 * (k + 1) for k in range(steps)]
    found = hypervolume(sizes, values, Metric.ACCURACY, Reference(10.0**steps, 0.0))
    assert found == pytest.approx(0.1 * steps * (steps + 1) / 2)


@given(points=POINTS, metric=st.sampled_from(list(Metric)))
@settings(deadline=None, max_examples=50)
def test_hypervolume_by_counting_cells(points, metric):
    # Bytes are powers of ten and values whole, so the area is a number of unit cells.
    sizes = [10.0**size for size, _ in points]
    values = [value for _, value in points]
    worst = -7 if metric.higher_is_better else 7
    cells = {
        (x, y)
        for size, value in points
        for x in range(size, 13)
        for y in (range(worst, value) if metric.higher_is_better else range(value, worst))
    }
    assert hypervolume(sizes, values, metric, Reference(1e13, worst)) == pytest.approx(len(cells))


def test_points_no_better_than_the_reference_add_nothing():
    corner = Reference(100, 0.5)
    assert hypervolume([100, 10, 1000], [0.9, 0.5, 0.9], Metric.ACCURACY, corner) == 0
    assert hypervolume([10, 10], [0.6, math.nan], Metric.ACCURACY, corner) == pytest.approx(0.1)


def test_knee_is_farthest_from_the_chord():
    # In decades the corner (2, 0.9) lies far above the chord from (1, 0) to (5, 1).
    assert knee([1e1, 1e2, 1e4, 1e5], [0.0, 0.9, 0.95, 1.0], Metric.AUC) == 1
    assert knee([1e1, 1e2, 1e4, 1e5], [1.0, 0.1, 0.05, 0.0], Metric.LOGLOSS) == 1
    assert knee([5.0], [0.1], Metric.AUC) == 0


def test_a_large_set_is_quick_and_right():
    random = np.random.default_rng(7)
    sizes, values = random.uniform(1e6, 1e9, 100_000), random.normal(size=100_000)
    mask = on_frontier(sizes, values, Metric.ACCURACY)
    best = np.maximum.accumulate(values[np.argsort(sizes)])
    assert mask.sum() == len(np.unique(best))
