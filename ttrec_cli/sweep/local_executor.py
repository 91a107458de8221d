"""Trials on this machine: a process for each slot, kept between trials and replaced after one that harmed it."""

import contextlib
import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from ttrec_cli.config.run_settings import ResourcesConfig
from ttrec_cli.errors import ConfigError
from ttrec_cli.sweep.messages import Machine, Outcome, Report, Started, Step, Task, WorkerSettings
from ttrec_cli.sweep.worker import CLEAN, work
from ttrec_cli.sweep.worker_limits import worker_settings

STOP_SECONDS = 5.0
OOM_COUNTERS = ("/proc/vmstat", "/sys/fs/cgroup/memory.events")


class LocalExecutor:
    """Trains in processes of this machine, as many as `resources.parallel` says for each GPU or for the CPU."""

    def __init__(self, device: str, resources: ResourcesConfig) -> None:
        settings = worker_settings(device, resources)
        self._workers = tuple(LocalWorker(f"worker {number}", each) for number, each in enumerate(settings))

    def __enter__(self) -> "LocalExecutor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_all(self._workers)

    def slots(self) -> int:
        """How many tasks it takes at once."""
        return len(self._workers)

    def start(self, task: Task) -> None:
        """Give the task to a free worker."""
        next(worker for worker in self._workers if worker.task is None).start(task)

    def poll(self, seconds: float) -> list[Report]:
        """What the workers said, waiting so long at most; the death of one is its task's outcome."""
        busy = [worker for worker in self._workers if worker.task is not None]
        ready = wait([worker.connection for worker in busy if worker.connection], seconds)
        reports: list[Report] = []
        for worker in busy:
            if worker.connection in ready:
                reports += worker.receive()
        return reports

    def interrupt(self, name: str) -> None:
        """Ask a task to end with a checkpoint."""
        self._signal(name, signal.SIGTERM)

    def kill(self, name: str) -> None:
        """End a task's process at once."""
        self._signal(name, signal.SIGKILL)

    def _signal(self, name: str, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.task is not None and worker.task.name == name:
                worker.signal(number)


class LocalWorker:
    """The driver's side of one worker process; its `task` is None while it is free."""

    def __init__(self, name: str, settings: WorkerSettings) -> None:
        self.name = name
        self.task: Task | None = None
        self.connection: Connection | None = None
        self.process: BaseProcess | None = None
        self._settings = settings
        self._machine = Machine()
        self._kills_before = 0
        self._signalled = False

    def start(self, task: Task) -> None:
        """Train a task, in a new process if there is none."""
        self.task = task
        self._kills_before = out_of_memory_kills()
        if self.connection is not None:
            try:
                self.connection.send(task)
                return
            except OSError:  # it died while it was idle, which is no fault of this task
                self.forget()
        self._signalled = False
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self._settings), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe breaks when the worker dies
        with contextlib.suppress(OSError):  # a death here is found when the pipe is read
            self.connection.send(task)

    def receive(self) -> list[Report]:
        """Read one message. Raises `ConfigError` when the device asked for is not to be had."""
        if self.connection is None or self.task is None:
            return []
        try:
            content: Machine | Started | Step | Outcome = self.connection.recv()
        except (EOFError, OSError):
            content = self._death()
        if isinstance(content, Machine):
            self._machine = content
            if content.problem:
                raise ConfigError(content.problem)
            return [Report(self.name, content)]
        report = Report(self.name, content, self.task.name, self._machine)
        if isinstance(content, Outcome):
            self.task = None
            if self._signalled or content.status not in CLEAN or content.kept_bytes:
                self.forget()
        return [report]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        if self.process is not None and self.process.pid is not None and self.process.is_alive():
            self._signalled = True
            with contextlib.suppress(ProcessLookupError):
                if number == signal.SIGKILL:
                    self.process.kill()
                else:
                    self.process.terminate()

    def forget(self) -> None:
        """End the process, gently first; the next task gets a new one."""
        stop_all([self])

    def _death(self) -> Outcome:
        """The outcome of a task whose process died."""
        if self.process is None:
            return Outcome("failed", "the worker process is gone")
        self.process.join(STOP_SECONDS)
        code = self.process.exitcode
        if code is None or code >= 0:
            return Outcome("failed", f"the worker process ended with exit code {code}")
        if -code == signal.SIGKILL and out_of_memory_kills() > self._kills_before:
            return Outcome("out-of-memory", "the system ran out of memory and killed the worker process")
        return Outcome("failed", f"the worker process was killed by {signal.Signals(-code).name}")


def stop_all(workers: Sequence[LocalWorker]) -> None:
    """End processes, gently first, all at the same time."""
    for worker in workers:
        if worker.connection is not None:
            worker.connection.close()
        worker.signal(signal.SIGTERM)
    for worker in workers:
        if worker.process is not None:
            worker.process.join(0 if worker.task is not None else STOP_SECONDS)
            worker.signal(signal.SIGKILL)
            worker.process.join()
            worker.process.close()
        worker.process = worker.connection = None


def out_of_memory_kills() -> int:
    """Processes that the system, or this container, has ended for want of memory so far."""
    found = 0
    for path in OOM_COUNTERS:
        with contextlib.suppress(OSError):
            lines = Path(path).read_text().splitlines()
            found += sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return found
