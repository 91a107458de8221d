"""One trial at a time on all processes that torchrun started: `torchrun --nproc-per-node 2 -m ttrec_cli.app sweep …`.

The first process drives the sweep and alone writes results; each trial is trained by all of them together. A trial that
is interrupted ends all processes and begins anew with the next command: there are no checkpoints here.
"""

import atexit
import os
import queue
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Any

from ttrec_cli.dlrm.memory import reuse_freed_memory
from ttrec_cli.errors import ConfigError
from ttrec_cli.sweep.messages import Machine, Outcome, Report, Started, Step, Task
from ttrec_cli.sweep.worker import attempt, find_machine
from ttrec_cli.sweep.worker_limits import wait_briefly

NAME = "process 0"
STEP_WAIT, TASK_WAIT = timedelta(minutes=10), timedelta(days=30)
"""How long a process waits for the others within a trial, and for the next trial."""
INTERRUPTED = 130


def started_by_torchrun() -> bool:
    """Whether this process is one of several that torchrun started."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_follower() -> bool:
    """Whether it is any but the first of them."""
    return started_by_torchrun() and os.environ["RANK"] != "0"


def follow(device: str) -> None:
    """Train what the first process hands out, until it has no more."""
    meeting = _join(device)
    while (task := meeting.hand_out(None)) is not None:
        attempt(task, meeting.machine.device, lambda *_: None, lambda: False)
    meeting.leave()


class ProcessGroupExecutor:
    """The first process's side. Raises `ConfigError` when the device is not to be had."""

    def __init__(self, device: str) -> None:
        self._meeting: _Meeting | None = _join(device)
        self._machine = self._meeting.machine
        self._reports: queue.Queue[Report] = queue.Queue()
        self._reports.put(Report(NAME, self._machine))
        atexit.register(self.release)

    def __enter__(self) -> "ProcessGroupExecutor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:  # the others may be in the middle of a step that will never be whole
            os._exit(INTERRUPTED if issubclass(kind, KeyboardInterrupt) else 1)
        self.release()

    def release(self) -> None:
        """Tell the others that there is nothing more to train; also done when the process ends."""
        if self._meeting is not None:
            self._meeting.hand_out(None)
            self._meeting.leave()
            self._meeting = None

    def slots(self) -> int:
        """All processes train one trial."""
        return 1

    def start(self, task: Task) -> None:
        """Hand the task to all processes."""
        task = replace(task, checkpoint="")
        if self._meeting is None:
            raise RuntimeError("the other processes have been released")
        self._meeting.hand_out(task)
        threading.Thread(target=self._train, args=(task,), daemon=True).start()

    def _train(self, task: Task) -> None:
        def tell(content: Started | Step | Outcome) -> None:
            self._reports.put(Report(NAME, content, task.name, self._machine))

        tell(Started())
        tell(attempt(task, self._machine.device, lambda samples, loss: tell(Step(samples, loss)), lambda: False))

    def poll(self, seconds: float) -> list[Report]:
        """What happened, waiting so long at most."""
        found: list[Report] = []
        try:
            found.append(self._reports.get(timeout=seconds))
            while True:
                found.append(self._reports.get_nowait())
        except queue.Empty:
            return found

    def interrupt(self, name: str) -> None:
        """End all processes: they cannot stop one trial at the same step."""
        self.kill(name)

    def kill(self, name: str) -> None:  # noqa: ARG002 (there is one at most)
        """End all processes."""
        os._exit(INTERRUPTED)


@dataclass(frozen=True)
class _Meeting:
    """The processes that met; tasks have a group of their own, since they are waited for without an end."""

    machine: Machine
    group: Any

    def hand_out(self, task: Task | None) -> Task | None:
        """The first process's task, in all processes."""
        import torch
        from torch import distributed

        message = [task]
        distributed.broadcast_object_list(message, group=self.group, device=torch.device("cpu"))
        return message[0]

    def leave(self) -> None:
        """End the group."""
        from torch import distributed

        distributed.destroy_process_group()


def _join(device: str) -> _Meeting:
    """Meet the others. Raises `ConfigError` where this machine has no such device."""
    import torch
    from torch import distributed

    wait_briefly()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device != "cpu" and torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise ConfigError(
                f"torchrun started process {local + 1} on a machine of {torch.cuda.device_count()} GPUs; "
                "use as many --nproc-per-node as there are GPUs, or --device cpu"
            )
        torch.cuda.set_device(local)
    machine = find_machine(device)
    if machine.problem:
        raise ConfigError(machine.problem)
    reuse_freed_memory()
    distributed.init_process_group("cpu:gloo,cuda:nccl" if machine.device == "cuda" else "gloo", timeout=STEP_WAIT)
    group = distributed.new_group(backend="gloo", timeout=TASK_WAIT)
    return _Meeting(replace(machine, processes=distributed.get_world_size()), group)
