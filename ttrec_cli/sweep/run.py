"""Run a sweep: what is finished stays, what is missing is trained, each result is stored at once."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ttrec_cli.config import LoadedSweep
from ttrec_cli.errors import ConfigError
from ttrec_cli.store import Status, read_rows
from ttrec_cli.sweep.claims import Claims
from ttrec_cli.sweep.dataset import Dataset, describe, materialise
from ttrec_cli.sweep.driver import Driver
from ttrec_cli.sweep.events import DataMade, Event, Observer, SweepEnded, SweepStarted, TrialFinished
from ttrec_cli.sweep.executor import Executor
from ttrec_cli.sweep.grid import Trial, expand
from ttrec_cli.sweep.interruption import Interruption
from ttrec_cli.sweep.results import Results, forget_checkpoint, merge_many
from ttrec_cli.sweep.rows import planned_columns

FINISHED = {Status.OK, Status.STOPPED}
UNFINISHED = {Status.INTERRUPTED}
DATA_CLAIM = "data"


@dataclass(frozen=True)
class Redo:
    """Which trials with a row to train again, beside interrupted ones: all that failed, or those of some keys."""

    failed: bool = False
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sweep:
    """A sweep ready to run: its trials, its folder and the rows that are there already, by key."""

    loaded: LoadedSweep
    directory: Path
    dataset: Dataset
    trials: tuple[Trial, ...]
    stored: Mapping[str, Mapping[str, Any]]
    problems: tuple[str, ...]

    def pending(self, redo: Redo = Redo()) -> tuple[Trial, ...]:
        """Trials to train now: those without a row, interrupted ones and those that `redo` asks for.

        Raises `ConfigError` for a key that no trial of the sweep has.
        """
        unknown = set(redo.keys) - {trial.key for trial in self.trials}
        if unknown:
            raise ConfigError(f"--rerun {min(unknown)}: no trial of this sweep has the key; --dry-run lists them")
        again = set(Status) - FINISHED if redo.failed else set(UNFINISHED)
        if self.loaded.config.search is None:  # what a search gave up is trained to its end without it
            again.add(Status.STOPPED)
        return tuple(
            trial
            for trial in self.trials
            if trial.key in redo.keys or trial.key not in self.stored or self.stored[trial.key]["status"] in again
        )

    def state(self, trial: Trial) -> str:
        """`pending` or the status of the trial's row."""
        return str(self.stored[trial.key]["status"]) if trial.key in self.stored else "pending"

    def planned(self, trial: Trial) -> dict[str, Any]:
        """Columns of a trial's row that are known before it is trained."""
        return planned_columns(trial, self.dataset, self.loaded.config.name, self.loaded.stand_in)


@dataclass
class Summary:
    """How a sweep ended: `ok` now, `skipped` because finished before or elsewhere, `failed` now or before, `left`."""

    total: int
    ok: int = 0
    skipped: int = 0
    failed: int = 0
    left: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def count(self, trial: Trial, row: Mapping[str, Any], now: bool) -> None:
        """Take note of a trial's row; `now` if this run trained it."""
        if row["status"] in UNFINISHED:
            self.left += 1
        elif row["status"] not in FINISHED:
            self.failed += 1
            self.failures.append(f"{trial.key} ({trial.label}): {row['status']}: {row['reason']}")
        elif now:
            self.ok += 1
        else:
            self.skipped += 1


def prepare(loaded: LoadedSweep, out: Path) -> Sweep:
    """Expand a sweep and look up what is finished in its own folder below `out`; nothing is written."""
    return prepare_in(loaded, out / folder_name(loaded.config.name))


def prepare_in(loaded: LoadedSweep, directory: Path) -> Sweep:
    """The same with a folder of one's own: sweeps on the same data that share one share its finished trials."""
    dataset = describe(loaded.config.data)
    rows, problems = read_rows(directory)
    stored = {row["key"]: row for row in rows}
    return Sweep(loaded, directory, dataset, expand(loaded.config, dataset), stored, problems)


def folder_name(name: str) -> str:
    """A sweep's name as a folder that cannot leave the results folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "sweep"


def run(
    sweep: Sweep,
    executor: Callable[[], Executor],
    observer: Observer,
    redo: Redo = Redo(),
    misfits: Mapping[str, str] = MappingProxyType({}),
) -> Summary:
    """Train what is pending and store each result as it comes.

    `misfits` are reasons, by key, why trials cannot fit into memory: recorded, not tried. On SIGINT or SIGTERM running
    trials are kept as checkpoints, then `KeyboardInterrupt` is raised. Raises `ConfigError` when the device is not to
    be had and `DataError` when the folder cannot be written.
    """
    started = time.monotonic()
    pending = sweep.pending(redo)
    summary = Summary(total=len(sweep.trials))
    pending_keys = {trial.key for trial in pending}
    for trial in sweep.trials:
        if trial.key not in pending_keys:
            summary.count(trial, sweep.stored[trial.key], now=False)
    if pending:
        _train(sweep, pending, executor, _counting(summary, observer), redo, misfits)
    merge_many(sweep.directory)
    summary.left = summary.total - summary.ok - summary.skipped - summary.failed
    summary.seconds = time.monotonic() - started
    return summary


def _train(
    sweep: Sweep,
    pending: Sequence[Trial],
    executor: Callable[[], Executor],
    observer: Observer,
    redo: Redo,
    misfits: Mapping[str, str],
) -> None:
    claims = Claims(sweep.directory)
    data_path = _make_data(sweep, claims, observer)
    again = frozenset(trial.trained_as for trial in pending if trial.key in redo.keys)
    results = Results(sweep, data_path, again)
    for name in again:  # asked for by name, so from the start
        forget_checkpoint(results.checkpoint(name))
    try:
        with Interruption() as interruption:
            with executor() as workers:
                observer(SweepStarted(tuple(pending), len(sweep.trials) - len(pending), workers.slots()))
                for trial in pending:
                    if trial.key in misfits:
                        observer(TrialFinished(trial, results.refuse(trial, misfits[trial.key])))
                able = [trial for trial in pending if trial.key not in misfits]
                if sweep.loaded.config.search is None:
                    left = Driver(results, workers, observer, interruption, claims).train(able)
                else:
                    from ttrec_cli.sweep.search import Search  # with all that judges a frontier

                    search = Search(results, sweep.loaded.config.search, observer)
                    left = search.train(Driver(results, workers, search, interruption, claims), able)
            observer(SweepEnded(left))
            if interruption.count:
                raise KeyboardInterrupt
    finally:
        claims.release_all()


def _counting(summary: Summary, observer: Observer) -> Observer:
    def observe(event: Event) -> None:
        if isinstance(event, TrialFinished):
            summary.count(event.trial, event.row, now=not event.elsewhere)
        observer(event)

    return observe


def _make_data(sweep: Sweep, claims: Claims, observer: Observer) -> Path:
    """The dataset's folder; of two sweeps that start at once one makes synthetic data, the other waits for it."""
    claims.take(DATA_CLAIM, wait=True)
    try:
        return materialise(sweep.loaded.config.data, sweep.directory, lambda rows: observer(DataMade(rows)))
    finally:
        claims.release(DATA_CLAIM)
