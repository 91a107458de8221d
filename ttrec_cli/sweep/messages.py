"""What driver and worker say to each other; no torch here."""

from dataclasses import dataclass, field
from typing import Any

from ttrec_cli.sweep.grid import Trial

PAUSED = "paused"
"""Status of an outcome, never of a row: trained as far as the task said, kept as a checkpoint."""


@dataclass(frozen=True)
class Machine:
    """What a worker runs on; `warning` is for the user to know, `problem` says why it cannot run at all.

    `parallel` trials share it at once, each with so many `threads`; `host` and `cpu` are named where they are not
    the driver's. `memory` is a GPU's, in bytes.
    """

    device: str = ""
    backend: str = ""
    gpu: str | None = None
    driver: str | None = None
    warning: str = ""
    problem: str = ""
    parallel: int = 1
    threads: int | None = None
    host: str | None = None
    cpu: str | None = None
    memory: int | None = None
    processes: int = 1
    """That train each trial together."""


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker process is told at its start: where to train and how much of the machine it may use.

    `parallel` workers share a device; `gpu` is the name of theirs for CUDA_VISIBLE_DEVICES, `threads` None leaves
    the number to torch, `memory` is in bytes.
    """

    device: str = "auto"
    gpu: str | None = None
    parallel: int = 1
    threads: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Task:
    """A trial to train up to `until` samples, the folder of its dataset, where its checkpoint and log go."""

    trial: Trial
    dataset: str
    until: int | None = None
    checkpoint: str = ""
    checkpoint_seconds: float = 60.0
    log: str = ""

    @property
    def name(self) -> str:
        """Of what is trained: no two tasks that run at once share it."""
        return self.trial.trained_as

    @property
    def end(self) -> int:
        """Samples after which the task is done."""
        return self.trial.train_samples if self.until is None else min(self.until, self.trial.train_samples)


@dataclass(frozen=True)
class Started:
    """The worker has taken the task up."""


@dataclass(frozen=True)
class Step:
    """How far a trial has come."""

    samples: int
    loss: float


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: measured columns and learning curve, or a status and a reason; the log's last lines."""

    status: str
    reason: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    curve: tuple[dict[str, Any], ...] = ()
    log: str = ""
    kept_bytes: int = 0
    """What the process holds for no reason after the trial; then it is replaced."""


@dataclass(frozen=True)
class Report:
    """What an executor tells the driver of the task of this `name`; a machine belongs to no task."""

    worker: str
    content: Machine | Started | Step | Outcome
    name: str = ""
    machine: Machine = Machine()
