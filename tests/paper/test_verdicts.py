"""Verdicts and the rules that give them: every word for the right reason, and never a kinder one."""

import json
import math

import pytest

from ttrec_cli.paper.trends import Interval, contrast, difference, interval
from ttrec_cli.paper.verdict import (
    Claim,
    Spread,
    Verdict,
    as_control,
    equal,
    faster,
    no_better,
    overall,
    signed,
    small_beside,
)
from ttrec_cli.pareto.points import make_point

AGREES, DIFFERS, CANNOT = Verdict.AGREES, Verdict.DIFFERS, Verdict.CANNOT


def point(make_row, losses, **changes):
    return make_point([make_row(seed=seed, val_logloss=loss, **changes) for seed, loss in losses.items()])


def test_an_interval_is_students() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert found is not None
    assert found.mean == 2
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3), abs=1e-5)
    assert interval([]) is None
    assert interval([math.nan, 2.0]) == Interval(2.0, None, None, 1)


def test_differences_are_paired_by_seed(make_row) -> None:
    low = point(make_row, {0: 0.50, 1: 0.60, 2: 0.70}, rank=8)
    high = point(make_row, {0: 0.49, 1: 0.59, 2: 0.69, 5: 0.1}, rank=64)
    found = difference(high, low)
    assert found is not None
    assert found.mean == pytest.approx(-0.01)
    assert found.count == 3
    assert found.side == -1
    assert difference(high, None) is None
    doubled = contrast([(2, high), (-1, low), (-1, low)])
    assert doubled is not None
    assert doubled.mean == pytest.approx(-0.02)


@pytest.mark.parametrize(
    ("found", "control", "verdict"),
    [
        (Interval(-0.02, -0.03, -0.01, 3), None, AGREES),
        (Interval(0.02, 0.01, 0.03, 3), None, DIFFERS),
        (Interval(-0.02, -0.05, 0.01, 3), None, CANNOT),
        (Interval(-0.02, None, None, 1), None, CANNOT),
        (None, None, CANNOT),
        (Interval(-0.02, -0.03, -0.01, 3), Interval(-0.01, -0.02, -0.001, 3), AGREES),
        (Interval(-0.02, -0.03, -0.01, 3), Interval(-0.01, -0.02, 0.001, 3), CANNOT),
        (Interval(-0.02, -0.03, -0.01, 3), Interval(0.02, 0.01, 0.03, 3), CANNOT),
        (Interval(0.02, 0.01, 0.03, 3), Interval(-0.01, -0.02, -0.001, 3), DIFFERS),
    ],
)
def test_a_trend_counts_only_where_its_interval_and_its_control_say_so(found, control, verdict) -> None:
    claim = signed("log-loss falls", "falls", found, -1, control)
    assert claim.verdict == verdict
    assert bool(claim.why) == (verdict != AGREES)
    assert "exclude 0 below" in claim.rule


def test_no_difference_is_shown_by_a_narrow_interval_alone() -> None:
    yardstick = Interval(1.0, 0.9, 1.1, 3)
    assert small_beside("same", 0, Interval(0.01, -0.02, 0.04, 3), yardstick).verdict == AGREES
    assert small_beside("same", 0, Interval(0.01, -0.2, 0.2, 3), yardstick).verdict == CANNOT
    assert small_beside("same", 0, Interval(0.3, 0.2, 0.4, 3), yardstick).verdict == DIFFERS
    assert small_beside("same", 0, Interval(0.0, 0.0, 0.0, 3), Interval(0.1, -0.1, 0.3, 3)).verdict == CANNOT


def test_more_that_is_worse_gains_nothing() -> None:
    yardstick = Interval(-1.0, -1.1, -0.9, 3)
    assert no_better("more", 0, Interval(0.3, 0.2, 0.4, 3), None).verdict == AGREES
    assert no_better("more", 0, Interval(-0.01, -0.02, 0.0, 3), yardstick).verdict == AGREES
    assert no_better("more", 0, Interval(-0.3, -0.4, -0.2, 3), yardstick).verdict == DIFFERS
    assert no_better("more", 0, Interval(-0.3, -0.7, 0.1, 3), yardstick).verdict == CANNOT
    assert str(Interval(-0.00001, -0.5, 0.5, 3)) == "±0.0000 (−0.5000 … +0.5000)"


def test_times_that_overlap_tell_nothing() -> None:
    quick, slow, wide = Spread(1, 2, 3), Spread(4, 5, 6), Spread(2, 4, 8)
    assert faster("it", "2×", quick, slow).verdict == AGREES
    assert faster("it", "2×", slow, quick).verdict == DIFFERS
    assert faster("it", "2×", quick, wide).verdict == CANNOT
    assert faster("it", "2×", quick, slow).measured == "2.5×"


def test_arithmetic_is_equal_up_to_the_last_digit_printed() -> None:
    assert equal("ratio", 117, 117.36, 1).verdict == AGREES
    assert equal("ratio", 112, 117.36, 1).verdict == DIFFERS


def test_an_item_differs_if_a_claim_does_and_agrees_only_with_its_main_claim_and_controls() -> None:
    def claim(verdict: Verdict, name: str = "it") -> Claim:
        return Claim(name, 1, 1, verdict, "rule", "because")

    assert overall([claim(AGREES), claim(CANNOT)])[0] == AGREES
    assert overall([claim(CANNOT), claim(AGREES)])[0] == CANNOT
    assert overall([claim(AGREES), claim(DIFFERS, "late")]) == (DIFFERS, "late: because")
    assert overall([claim(AGREES), as_control(claim(DIFFERS))])[0] == CANNOT
    assert overall([claim(AGREES), as_control(claim(AGREES))])[0] == AGREES
    assert overall([])[0] == CANNOT


def test_verdicts_are_words_in_json() -> None:
    assert json.dumps([word.value for word in Verdict]) == '["agrees", "differs", "cannot be compared"]'
