"""Run a sweep: what is finished stays, what is missing is trained, each result is stored at once."""

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from ttrec_cli.config import LoadedSweep
from ttrec_cli.errors import DataError
from ttrec_cli.store import Status, compact, read_with_problems, write_curve, write_trial
from ttrec_cli.store.provenance import now
from ttrec_cli.sweep.dataset import Dataset, describe, materialise
from ttrec_cli.sweep.grid import Trial, expand
from ttrec_cli.sweep.local_worker import LocalWorker
from ttrec_cli.sweep.messages import Machine, Outcome, Step, Task
from ttrec_cli.sweep.rows import planned_columns, result_row, shared_row

UNFINISHED = {Status.INTERRUPTED}
COMPACT_TRIALS = 200
"""A sweep of so many trials ends by merging its files: thousands of single ones are slow to read."""


class Listener(Protocol):
    """Who wants to know how a sweep goes; the library itself prints nothing."""

    def generating(self, rows: int) -> None: ...
    def training(self, trials: Sequence[Trial]) -> None: ...
    def machine(self, machine: Machine) -> None: ...
    def step(self, trial: Trial, step: Step) -> None: ...
    def finished(self, trial: Trial, row: Mapping[str, Any], shared: bool) -> None: ...


@dataclass(frozen=True)
class Sweep:
    """A sweep ready to run: its trials, its folder and the rows that are there already, by key."""

    loaded: LoadedSweep
    directory: Path
    dataset: Dataset
    trials: tuple[Trial, ...]
    stored: Mapping[str, Mapping[str, Any]]
    problems: tuple[str, ...]

    def pending(self, retry_failed: bool = False) -> tuple[Trial, ...]:
        """Trials to train now: those without a row, interrupted ones and, if asked, failed ones."""
        redo = set(Status) - {Status.OK} if retry_failed else UNFINISHED
        return tuple(t for t in self.trials if t.key not in self.stored or self.stored[t.key]["status"] in redo)

    def state(self, trial: Trial) -> str:
        """`pending` or the status of the trial's row."""
        return str(self.stored[trial.key]["status"]) if trial.key in self.stored else "pending"

    def planned(self, trial: Trial) -> dict[str, Any]:
        """Columns of a trial's row that are known before it is trained."""
        return planned_columns(trial, self.dataset, self.loaded.config.name, self.loaded.stand_in)


@dataclass
class Summary:
    """How a sweep ended: `ok` now, `skipped` because finished before, `failed` now or before."""

    total: int
    ok: int = 0
    skipped: int = 0
    failed: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


def prepare(loaded: LoadedSweep, out: Path) -> Sweep:
    """Expand a sweep and look up what is finished; nothing is written."""
    dataset = describe(loaded.config.data)
    directory = out / folder_name(loaded.config.name)
    frame, problems = read_with_problems(directory)
    stored = {row["key"]: row for row in _records(frame)}
    return Sweep(loaded, directory, dataset, expand(loaded.config, dataset), stored, problems)


def folder_name(name: str) -> str:
    """A sweep's name as a folder that cannot leave the results folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "sweep"


def run(sweep: Sweep, device: str, listener: Listener, retry_failed: bool = False) -> Summary:
    """Train what is pending and store each result as it comes.

    `KeyboardInterrupt` passes through after the running trial is stored as interrupted. Raises `ConfigError`
    when the device is not to be had and `DataError` when the folder cannot be written.
    """
    started = time.monotonic()
    pending = sweep.pending(retry_failed)
    summary = Summary(total=len(sweep.trials))
    pending_keys = {trial.key for trial in pending}
    for trial in sweep.trials:
        if trial.key not in pending_keys:
            _count_before(summary, trial, sweep.stored[trial.key])
    done = {row["trained_as"]: row for row in sweep.stored.values() if row["status"] == Status.OK}
    if pending:
        data_path = materialise(sweep.loaded.config.data, sweep.directory, listener.generating)
        listener.training(pending)
        with LocalWorker(device, listener.machine) as worker:
            for trial in pending:
                shared = trial.trained_as in done
                if shared:
                    row = shared_row(sweep.planned(trial), done[trial.trained_as])
                else:
                    row = _train(sweep, trial, str(data_path), worker, listener)
                write_trial(sweep.directory, row)
                if row["status"] == Status.OK:
                    done[trial.trained_as] = row
                _count(summary, trial, row)
                listener.finished(trial, row, shared)
    if len(sweep.trials) >= COMPACT_TRIALS:
        # A damaged merged file was already named when the sweep was prepared; the single files are whole without it.
        with contextlib.suppress(DataError):
            compact(sweep.directory)
    summary.seconds = time.monotonic() - started
    return summary


def _train(sweep: Sweep, trial: Trial, data_path: str, worker: LocalWorker, listener: Listener) -> dict[str, Any]:
    planned, started_at = sweep.planned(trial), now()
    try:
        outcome = worker.run(Task(trial, data_path), lambda step: listener.step(trial, step))
    except KeyboardInterrupt:
        worker.stop()
        outcome = Outcome(Status.INTERRUPTED, "interrupted; run the same command again to train it")
        write_trial(sweep.directory, result_row(planned, outcome, worker.machine, started_at, now()))
        raise
    if outcome.curve:
        write_curve(sweep.directory, trial.key, outcome.curve)
    if outcome.log:
        _write_log(sweep.directory, trial.key, outcome.log)
    return result_row(planned, outcome, worker.machine, started_at, now())


def _count(summary: Summary, trial: Trial, row: Mapping[str, Any]) -> None:
    if row["status"] == Status.OK:
        summary.ok += 1
    else:
        summary.failed += 1
        summary.failures.append(f"{trial.key} ({trial.label}): {row['status']}: {row['reason']}")


def _count_before(summary: Summary, trial: Trial, row: Mapping[str, Any]) -> None:
    if row["status"] == Status.OK:
        summary.skipped += 1
    else:
        _count(summary, trial, row)


def _write_log(directory: Path, key: str, text: str) -> None:
    path = directory / "logs" / f"{key}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _records(frame: pd.DataFrame) -> Sequence[dict[str, Any]]:
    """Rows as plain dicts with None for null, so that they can be written again."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in record.items()} for record in plain.to_dict(orient="records")]
