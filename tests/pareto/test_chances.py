"""How sure a place on the frontier is: certain cases, ties, and how the draws lean on points of similar size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.chances import frontier_probability
from ttrec_cli.pareto.frontier import on_frontier
from ttrec_cli.pareto.posterior import fit


def noisy(truth: np.ndarray, noise: float, seeds: int = 5) -> np.ndarray:
    random = np.random.default_rng(11)
    return truth[:, None] + random.normal(0, 0.01, seeds) + random.normal(0, noise, (len(truth), seeds))


def test_a_single_seed_has_no_chances_and_no_points_have_none():
    assert frontier_probability([1.0], np.array([[0.5]]), Metric.AUC) is None
    assert frontier_probability([], np.zeros((0, 3)), Metric.AUC).shape == (0,)
    assert frontier_probability([1.0], np.array([[0.5, 0.6]]), Metric.AUC).tolist() == [1.0]


@pytest.mark.parametrize("metric", list(Metric))
def test_without_noise_the_chances_are_the_frontier(metric):
    # What a seed does to all points alike is no noise.
    scores = np.array([0.5, 0.7, 0.6, 0.7, 0.8])[:, None] + np.array([0.0, 0.25, -0.125])
    sizes = [1.0, 2.0, 2.0, 3.0, 4.0]
    expected = on_frontier(sizes, scores.mean(axis=1), metric)
    assert frontier_probability(sizes, scores, metric).tolist() == expected.tolist()


@pytest.mark.parametrize("points", [2, 3, 5, 9])
def test_the_smallest_is_always_on_the_frontier_and_clear_cases_are_clear(points):
    truth = np.linspace(0.7, 0.8, points)
    truth[-1] = 0.65
    chances = frontier_probability(np.geomspace(1e6, 1e9, points), noisy(truth, 0.0005), Metric.ACCURACY)
    assert chances[0] == 1
    assert (chances[:-1] > 0.95).all()
    assert chances[-1] < 0.05


def test_points_that_share_their_trials_stay_together():
    scores = noisy(np.array([0.7, 0.7003, 0.7003, 0.7004]), 0.0005)
    scores[2] = scores[1]
    chances = frontier_probability([1e6, 1e7, 1e7, 1e8], scores, Metric.ACCURACY)
    assert chances[1] == chances[2]
    assert 0 < chances[1] < 1
    apart = frontier_probability([1e6, 1e7, 1e8], scores[[0, 1, 3]], Metric.ACCURACY)
    assert chances[[0, 1, 3]] == pytest.approx(apart)  # a copy is no further evidence


def test_a_third_objective_that_never_differs_changes_nothing():
    scores = noisy(np.array([0.7, 0.7004, 0.7002, 0.7008]), 0.0005)
    both = [frontier_probability([1.0, 2.0, 3.0, 4.0], scores, Metric.AUC, third) for third in (None, np.ones((4, 5)))]
    assert both[0] == pytest.approx(both[1])
    quick = np.array([[4.0], [3.0], [2.0], [1.0]]) + np.zeros(5)
    assert (frontier_probability([1.0, 2.0, 3.0, 4.0], scores, Metric.AUC, quick) == 1).all()


def test_a_metric_turned_round_has_the_same_chances():
    scores = noisy(np.linspace(0.7, 0.701, 12), 0.0005)
    sizes = np.geomspace(1e6, 1e9, 12)
    found = [frontier_probability(sizes, s, m) for s, m in ((scores, Metric.AUC), (-scores, Metric.LOGLOSS))]
    assert np.abs(found[0] - found[1]).max() == 0


def test_means_lean_on_the_trend_by_as_much_as_they_are_noisy():
    random = np.random.default_rng(2)
    sizes = np.geomspace(1e6, 1e9, 60)
    truth = 0.78 + 0.001 * np.log10(sizes)
    scores = noisy(truth, 0.002)
    scores[30] -= 0.1  # far off the trend: stays where it is
    drawn = fit(sizes, scores).draw(random, 2000).mean(axis=0)
    truth = truth + (scores.mean() + 0.1 / 60 - truth.mean())
    others = np.arange(60) != 30
    missed = np.abs(drawn - truth)[others].mean(), np.abs(scores.mean(axis=1) - truth)[others].mean()
    assert missed[0] < missed[1] / 2
    assert drawn[30] == pytest.approx(scores[30].mean(), abs=0.002)


def test_many_points_are_told_apart():
    random = np.random.default_rng(3)
    sizes = random.uniform(1e6, 1e9, 4000)
    truth = 0.01 * np.log10(sizes) + random.normal(0, 0.01, 4000)
    chances = frontier_probability(sizes, noisy(truth, 0.002), Metric.ACCURACY)
    real = on_frontier(sizes, truth, Metric.ACCURACY)
    assert chances[real].mean() > 0.5
    assert chances[~real].mean() < 0.01


@given(
    sizes=st.lists(st.sampled_from([1e3, 1e6, 1.000001e6, 1e9, 1e12]), min_size=2, max_size=12),
    scale=st.sampled_from([1e-11, 1e-6, 1.0]),
    data=st.data(),
)
@settings(deadline=None, max_examples=40)
def test_whatever_the_scores_chances_are_chances(sizes, scale, data):
    values = st.lists(st.integers(-5, 5), min_size=2 * len(sizes), max_size=2 * len(sizes))
    scores = np.array(data.draw(values)).reshape(len(sizes), 2)
    table = 0.5 * (scores[:, :1] > 0) + scale * scores
    found = frontier_probability(sizes, table, Metric.LOGLOSS)
    assert ((found >= 0) & (found <= 1)).all()
    assert found.max() > 0
