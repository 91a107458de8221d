"""Seeds drawn again: exact draws, intervals and bands."""

import math

import numpy as np
import pytest

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.attainment import attainment_band
from ttrec_cli.pareto.resampling import bootstrap_interval, resampling


@pytest.mark.parametrize("seeds", [2, 3, 5, 6, 9])
def test_draws_are_means_over_as_many_seeds(seeds):
    draws = resampling(seeds)
    assert draws.probabilities.sum() == pytest.approx(1)
    assert (draws.counts.sum(axis=1) == seeds).all()
    if seeds <= 6:
        assert len(draws.counts) == math.comb(2 * seeds - 1, seeds)
        assert np.allclose(draws.probabilities @ draws.counts, 1)


def test_a_single_seed_has_no_interval_and_no_band():
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
