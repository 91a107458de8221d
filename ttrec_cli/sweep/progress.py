"""How far a running sweep has come: counts, running trials, time left, the frontier so far. Fed by its events."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ttrec_cli.config.models import SweepConfig
from ttrec_cli.store import Status
from ttrec_cli.sweep.events import Event, SweepStarted, TrialFinished, TrialPaused, TrialProgress, TrialStarted
from ttrec_cli.sweep.frontier_so_far import FrontierPoint, FrontierSoFar
from ttrec_cli.sweep.grid import Trial


@dataclass
class RunningTrial:
    """A trial that trains now; times are of the clock the progress was given, in seconds."""

    trial: Trial
    began: float
    began_samples: int | None = None
    seen: float = 0.0
    samples: int = 0
    loss: float | None = None

    @property
    def samples_per_second(self) -> float | None:
        """Mean since it began here, evaluations included; none before there is anything to measure."""
        if self.began_samples is None or self.seen <= self.began:
            return None
        return (self.samples - self.began_samples) / (self.seen - self.began) or None


class SweepProgress:
    """An observer that keeps the state of a sweep; `stored` are the rows that were there before, by key."""

    def __init__(
        self,
        config: SweepConfig,
        trials: tuple[Trial, ...],
        stored: Mapping[str, Mapping[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._started = clock()
        self._trials = {trial.key: trial for trial in trials}
        self._states = {key: str(stored[key]["status"]) for key in self._trials if key in stored}
        self._trained: dict[str, int] = {}
        self._running: dict[str, RunningTrial] = {}
        self._paused: dict[str, int] = {}
        self._frontier = FrontierSoFar(config.objectives)
        for key, state in self._states.items():
            if state == Status.OK:
                self._frontier.add(stored[key])

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, SweepStarted):
            self._started = self._clock()
            for trial in event.pending:
                self._states.pop(trial.key, None)
        elif isinstance(event, TrialStarted):
            self._paused.pop(event.trial.key, None)
            self._running[event.trial.key] = RunningTrial(event.trial, self._clock())
        elif isinstance(event, TrialProgress):
            self._step(event)
        elif isinstance(event, TrialPaused):
            self._end(event.trial.key, event.samples)
            self._paused[event.trial.key] = event.samples
        elif isinstance(event, TrialFinished):
            self._end(event.trial.key)
            self._paused.pop(event.trial.key, None)
            self._states[event.trial.key] = str(event.row["status"])
            if event.row["status"] == Status.OK:
                self._frontier.add(event.row)

    @property
    def total(self) -> int:
        """Trials of the sweep, finished before or not."""
        return len(self._trials)

    @property
    def done(self) -> int:
        """Trials that ended as they should, now or before."""
        return sum(state in (Status.OK, Status.STOPPED) for state in self._states.values())

    @property
    def failed(self) -> int:
        """Trials that ended otherwise."""
        ended = (Status.OK, Status.STOPPED, Status.INTERRUPTED)
        return sum(state not in ended for state in self._states.values())

    @property
    def running(self) -> tuple[RunningTrial, ...]:
        """Trials that train now, in the order they began."""
        return tuple(self._running.values())

    @property
    def pending(self) -> int:
        """Trials that wait, of which this run has trained nothing."""
        return self.total - self.done - self.failed - len(self._running) - self.paused

    @property
    def paused(self) -> int:
        """Trials that a search has trained to a rung: kept as checkpoints until it decides, or until their turn."""
        return len(self._paused)

    @property
    def frontier(self) -> tuple[FrontierPoint, ...]:
        """The best finished points, smallest model first."""
        return self._frontier.points()

    @property
    def samples(self) -> tuple[int, int]:
        """Samples trained in this run, and those that remain; of trials that share a plan one trains for all."""
        trained = sum(self._trained.values())
        open_trials = {trial.trained_as: trial for key, trial in self._trials.items() if self._states.get(key) in _OPEN}
        now = {self._trials[key].trained_as: samples for key, samples in self._paused.items()}
        now |= {run.trial.trained_as: run.samples for run in self._running.values()}
        left = sum(max(0, trial.train_samples - now.get(name, 0)) for name, trial in open_trials.items())
        return trained, left

    @property
    def eta_seconds(self) -> float | None:
        """Time left at the pace of this run so far; none before there is a pace."""
        trained, left = self.samples
        elapsed = self._clock() - self._started
        if left == 0:
            return 0.0
        return elapsed * left / trained if trained and elapsed > 0 else None

    def _step(self, event: TrialProgress) -> None:
        running = self._running.setdefault(event.trial.key, RunningTrial(event.trial, self._clock()))
        if running.began_samples is None:  # one that goes on from a checkpoint does not begin at 0
            running.began_samples, running.began = event.samples, self._clock()
        self._trained[event.trial.key] = self._trained.get(event.trial.key, 0) + max(
            0, event.samples - (running.samples or running.began_samples)
        )
        running.samples, running.seen = event.samples, self._clock()
        running.loss = event.loss if math.isfinite(event.loss) else None

    def _end(self, key: str, samples: int | None = None) -> None:
        """A trial runs no longer, at its end or at so many samples."""
        run = self._running.pop(key, None)
        if run is not None and run.began_samples is None:
            # Too short for a single report: what it trained counts all the same.
            self._trained[key] = self._trained.get(key, 0) + (samples or run.trial.train_samples)


_OPEN = (None, str(Status.INTERRUPTED))
