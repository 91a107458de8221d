"""The driver's loop: gives trials to the executor, stores what comes back, keeps time, ends in good order."""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ttrec_cli.store import Status
from ttrec_cli.store.provenance import now
from ttrec_cli.sweep.claims import Claims
from ttrec_cli.sweep.events import (
    Note,
    Observer,
    TrialFinished,
    TrialPaused,
    TrialProgress,
    TrialStarted,
    WorkerReady,
)
from ttrec_cli.sweep.executor import Executor
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.interruption import Interruption
from ttrec_cli.sweep.messages import PAUSED, Machine, Outcome, Report, Started, Step, Task
from ttrec_cli.sweep.results import Results
from ttrec_cli.sweep.training_groups import Allowance, Group, finished_elsewhere, group_trials

POLL_SECONDS = 0.2
CHECKPOINT_GRACE_SECONDS = 60.0
"""What a worker has to end after it was asked to; then it is killed. A checkpoint is gigabytes for a large model."""
TIMEOUT_GRACE_SECONDS = 5.0
"""The same after a timeout: it may hang, and then no patience helps."""
ELSEWHERE_SECONDS = 1.0


@dataclass
class Running:
    """A group whose training runs; `ending` is why it was told to end, `kill_at` when patience does."""

    group: Group
    task: Task
    started_at: str
    began: float = float("inf")
    """When the worker took it up; before that its start is no time of the trial."""
    ending: Outcome | None = None
    kill_at: float = float("inf")


