"""SIGINT and SIGTERM while trials train: counted, so that nothing is cut in half."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interruption:
    """Counts requests to end instead of raising: what is being written is written, then the driver looks here."""

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():  # the only one that may set handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (a signal handler's form)
        self.count += 1
