"""A process that measures the speed of trials, apart from the driver, which never imports torch."""

import multiprocessing
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.messages import Machine, WorkerSettings
from ttrec_cli.sweep.probe_times import Speed
from ttrec_cli.sweep.worker_limits import apply_limits

STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Probed:
    """What a probe found: the speed, or why there is none; `cold_seconds` more for the first trial of its process."""

    speed: Speed | None
    problem: str = ""
    cold_seconds: float = 0.0


class ProbeProcess:
    """Measures one trial after another with what a worker may use of the machine; started anew after a death.

    `start_seconds` is what its start took, and what its first trial paid for all: what a worker's does.
    """

    def __init__(self, settings: WorkerSettings, dataset: Path) -> None:
        self._arguments = settings, dataset
        self.machine = Machine()
        self.start_seconds = 0.0
        self._start()

    def __enter__(self) -> "ProbeProcess":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def measure(self, trial: Trial) -> Probed:
        """The speed of a trial; one that kills the process or raises has none."""
        try:
            self._connection.send(trial)
            found = self._connection.recv()
        except (EOFError, ConnectionError):
            self._stop()
            self._start()
            return Probed(None, "the probe's process died; often the system ran out of memory")
        if not isinstance(found, Probed):
            return Probed(None, "the probe gave no answer")
        self.start_seconds += found.cold_seconds
        return found

    def _start(self) -> None:
        started = time.perf_counter()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        try:
            machine = self._connection.recv()
        except EOFError:
            machine = Machine(problem="the probe's process died at its start")
        if isinstance(machine, Machine):
            self.machine = machine
        self.start_seconds = time.perf_counter() - started

    def _stop(self) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _work(connection: Connection, settings: WorkerSettings, dataset: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    apply_limits(settings)
    import torch

    from ttrec_cli.data import open_click_log
    from ttrec_cli.sweep.probe import measure
    from ttrec_cli.sweep.worker import find_machine

    machine = find_machine(settings.device, settings)
    log = open_click_log(dataset)
    connection.send(machine)
    cold_seconds = None
    while not machine.problem:
        try:
            trial = connection.recv()
        except EOFError:
            return
        try:
            seconds = []
            # The first trial of a process pays for what is loaded and compiled on first use.
            for _ in range(2 if cold_seconds is None else 1):
                started = time.perf_counter()
                speed = measure(trial, log, torch.device(machine.device))
                seconds.append(time.perf_counter() - started)
            cold_seconds = max(0.0, seconds[0] - seconds[-1])
            connection.send(Probed(speed, cold_seconds=cold_seconds))
        except Exception as error:
            connection.send(Probed(None, f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]))
