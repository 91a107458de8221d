"""Turns are really taken in turns, slow cases too, and times are those of the calls."""

import itertools
import time

import pytest
import torch

from ttrec_cli.bench.timing import LEAST_SAMPLES, Case, take_turns

CPU = torch.device("cpu")


def test_cases_take_turns_and_every_call_is_a_sample() -> None:
    seen: list[str] = []
    done: list[float] = []

    def case(name: str, seconds: float) -> Case:
        def run(number: int) -> None:
            seen.append(name)
            time.sleep(seconds)

        return Case(name, "forward", run)

    quick, slow = take_turns([case("quick", 0.001), case("slow", 0.02)], 0.1, CPU, done.append)
    assert len(slow.milliseconds) == LEAST_SAMPLES
    assert len(quick.milliseconds) >= 20
    assert 1 <= quick.median_ms < 10
    assert 20 <= slow.median_ms < 60
    assert quick.percentile(20) <= quick.median_ms <= quick.percentile(80) <= quick.percentile(99)
    assert sum(done) == pytest.approx(1)
    timed = seen[seen.index("slow") :]
    changes = sum(a != b for a, b in itertools.pairwise(timed))
    assert changes >= 2 * LEAST_SAMPLES - 2, "one after the other instead of in turns"


def test_calls_go_through_the_batches() -> None:
    numbers: list[int] = []
    take_turns([Case("a", "forward", numbers.append)], 0.01, CPU)
    timed = numbers[numbers.index(0, 1) :]
    assert timed == list(range(len(timed)))
