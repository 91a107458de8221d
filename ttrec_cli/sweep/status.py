"""The state of a running sweep as a small file beside its results, for `ttrec status` in another terminal."""

import contextlib
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from ttrec_cli.config.base import Frozen
from ttrec_cli.store.provenance import now
from ttrec_cli.sweep.events import Event, SweepEnded, SweepStarted
from ttrec_cli.sweep.progress import SweepProgress

STATUS_FILE = "status.json"
WRITE_SECONDS = 1.0
MAX_BYTES = 1_000_000

_Text = Annotated[str, Field(max_length=1000)]
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Real = Annotated[float, Field(allow_inf_nan=False)]


class DriverStatus(Frozen):
    """The process that runs the sweep; `started_at` in UTC."""

    pid: Annotated[int, Field(ge=1, le=2**31)]
    host: _Text
    started_at: _Text


class RunningStatus(Frozen):
    """A trial that trains: how far it is, its training log-loss and speed, where these are known."""

    key: _Text
    label: _Text
    samples: _Count
    of: _Count = 0
    loss: _Real | None
    samples_per_second: _Real | None


class SweepStatus(Frozen):
    """What the driver wrote last; `total` = `done` + `failed` + `pending` + `paused` + those running."""

    driver: DriverStatus
    total: _Count
    done: _Count
    failed: _Count
    pending: _Count
    paused: _Count = 0
    running: Annotated[tuple[RunningStatus, ...], Field(max_length=10_000)]
    eta_seconds: _Real | None
    updated_at: _Text
    ended: bool = False

    @property
    def age_seconds(self) -> float:
        """Seconds since it was written; infinite where the time is not readable."""
        try:
            return (datetime.now(UTC) - datetime.fromisoformat(self.updated_at)).total_seconds()
        except (ValueError, TypeError):
            return float("inf")

    @property
    def is_running(self) -> bool:
        """Whether the driver is there: its process on this machine, or on another one a fresh file."""
        if self.ended:
            return False
        if self.driver.host != platform.node():
            return self.age_seconds < 60
        try:
            os.kill(self.driver.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # it is there, but not ours
            pass
        return True


class StatusWriter:
    """An observer that keeps `directory`/status.json up to date, at most once a second; a full disk stops no sweep."""

    def __init__(self, directory: Path, progress: SweepProgress, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = directory / STATUS_FILE
        self._progress = progress
        self._clock = clock
        self._written = float("-inf")
        self._driver = DriverStatus(pid=os.getpid(), host=platform.node(), started_at=now())

    def __call__(self, event: Event) -> None:
        """Write the state after an event, which `progress` has seen already."""
        urgent = isinstance(event, SweepStarted | SweepEnded)
        if not urgent and self._clock() - self._written < WRITE_SECONDS:
            return
        self._written = self._clock()
        self.write(ended=isinstance(event, SweepEnded))

    def write(self, ended: bool = False) -> None:
        """Replace the file at once, so that no reader finds half of it."""
        text = self._snapshot(ended).model_dump_json()
        temporary = self._path.with_name(f".{STATUS_FILE}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._path)

    def _snapshot(self, ended: bool) -> SweepStatus:
        progress = self._progress
        return SweepStatus(
            driver=self._driver,
            total=progress.total,
            done=progress.done,
            failed=progress.failed,
            pending=progress.pending,
            paused=progress.paused,
            running=tuple(
                RunningStatus(
                    key=run.trial.key,
                    label=run.trial.label[:1000],
                    samples=run.samples,
                    of=run.trial.train_samples,
                    loss=run.loss,
                    samples_per_second=run.samples_per_second,
                )
                for run in progress.running
            ),
            eta_seconds=progress.eta_seconds,
            updated_at=now(),
            ended=ended,
        )


def read_status(directory: Path) -> SweepStatus | None:
    """What the driver of this folder's sweep wrote last; none where nothing readable is."""
    try:
        with (directory / STATUS_FILE).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return SweepStatus.model_validate_json(content) if len(content) <= MAX_BYTES else None
    except (OSError, ValidationError, ValueError):
        return None
