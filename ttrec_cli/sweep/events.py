"""What happens while a sweep runs, told to whoever observes it; the library itself prints nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.messages import Machine


@dataclass(frozen=True)
class DataMade:
    """So many more rows of synthetic data were written."""

    rows: int


@dataclass(frozen=True)
class SweepStarted:
    """Training begins: `pending` will be trained now, so many `finished` before; `slots` trials run at once."""

    pending: tuple[Trial, ...]
    finished: int
    slots: int


@dataclass(frozen=True)
class WorkerReady:
    """A worker (a process, or a node's) can train; it says on what."""

    worker: str
    machine: Machine


@dataclass(frozen=True)
class TrialStarted:
    """A trial begins, or goes on from its checkpoint; `until` is where it will stop, in samples."""

    trial: Trial
    worker: str
    until: int


@dataclass(frozen=True)
class TrialProgress:
    """A running trial has come to `samples` with the mean training loss `loss`; a few times a second at most."""

    trial: Trial
    worker: str
    samples: int
    loss: float


@dataclass(frozen=True)
class TrialPaused:
    """A trial was trained to `samples`, short of its end, and kept as a checkpoint; `columns` are its metrics there."""

    trial: Trial
    samples: int
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class TrialFinished:
    """A trial's row is in the store; `row["status"]` says how it ended.

    `shared`: another trial of the same plan trained for it. `elsewhere`: another running sweep trained it.
    """

    trial: Trial
    row: Mapping[str, Any]
    shared: bool = False
    elsewhere: bool = False


@dataclass(frozen=True)
class Note:
    """A line for the person who watches: what is waited for, why the sweep ends early."""

    text: str


@dataclass(frozen=True)
class SweepEnded:
    """Nothing runs any more; so many trials are `left` untrained by a budget or an interruption."""

    left: int


Event = (
    DataMade
    | SweepStarted
    | WorkerReady
    | TrialStarted
    | TrialProgress
    | TrialPaused
    | TrialFinished
    | Note
    | SweepEnded
)


class Observer(Protocol):
    """Who wants to know how a sweep goes. Called in the driver's only thread; must return soon."""

    def __call__(self, event: Event) -> None: ...
