"""The driver's side of a worker process: start it, give it trials, replace it when it dies."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType

from ttrec_cli.errors import ConfigError
from ttrec_cli.sweep.messages import Machine, Outcome, Step, Task
from ttrec_cli.sweep.worker import work

POLL_SECONDS = 0.2
STOP_SECONDS = 5.0


class LocalWorker:
    """Trains trials in a process of its own, kept between trials and replaced after one that killed it."""

    def __init__(self, device: str, on_start: Callable[[Machine], None]) -> None:
        self._device = device
        self._on_start = on_start
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self.machine = Machine()

    def __enter__(self) -> "LocalWorker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, task: Task, on_step: Callable[[Step], None]) -> Outcome:
        """Train one trial; whatever happens to the process becomes an outcome.

        Raises `ConfigError` when the device asked for is not to be had.
        """
        try:
            connection = self._ready_connection()
            connection.send(task)
            while True:
                message = self._receive(connection)
                if isinstance(message, Outcome):
                    if message.status == "out-of-memory":
                        self.stop()  # what it allocated must not burden the next trial
                    return message
                if isinstance(message, Step):
                    on_step(message)
        except (EOFError, ConnectionError):
            return self._death()

    def stop(self) -> None:
        """End the process, gently first."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.terminate()
            self._process.join(STOP_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._process = self._connection = None

    def _ready_connection(self) -> Connection:
        if self._connection is None:
            # Threads that spin while they wait starve whoever shares the cores: 8 to 90 ms for a 0.1 ms operation.
            os.environ.setdefault("OMP_WAIT_POLICY", "passive")
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=work, args=(theirs, self._device), daemon=True)
            self._process.start()
            theirs.close()  # so that the pipe breaks when the worker dies
            machine = self._receive(self._connection)
            if isinstance(machine, Machine):
                self.machine = machine
            if self.machine.problem:
                raise ConfigError(self.machine.problem)
            self._on_start(self.machine)
        return self._connection

    def _receive(self, connection: Connection) -> "Step | Outcome | Machine":
        while not connection.poll(POLL_SECONDS):
            if self._process is not None and not self._process.is_alive() and not connection.poll():
                raise EOFError
        message: Step | Outcome | Machine = connection.recv()
        return message

    def _death(self) -> Outcome:
        """The outcome of a trial whose process died, and the end of that process."""
        process = self._process
        if process is not None:
            process.join(STOP_SECONDS)
        code = None if process is None else process.exitcode
        self.stop()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = "; often the system ran out of memory" if -code == signal.SIGKILL else ""
            return Outcome("failed", f"the worker process was killed by {name}{hint}")
        return Outcome("failed", f"the worker process ended with exit code {code}")