class Driver:
    """Trains groups of trials. The only one that writes rows; one thread; ends within seconds of being asked to."""

    def __init__(
        self,
        results: Results,
        executor: Executor,
        observer: Observer,
        interruption: Interruption,
        claims: Claims,
    ) -> None:
        self.paused: dict[str, Outcome] = {}
        """Outcomes of trainings that stopped where `train` said, by `trained_as`."""
        budget = results.sweep.loaded.config.budget
        self._results = results
        self._executor = executor
        self._observer = observer
        self._interruption = interruption
        self._claims = claims
        self._timeout = budget.trial_timeout
        self._deadline = time.monotonic() + budget.wall_time if budget.wall_time else float("inf")
        self._allowance = Allowance(budget)
        self._running: dict[str, Running] = {}
        self._waiting: deque[Group] = deque()
        self._elsewhere: list[Group] = []
        self._look_again = 0.0
        self._told_elsewhere = False
        self._closing = False

    def train(self, trials: Iterable[Trial], until: int | None = None) -> int:
        """Train trials, each to its end or to `until` samples; how many were left to a later run.

        Trials that another sweep trains at the same time are waited for. Raises `DataError` when results cannot be
        written and `ConfigError` when there is no such device.
        """
        self._waiting = deque(group_trials(trials))
        self._elsewhere = []
        left = 0
        while self._waiting or self._running or self._elsewhere:
            left += self._fill(until)
            for report in self._executor.poll(POLL_SECONDS if self._running else ELSEWHERE_SECONDS / 4):
                self._handle(report)
            self._keep_time()
        return left

    def _fill(self, until: int | None) -> int:
        """Start what there is room for; how many trials were given up for want of budget or time."""
        if self._closing:
            left = sum(len(group) for group in (*self._waiting, *self._elsewhere))
            self._waiting.clear()
            self._elsewhere.clear()
            return left
        if self._elsewhere and not self._waiting and time.monotonic() >= self._look_again:
            self._waiting.extend(self._elsewhere)
            self._elsewhere.clear()
            self._look_again = time.monotonic() + ELSEWHERE_SECONDS
        left = 0
        while self._waiting and len(self._running) < self._executor.slots():
            left += self._begin(self._waiting.popleft(), until)
        return left

    def _begin(self, group: Group, until: int | None) -> int:
        """Start a group's training unless it is done, or claimed, elsewhere; trials given up for want of budget."""
        name = group[0].trained_as
        if not self._claims.take(name):
            self._wait_for(group)
            return 0
        open_trials = self._without_finished(group)
        if not open_trials:
            self._claims.release(name)
            return 0
        trained = self._results.trained(name)
        if trained is not None:
            for trial in open_trials:
                self._finish(trial, self._results.share(trial, trained), shared=True)
            self._claims.release(name)
            return 0
        task = self._results.task(open_trials[0], until)
        if not self._allowance.take(task.trial, task.end):
            self._claims.release(name)
            return len(open_trials)
        self._running[name] = Running(open_trials, task, now())
        self._executor.start(task)
        return 0

    def _wait_for(self, group: Group) -> None:
        self._elsewhere.append(group)
        if not self._told_elsewhere:
            self._told_elsewhere = True
            holder = self._claims.holder(group[0].trained_as) or "another process"
            self._observer(Note(f"another sweep trains here ({holder}): no trial is trained twice"))

    def _without_finished(self, group: Group) -> Group:
        """The trials of a group that nobody finished since the sweep was prepared."""
        left = []
        for trial in group:
            row = self._results.now(trial)
            before = self._results.rows.get(trial.key)
            if row is not None and finished_elsewhere(before, row, (Status.INTERRUPTED,)):
                self._results.learn(trial, row)
                self._observer(TrialFinished(trial, row, elsewhere=True))
            else:
                left.append(trial)
        return tuple(left)

    def _handle(self, report: Report) -> None:
        content = report.content
        if isinstance(content, Machine):
            self._observer(WorkerReady(report.worker, content))
            return
        running = self._running.get(report.name)
        if running is None:  # told by a task that has ended since
            return
        trial = running.task.trial
        if isinstance(content, Started):
            running.began = time.monotonic()
            self._observer(TrialStarted(trial, report.worker, running.task.end))
        elif isinstance(content, Step):
            self._observer(TrialProgress(trial, report.worker, content.samples, content.loss))
        else:
            del self._running[report.name]
            self._end(replace_ending(running, content), report.machine, content)

    def _end(self, running: Running, machine: Machine, content: Outcome) -> None:
        first, *others = running.group
        outcome = running.ending or content
        if outcome.status == PAUSED:
            self.paused[first.trained_as] = outcome
            for trial in running.group:
                self._observer(TrialPaused(trial, running.task.end, outcome.columns))
        else:
            row = self._results.store(first, outcome, machine, running.started_at, running.task)
            self._finish(first, row)
            for trial in others:
                self._finish(trial, self._results.share(trial, row), shared=True)
        self._claims.release(first.trained_as)

    def _finish(self, trial: Trial, row: Mapping[str, Any], shared: bool = False) -> None:
        self._observer(TrialFinished(trial, row, shared))

    def _keep_time(self) -> None:
        """End what takes too long, or all when the time is up or somebody interrupts."""
        clock = time.monotonic()
        if not self._closing and self._interruption.count:
            self._close("interrupted", "saving checkpoints; interrupt again to end at once")
        if not self._closing and clock >= self._deadline:
            self._close("the sweep's wall time ended", "the wall time of the budget is used up; saving checkpoints")
        for name, running in self._running.items():
            if running.ending is None and self._timeout is not None and clock - running.began > self._timeout:
                self._ask_to_end(
                    name, Outcome(Status.TIMEOUT, f"took longer than {self._timeout:g} s"), TIMEOUT_GRACE_SECONDS
                )
            if clock >= running.kill_at or self._interruption.count > 1:
                self._executor.kill(name)

    def _close(self, reason: str, note: str) -> None:
        self._closing = True
        if self._running:
            self._observer(Note(note))
        for name, running in self._running.items():
            if running.ending is None:
                self._ask_to_end(name, Outcome(Status.INTERRUPTED, reason), CHECKPOINT_GRACE_SECONDS)

    def _ask_to_end(self, name: str, ending: Outcome, grace_seconds: float) -> None:
        self._running[name].ending = ending
        self._running[name].kill_at = time.monotonic() + grace_seconds
        self._executor.interrupt(name)


def replace_ending(running: Running, content: Outcome) -> Running:
    """Why a training ended: as it says when it came to an end of its own, else as it was told."""
    if running.ending is None or content.status in (Status.OK, Status.DIVERGED, PAUSED):
        return replace(running, ending=None)
    kept = content.reason if content.status == Status.INTERRUPTED else "ended before a checkpoint was saved"
    ending = replace(running.ending, reason=f"{running.ending.reason}; {kept}", log=content.log)
    return replace(running, ending=ending)
