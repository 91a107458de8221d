"""The worker process: trains one trial after another, and dies with its driver."""

import os
import signal
import threading
import time
import traceback
from importlib.util import find_spec
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

from ttrec_cli.sweep.messages import Machine, Outcome, Step, Task

STEP_MESSAGE_SECONDS = 0.2
REASON_LENGTH = 500


def work(connection: Connection, device_choice: str) -> None:
    """Entry point of the process: say what machine this is, then train what comes until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    threading.Thread(target=_die_with_driver, daemon=True).start()
    machine = find_machine(device_choice)
    connection.send(machine)
    while not machine.problem:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_attempt(task, machine.device, connection))


def _die_with_driver() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(1)


def find_machine(choice: str) -> Machine:
    """The device behind `auto`, `cuda` or `cpu`. Lookups run the reference backend on either."""
    import torch

    if choice != "cpu" and torch.cuda.is_available():
        missing = "" if find_spec("cupy") else "CUDA DEVICE SEEN, BUT NO CUPY: install it with pip install 'ttrec[gpu]'"
        if missing and choice == "cuda":
            return Machine(problem=missing)
        return Machine("cuda", "reference", torch.cuda.get_device_name(), torch.version.cuda, missing)
    if choice == "cuda":
        return Machine(problem="--device cuda: torch sees no CUDA device here; use --device cpu")
    return Machine("cpu", "reference")


def _attempt(task: Task, device: str, connection: Connection) -> Outcome:
    import torch

    from ttrec_cli.data import open_click_log
    from ttrec_cli.dlrm.training import DivergedError
    from ttrec_cli.sweep.trial_run import run_trial

    try:
        log = open_click_log(Path(task.dataset))
        return run_trial(task.trial, log, torch.device(device), _StepMessages(connection).send)
    except DivergedError as error:
        return Outcome("diverged", str(error))
    except Exception as error:
        status = "out-of-memory" if _is_out_of_memory(error) else "failed"
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:REASON_LENGTH]
        return Outcome(status, reason, log=traceback.format_exc())


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    allocator = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    return allocator or isinstance(error, MemoryError | torch.OutOfMemoryError)


class _StepMessages:
    """Tells the driver how training goes, a few times a second at most."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sent = 0.0

    def send(self, samples: int, loss: float) -> None:
        now = time.monotonic()
        if now - self._sent >= STEP_MESSAGE_SECONDS:
            self._sent = now
            self._connection.send(Step(samples, loss))
