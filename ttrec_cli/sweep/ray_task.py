"""What runs on a Ray cluster: a trial as a task, and the mailbox between tasks and driver."""

import platform
import threading
import time
from dataclasses import replace
from typing import Any

from ttrec_cli.store.provenance import cpu_name
from ttrec_cli.sweep.messages import Machine, Outcome, Report, Started, Step, Task, WorkerSettings
from ttrec_cli.sweep.worker import STEP_MESSAGE_SECONDS, attempt, find_machine, write_to
from ttrec_cli.sweep.worker_limits import apply_limits

LISTEN_SECONDS = 1.0


class Mailbox:
    """An actor on the driver's node: tasks tell it how they go, and ask it whether they are to end."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._stopped: set[str] = set()

    def put(self, report: Report) -> None:
        """From a task."""
        self._reports.append(report)

    def take(self) -> list[Report]:
        """All reports since the last call, for the driver."""
        reports, self._reports = self._reports, []
        return reports

    def stop(self, name: str) -> None:
        """From the driver: the task is to end with a checkpoint."""
        self._stopped.add(name)

    def is_stopped(self, name: str) -> bool:
        """Whether the driver wants the task to end."""
        return name in self._stopped


def train_task(task: Task, settings: WorkerSettings, mailbox: Any) -> tuple[Machine, Outcome]:
    """Train a task in this process, to which Ray gave a GPU or cores; whatever it raises becomes its outcome."""
    apply_limits(settings)
    node = platform.node()
    machine = replace(find_machine(settings.device, settings), host=node, cpu=cpu_name())
    if machine.problem:
        return machine, Outcome("failed", machine.problem)
    write_to(task.log)
    mailbox.put.remote(Report(node, machine))
    mailbox.put.remote(Report(node, Started(), task.name))
    told = float("-inf")

    def on_step(samples: int, loss: float) -> None:
        nonlocal told
        if time.monotonic() - told >= STEP_MESSAGE_SECONDS:
            told = time.monotonic()
            mailbox.put.remote(Report(node, Step(samples, loss), task.name))

    stopped, over = threading.Event(), threading.Event()
    threading.Thread(target=_listen, args=(task.name, mailbox, stopped, over), daemon=True).start()
    try:
        return machine, attempt(task, machine.device, on_step, stopped.is_set)
    finally:
        over.set()


def _listen(name: str, mailbox: Any, stopped: threading.Event, over: threading.Event) -> None:
    """Ask the mailbox now and then whether the task is to end; without its driver Ray ends the task itself."""
    import ray

    while not over.wait(LISTEN_SECONDS):
        try:
            if ray.get(mailbox.is_stopped.remote(name)):
                stopped.set()
                return
        except ray.exceptions.RayError:
            return
