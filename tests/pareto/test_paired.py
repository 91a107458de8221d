"""Student's t and paired differences, against tables and by coverage."""

import math

import numpy as np
import pytest

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.paired import paired_difference, training_effects
from ttrec_cli.pareto.points import make_point
from ttrec_cli.pareto.student_t import central_probability, t_quantile

TABLE = {1: 12.7062047364, 2: 4.30265272991, 3: 3.18244630528, 4: 2.7764451052, 9: 2.26215716274, 30: 2.04227245630}
"""Two-sided 95 % quantiles from published tables."""


@pytest.mark.parametrize(("degrees", "quantile"), TABLE.items())
def test_quantiles_agree_with_tables(degrees, quantile):
    assert t_quantile(0.95, degrees) == pytest.approx(quantile, rel=1e-9)


def test_quantile_at_infinity_is_the_normal_one():
    assert t_quantile(0.95, 100_000) == pytest.approx(1.959964, abs=1e-4)


@pytest.mark.parametrize("degrees", range(1, 12))
@pytest.mark.parametrize("probability", [0.01, 0.5, 0.9, 0.999])
def test_quantile_inverts_the_probability(degrees, probability):
    assert central_probability(t_quantile(probability, degrees), degrees) == pytest.approx(probability, abs=1e-12)


def test_one_degree_is_the_cauchy_distribution():
    assert central_probability(1.0, 1) == pytest.approx(0.5)
    assert central_probability(2.0, 2) == pytest.approx(2 / math.sqrt(6))  # t / sqrt(2 + t²)


@pytest.mark.parametrize(("probability", "degrees"), [(0.95, 0), (0.0, 3), (1.0, 3)])
def test_quantiles_that_cannot_be_are_refused(probability, degrees):
    with pytest.raises(ValueError, match="degrees >= 1"):
        t_quantile(probability, degrees)


@pytest.fixture
def point(make_row):
    def build(accuracies, **changes):
        return make_point([make_row(seed=seed, val_accuracy=value, **changes) for seed, value in accuracies.items()])

    return build


def test_difference_by_hand(point):
    gap = paired_difference(point({0: 0.5, 1: 0.7, 2: 0.6}), point({0: 0.4, 1: 0.5, 2: 0.3}), "val_accuracy")
    # Differences 0.1, 0.2, 0.3: mean 0.2, deviation 0.1, reach 4.3027 · 0.1 / sqrt(3).
    assert gap.mean == pytest.approx(0.2)
    assert gap.high - gap.mean == pytest.approx(0.2484138, abs=1e-6)
    assert gap.mean - gap.low == pytest.approx(0.2484138, abs=1e-6)
    assert not gap.is_clear


def test_only_common_seeds_count(point):
    gap = paired_difference(point({0: 0.5, 1: 0.9}), point({1: 0.8, 2: 0.1}), "val_accuracy")
    assert gap.seeds == (1,)
    assert gap.mean == pytest.approx(0.1)
    assert paired_difference(point({0: 0.5}), point({1: 0.5}), "val_accuracy") is None


def test_a_single_seed_has_no_interval(point):
    gap = paired_difference(point({3: 0.5}), point({3: 0.4}), "val_accuracy")
    assert (gap.low, gap.high) == (None, None)
    assert not gap.has_interval
    assert not gap.is_clear


def test_a_missing_score_is_left_out(point):
    gap = paired_difference(point({0: 0.5, 1: None}), point({0: 0.4, 1: 0.4}), "val_accuracy")
    assert gap.seeds == (0,)


def test_the_interval_covers_the_truth_in_95_of_100(point):
    random = np.random.default_rng(11)
    hits, rounds = 0, 1500
    for _ in range(rounds):
        # A shared seed effect ten times the noise: pairing must remove it.
        shared = random.normal(0, 0.1, 3)
        ours, theirs = (dict(enumerate(shared + offset + random.normal(0, 0.01, 3))) for offset in (0.02, 0.0))
        gap = paired_difference(point(ours), point(theirs), "val_accuracy")
        hits += gap.low <= 0.02 <= gap.high
    assert hits / rounds == pytest.approx(0.95, abs=0.02)


def test_trained_is_compared_with_frozen_at_the_same_plan(point):
    trained = point({0: 0.7, 1: 0.72})
    frozen = point({0: 0.6, 1: 0.61}, method="tt-frozen")
    elsewhere = point({0: 0.1, 1: 0.1}, method="tt-frozen", rank=8)
    other_settings = point({0: 0.1, 1: 0.1}, method="tt-frozen", settings='{"init": 1}')
    alone = point({0: 0.9, 1: 0.9}, rank=64)
    (effect,) = training_effects([elsewhere, trained, other_settings, frozen, alone])
    assert (effect.trained, effect.frozen) == (trained, frozen)
    assert effect.differences[Metric.ACCURACY].mean == pytest.approx(0.105)
    assert set(effect.differences) == set(Metric)
