"""What the driver writes: rows, curves and logs of trials, and where their checkpoints lie."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ttrec_cli.errors import DataError
from ttrec_cli.store import RowReader, Status, compact, write_curve, write_trial
from ttrec_cli.store.provenance import now
from ttrec_cli.sweep.claims import Claims
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.messages import Machine, Outcome, Task
from ttrec_cli.sweep.rows import TAIL_CHARACTERS, result_row, shared_row

if TYPE_CHECKING:
    from ttrec_cli.sweep.run import Sweep

COMPACT_TRIALS = 200
COMPACTION_CLAIM = "compaction"


def merge_many(directory: Path) -> None:
    """Merge the files of finished trials if they are many: thousands of single ones are slow to read.

    Does nothing while another sweep does so.
    """
    if len(list((directory / "trials").glob("*.parquet"))) < COMPACT_TRIALS:
        return
    claims = Claims(directory)
    # A damaged merged file was named when the sweep was prepared; the single files are whole without it.
    with contextlib.suppress(DataError):
        if claims.take(COMPACTION_CLAIM):
            compact(directory)
    claims.release_all()


def forget_checkpoint(path: Path) -> None:
    """Remove a checkpoint, and what an interrupted writing of it left."""
    for file in (path, path.with_suffix(".tmp")):
        file.unlink(missing_ok=True)


class Results:
    """The folder of a sweep while it runs; `rows` are the newest known, by key."""

    def __init__(self, sweep: "Sweep", data_path: Path, forget: frozenset[str] = frozenset()) -> None:
        self.sweep = sweep
        self.directory = sweep.directory
        self.rows: dict[str, Mapping[str, Any]] = dict(sweep.stored)
        self._data_path = data_path
        self._written = 0
        self._reader = RowReader(sweep.directory)
        self._trained = {
            row["trained_as"]: row
            for row in sweep.stored.values()
            if row["status"] == Status.OK and row["trained_as"] not in forget
        }

    def trained(self, name: str) -> Mapping[str, Any] | None:
        """The row of a successful training of what is called so, if there is one."""
        return self._trained.get(name)

    def now(self, trial: Trial) -> Mapping[str, Any] | None:
        """The row that a trial has now, perhaps from another sweep."""
        return self._reader.row(trial.key)

    def task(self, trial: Trial, until: int | None) -> Task:
        """The training of a trial, to its end or to `until` samples."""
        resources = self.sweep.loaded.config.resources
        return Task(
            trial,
            str(self._data_path),
            until,
            str(self.checkpoint(trial.trained_as).absolute()),
            resources.checkpoint_seconds,
            str((self.directory / "logs" / f"{trial.key}.log").absolute()),
        )

    def checkpoint(self, name: str) -> Path:
        """Where the state of an unfinished training lies."""
        return self.directory / "checkpoints" / f"{name}.safetensors"

    def store(self, trial: Trial, outcome: Outcome, machine: Machine, started_at: str, task: Task) -> Mapping[str, Any]:
        """Write all that a training came to; its row last, so that what has a row is whole."""
        log = self._keep_log(Path(task.log), outcome)
        if outcome.curve:
            write_curve(self.directory, trial.key, outcome.curve)
        ended = Outcome(outcome.status, outcome.reason, outcome.columns, outcome.curve, log)
        row = self._write(trial, result_row(self.sweep.planned(trial), ended, machine, started_at, now()))
        if outcome.status in (Status.OK, Status.DIVERGED):
            forget_checkpoint(self.checkpoint(trial.trained_as))
        return row

    def share(self, trial: Trial, trained: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write the row of a trial whose training was another's."""
        return self._write(trial, shared_row(self.sweep.planned(trial), trained))

    def refuse(self, trial: Trial, reason: str) -> Mapping[str, Any]:
        """Write the row of a trial that cannot fit into memory and was not tried."""
        outcome = Outcome(Status.OUT_OF_MEMORY, reason)
        return self._write(trial, result_row(self.sweep.planned(trial), outcome, Machine(), now(), now()))

    def learn(self, trial: Trial, row: Mapping[str, Any]) -> None:
        """Take note of a row that another sweep wrote."""
        self.rows[trial.key] = row
        if row["status"] == Status.OK:
            self._trained[trial.trained_as] = row

    def _write(self, trial: Trial, row: dict[str, Any]) -> Mapping[str, Any]:
        write_trial(self.directory, row)
        self.learn(trial, row)
        self._written += 1
        if self._written % COMPACT_TRIALS == 0:
            merge_many(self.directory)
        return row

    def _keep_log(self, path: Path, outcome: Outcome) -> str:
        """The end of a trial's log, to which what the outcome adds is appended; an empty log is removed."""
        with contextlib.suppress(OSError):  # no log is worth a row
            if outcome.log:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8") as file:
                    file.write(outcome.log)
            if path.stat().st_size == 0:
                path.unlink()
                return ""
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - 2 * TAIL_CHARACTERS))
                return file.read().decode(errors="replace")
        return outcome.log
