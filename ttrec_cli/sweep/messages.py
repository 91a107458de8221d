"""What driver and worker say to each other over their pipe; no torch here."""

from dataclasses import dataclass, field
from typing import Any

from ttrec_cli.sweep.grid import Trial


@dataclass(frozen=True)
class Machine:
    """What a worker runs on; `warning` is for the user to know, `problem` says why it cannot run at all."""

    device: str = ""
    backend: str = ""
    gpu: str | None = None
    driver: str | None = None
    warning: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Task:
    """A trial to train, and the folder of its dataset."""

    trial: Trial
    dataset: str


@dataclass(frozen=True)
class Step:
    """How far a trial has come."""

    samples: int
    loss: float


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: measured columns and learning curve, or a status and a reason."""

    status: str
    reason: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    curve: tuple[dict[str, Any], ...] = ()
    log: str = ""
