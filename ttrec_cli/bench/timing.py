"""Times of several cases, taken in turns so that whatever drifts on the machine meets all of them alike."""

import gc
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

ROUNDS = 24
"""Turns of a case that is quick enough; between two of its turns every other case has one."""

LEAST_SAMPLES = 7
MOST_CALLS_A_TURN = 200
WARM_UP_SECONDS = 0.2
"""And at least two calls, of which the first may compile."""


@dataclass(frozen=True)
class Work:
    """What one call must do: floating-point operations, and bytes read or written at least once."""

    flops: float = 0.0
    bytes: float = 0.0


@dataclass(frozen=True)
class Case:
    """Something to time. `run(i)` is call number i, so that calls can go through several batches.

    `weight_bytes`: what it holds between calls. `labels`: more columns of its record, such as a hit rate.
    """

    name: str
    phase: str
    run: Callable[[int], object]
    work: Work = Work()
    weight_bytes: int = 0
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """Milliseconds of a case's calls, in the order they were made."""

    case: Case
    milliseconds: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """Milliseconds that so many percent of the calls do not exceed."""
        return float(np.percentile(self.milliseconds, percent))

    @property
    def median_ms(self) -> float:
        """The middle one."""
        return self.percentile(50)


def take_turns(
    cases: Sequence[Case], seconds: float, device: torch.device, on_turn: Callable[[float], None] = lambda _: None
) -> tuple[Timing, ...]:
    """Time every case for about `seconds`, in turns; at least seven calls each, warm-up not counted.

    On a GPU a call's time is what its device spends, events around it; on a CPU the wall clock. `on_turn` is told the
    share of the whole that is done. The collector of cycles is off while calls are timed.
    """
    spent = [_warm_up(case, device, min(seconds, WARM_UP_SECONDS)) for case in cases]
    turns = [_turns(seconds, each) for each in spent]
    calls = [max(1, min(MOST_CALLS_A_TURN, int(seconds / ROUNDS / each))) for each in spent]
    samples: list[list[float]] = [[] for _ in cases]
    numbers = [0 for _ in cases]
    rounds = max(turns)
    for turn in range(rounds):
        for at, case in enumerate(cases):
            # A slow case has fewer turns, spread over the whole time like those of the others.
            if (turn + 1) * turns[at] // rounds > turn * turns[at] // rounds:
                samples[at] += _one_turn(case, numbers[at], calls[at], device)
                numbers[at] += calls[at] + 1
        on_turn(1 / rounds)
    return tuple(Timing(case, tuple(found)) for case, found in zip(cases, samples, strict=True))


def _turns(seconds: float, call_seconds: float) -> int:
    return max(LEAST_SAMPLES, min(ROUNDS, int(seconds / call_seconds)))


def _warm_up(case: Case, device: torch.device, seconds: float) -> float:
    """Seconds of a call once compilers and caches have seen it: the quickest after the first in about `seconds`."""
    started, taken = time.perf_counter(), list[float]()
    while len(taken) < 2 or time.perf_counter() - started < seconds:
        before = time.perf_counter()
        case.run(len(taken))
        synchronize(device)
        taken.append(time.perf_counter() - before)
    return max(min(taken[1:]), 1e-9)


def _one_turn(case: Case, number: int, calls: int, device: torch.device) -> list[float]:
    """Milliseconds of `calls` calls after one that is not counted: another case has had the caches."""
    with _collector_off():
        if calls > 1:
            case.run(number)
            synchronize(device)
        if device.type == "cuda":
            return _device_times(case, number + 1, calls, device)
        found = []
        for call in range(number + 1, number + 1 + calls):
            before = time.perf_counter_ns()
            case.run(call)
            found.append((time.perf_counter_ns() - before) / 1e6)
        return found


def _device_times(case: Case, number: int, calls: int, device: torch.device) -> list[float]:
    # Events lie in the stream between the calls: nothing waits for the host until the last one is through.
    events = [torch.cuda.Event(enable_timing=True) for _ in range(calls + 1)]  # type: ignore[no-untyped-call]
    events[0].record()
    for call in range(calls):
        case.run(number + call)
        events[call + 1].record()
    synchronize(device)
    return [before.elapsed_time(after) for before, after in itertools.pairwise(events)]


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def _collector_off() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
