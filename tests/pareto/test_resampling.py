"""Seeds drawn again: exact draws, intervals, chances, and how well calibrated they are."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.attainment import attainment_band
from ttrec_cli.pareto.frontier import on_frontier
from ttrec_cli.pareto.resampling import bootstrap_interval, frontier_probability, resampling

SCORES = st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=1, max_size=6)


@pytest.mark.parametrize("seeds", [2, 3, 5, 6, 9])
def test_draws_are_means_over_as_many_seeds(seeds):
    draws = resampling(seeds)
    assert draws.probabilities.sum() == pytest.approx(1)
    assert (draws.counts.sum(axis=1) == seeds).all()
    if seeds <= 6:
        assert len(draws.counts) == math.comb(2 * seeds - 1, seeds)
        assert np.allclose(draws.probabilities @ draws.counts, 1)


@given(scores=SCORES, sizes=st.lists(st.integers(1, 4), min_size=6, max_size=6), metric=st.sampled_from(list(Metric)))
@settings(deadline=None, max_examples=40)
def test_chances_by_listing_all_27_draws(scores, sizes, metric):
    sizes = [float(size) for size in sizes[: len(scores)]]
    table = np.array(scores, dtype=float)
    expected = np.zeros(len(scores))
    for draw in itertools.product(range(3), repeat=3):
        expected += on_frontier(sizes, table[:, draw].sum(axis=1), metric) / 27
    assert frontier_probability(sizes, table, metric) == pytest.approx(expected)


@given(scores=SCORES)
@settings(deadline=None, max_examples=20)
def test_a_third_objective_that_never_differs_changes_nothing(scores):
    table = np.array(scores, dtype=float)
    sizes = [float(at % 3) + 1 for at in range(len(scores))]
    both = [frontier_probability(sizes, table, Metric.AUC, third) for third in (None, np.ones_like(table))]
    assert both[0] == pytest.approx(both[1])


def test_a_single_seed_has_no_chances_no_interval_and_no_band():
    assert frontier_probability([1.0], np.array([[0.5]]), Metric.AUC) is None
    assert bootstrap_interval([0.5]) is None
    assert attainment_band([1.0], np.array([[0.5]]), Metric.AUC) is None


def test_the_interval_of_two_values_by_hand():
    # Means 0, 1/2 and 1 with probabilities 1/4, 1/2 and 1/4.
    assert bootstrap_interval([0.0, 1.0]) == (0.0, 1.0)
    low, high = bootstrap_interval([0.1, 0.2, 0.3, 0.4, 0.5])
    assert 0.1 < low < 0.3 < high < 0.5
    assert bootstrap_interval([0.3] * 4) == pytest.approx((0.3, 0.3))


def test_the_band_lies_between_what_few_and_most_seeds_reach():
    scores = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])
    band = attainment_band([10.0, 20.0], scores, Metric.AUC)
    assert band.likely == ((10.0, 0.2), (20.0, 0.6))
    assert band.lucky == ((10.0, 0.4), (20.0, 0.8))
    assert attainment_band([10.0, 20.0], -scores, Metric.LOGLOSS).likely == ((10.0, -0.2), (20.0, -0.6))


def planted() -> tuple[np.ndarray, np.ndarray]:
    """Sizes and true accuracies of the Kaggle grid: rank helps, compressing tables costs, a larger dim helps."""
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


@pytest.mark.parametrize("noise", [0.0001, 0.0003])
def test_chances_are_calibrated_where_the_truth_is_planted(noise):
    # 200 sweeps of 36 points over 5 seeds; what a seed does to all points is ten or three times the noise.
    random = np.random.default_rng(5)
    sizes, truth = planted()
    real = on_frontier(sizes, truth, Metric.ACCURACY)
    chances = []
    for _ in range(200):
        scores = truth[:, None] + random.normal(0, 0.001, 5) + random.normal(0, noise, (36, 5))
        chances.append(frontier_probability(sizes, scores, Metric.ACCURACY))
    found, right = np.concatenate(chances), np.tile(real, 200)
    bins = np.minimum((10 * found).astype(int), 9)
    error = sum(abs(found[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))
    assert error <= 0.1


def test_many_points_are_quick_enough_to_count():
    random = np.random.default_rng(3)
    sizes, scores = random.uniform(1e6, 1e9, 4000), random.normal(size=(4000, 5))
    chances = frontier_probability(sizes, scores, Metric.ACCURACY)
    means = on_frontier(sizes, scores.mean(axis=1), Metric.ACCURACY)
    assert chances[means].mean() > 10 * chances[~means].mean()
