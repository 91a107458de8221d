"""The worker process: trains one trial after another, and dies with its driver."""

import contextlib
import ctypes
import faulthandler
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType

from ttrec_cli.dlrm.memory import TrialMemory
from ttrec_cli.store.provenance import nvidia_driver
from ttrec_cli.sweep.messages import PAUSED, Machine, Outcome, Started, Step, Task, WorkerSettings
from ttrec_cli.sweep.worker_limits import apply_limits

STEP_MESSAGE_SECONDS = 0.2
REASON_LENGTH = 500
CLEAN = ("ok", "diverged", PAUSED)
"""After any other end the process is replaced: what failed once may have left memory or a device in disorder."""
PR_SET_PDEATHSIG = 1


def work(connection: Connection, settings: WorkerSettings) -> None:
    """Entry point of the process: say what machine this is, then train what comes until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    stop = StopRequest()
    signal.signal(signal.SIGTERM, stop.ask)
    _die_with_driver()
    faulthandler.enable()
    apply_limits(settings)
    machine = find_machine(settings.device, settings)
    memory = TrialMemory(machine.device)
    with contextlib.suppress(BrokenPipeError):  # a driver that is gone needs no answer
        connection.send(machine)
        while not machine.problem:
            try:
                task = connection.recv()
            except EOFError:
                return
            stop.busy = True
            write_to(task.log)
            connection.send(Started())
            outcome = attempt(task, machine.device, _StepMessages(connection).send, stop)
            kept = memory.kept_bytes()
            connection.send(replace(outcome, kept_bytes=kept))
            stop.busy = False
            if stop.asked or outcome.status not in CLEAN or kept:
                break
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends anyway; in good order


class StopRequest:
    """Whether somebody wants the worker to end; an idle one ends at once, a busy one after its checkpoint."""

    def __init__(self) -> None:
        self.busy = False
        self.asked = False

    def ask(self, number: int = 0, frame: FrameType | None = None) -> None:  # noqa: ARG002 (a signal handler's form)
        """Handler of SIGTERM."""
        self.asked = True
        if not self.busy:
            os._exit(0)

    def __call__(self) -> bool:
        return self.asked


def _die_with_driver() -> None:
    parent = parent_process()
    with contextlib.suppress(OSError, AttributeError):  # Linux: even while compiled code holds the interpreter
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None:
        if not parent.is_alive():
            os._exit(1)
        threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


def write_to(log: str) -> None:
    """Have all that is printed, even by compiled code on its way down, in the trial's log."""
    with contextlib.suppress(OSError):  # a trial needs no log
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)


def find_machine(choice: str, settings: WorkerSettings | None = None) -> Machine:
    """The device behind `auto`, `cuda` or `cpu`, and the backend of its lookups: compiled, unless CUDA lacks CuPy."""
    import torch

    import ttrec_cli.sweep.trial_run  # noqa: F401 (what is loaded now is no time of the first trial)

    parallel = settings.parallel if settings else 1
    threads = torch.get_num_threads()
    if choice != "cpu" and torch.cuda.is_available():
        missing = "" if find_spec("cupy") else "CUDA DEVICE SEEN, BUT NO CUPY: install it with pip install 'ttrec[gpu]'"
        if missing and choice == "cuda":
            return Machine(problem=missing)
        name, memory = torch.cuda.get_device_name(), torch.cuda.mem_get_info()[1]
        if parallel > 1:  # so that one trial cannot take what its neighbours need
            torch.cuda.set_per_process_memory_fraction(1 / parallel)
        backend = "reference" if missing else "cuda"
        return Machine(
            "cuda", backend, name, nvidia_driver(), missing, parallel=parallel, threads=threads, memory=memory
        )
    if choice == "cuda":
        return Machine(problem="--device cuda: torch sees no CUDA device here; use --device cpu")
    return Machine("cpu", "cpu", parallel=parallel, threads=threads)


def attempt(task: Task, device: str, on_step: Callable[[int, float], None], stopped: Callable[[], bool]) -> Outcome:
    """Train a task; whatever it raises becomes an outcome, and its traceback the log's end."""
    import torch

    from ttrec_cli.data import open_click_log
    from ttrec_cli.dlrm.training import DivergedError
    from ttrec_cli.sweep.trial_run import run_trial

    try:
        log = open_click_log(Path(task.dataset))
        return run_trial(task, log, torch.device(device), on_step, stopped)
    except DivergedError as error:
        return Outcome("diverged", str(error))
    except Exception as error:
        status = "out-of-memory" if _is_out_of_memory(error) else "failed"
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:REASON_LENGTH]
        return Outcome(status, reason, log=traceback.format_exc())


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    words = str(error)
    allocator = isinstance(error, RuntimeError | OSError) and (
        "can't allocate memory" in words or "annot allocate memory" in words or "bad_alloc" in words
    )
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
