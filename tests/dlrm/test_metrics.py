"""Metrics against their definitions: pairs counted one by one, sums written out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.dlrm.metrics import area_under_curve, click_metrics


def auc_by_pairs(scores, labels) -> float:
    wins = [
        1.0 if p > n else 0.5 if p == n else 0.0
        for p, yp in zip(scores, labels, strict=True)
        if yp
        for n, yn in zip(scores, labels, strict=True)
        if not yn
    ]
    return sum(wins) / len(wins)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
def test_auc_counts_pairs_and_ties(samples) -> None:
    scores = np.array([score for score, _ in samples], dtype=np.float32)
    labels = np.array([label for _, label in samples], dtype=np.uint8)
    if labels.all() or not labels.any():
        assert math.isnan(area_under_curve(scores, labels))
    else:
        assert area_under_curve(scores, labels) == pytest.approx(auc_by_pairs(scores, labels), abs=1e-12)


def test_auc_is_exact_on_a_large_set_of_ties() -> None:
    scores = np.zeros(200_001)
    labels = np.zeros(200_001, dtype=np.uint8)
    labels[:7] = 1
    assert area_under_curve(scores, labels) == 0.5


def test_logloss_accuracy_and_entropy_by_hand() -> None:
    logits = np.array([0.0, 2.0, -1.0, 50.0], dtype=np.float32)
    labels = np.array([1, 1, 1, 0], dtype=np.uint8)
    sigmoid = [1 / (1 + math.exp(-z)) for z in (0.0, 2.0, -1.0)]
    loss = (-math.log(sigmoid[0]) - math.log(sigmoid[1]) - math.log(sigmoid[2]) + 50.0) / 4
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    found = click_metrics(logits, labels)
    assert found.accuracy == 0.25  # p = 0.5 rounds to no click
    assert found.logloss == pytest.approx(loss, rel=1e-6)
    assert found.ne == pytest.approx(loss / entropy, rel=1e-6)


def test_predicting_the_mean_has_normalised_entropy_one() -> None:
    labels = np.array([1, 0, 0, 0], dtype=np.uint8)
    logits = np.full(4, math.log(0.25 / 0.75))
    assert click_metrics(logits, labels).ne == pytest.approx(1.0, rel=1e-9)
