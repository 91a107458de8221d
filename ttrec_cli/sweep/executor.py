"""Where trials train: what local workers and a Ray cluster have in common."""

from types import TracebackType
from typing import Protocol

from ttrec_cli.sweep.messages import Report, Task


class Executor(Protocol):
    """Trains some tasks at once. Every task that was started ends in exactly one outcome, whatever happens to it."""

    def slots(self) -> int:
        """How many tasks it takes at once; may change while it runs."""

    def start(self, task: Task) -> None:
        """Take a task; there is a free slot."""

    def poll(self, seconds: float) -> list[Report]:
        """What happened, waiting so long at most. Raises `ConfigError` when the device is not to be had."""

    def interrupt(self, name: str) -> None:
        """Ask a task to end with a checkpoint."""

    def kill(self, name: str) -> None:
        """End a task at once."""

    def __enter__(self) -> "Executor": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that runs."""
