"""Trials on a Ray cluster: Ray Core tasks with a share of a GPU or some cores each; the driver stays the only writer.

Nodes must see the results folder and the dataset under the same path, for what they read and for checkpoints.
"""

import contextlib
import os
import sys
import time
from types import TracebackType
from typing import Any

from ttrec_cli.config.run_settings import ResourcesConfig
from ttrec_cli.errors import ConfigError
from ttrec_cli.sweep.messages import Machine, Outcome, Report, Task, WorkerSettings
from ttrec_cli.sweep.ray_task import Mailbox, train_task

LOST_RETRIES = 3
"""Times that a task is tried again after its worker or node was lost; what a trial raises is not tried again."""
COUNT_SECONDS = 2.0


class RayExecutor:
    """Trains on the cluster at `address`: `auto` finds one, an empty one starts Ray on this machine.

    Each trial takes 1 / `resources.parallel` of a GPU, or of the cores of the smallest node where there is no GPU.
    Raises `ConfigError` when Ray is not installed or the cluster is not to be had.
    """

    def __init__(self, device: str, resources: ResourcesConfig, address: str) -> None:
        self._ray = _import_ray()
        self._ours = not self._ray.is_initialized()
        if self._ours:
            _connect(self._ray, address)
        self._resources = resources
        self._references: dict[Any, str] = {}
        self._counted = float("-inf")
        self._slots = 0
        self._device = "cuda" if device != "cpu" and self._ray.cluster_resources().get("GPU", 0) else device
        self._mailbox = self._make_mailbox()
        # Ray tells of lost nodes on stdout, which is for data here.
        self._talk = contextlib.redirect_stdout(sys.stderr)

    def __enter__(self) -> "RayExecutor":
        self._talk.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reference in self._references:
            self._ray.cancel(reference, force=True)
        self._ray.kill(self._mailbox)
        if self._ours:
            self._ray.shutdown()
        self._talk.__exit__(kind, error, trace)

    def slots(self) -> int:
        """Tasks that the nodes alive can run at once; at least one, which waits for a node to come."""
        if time.monotonic() - self._counted > COUNT_SECONDS:
            self._counted = time.monotonic()
            share = self._share()
            there = self._ray.cluster_resources()
            self._slots = max(1, min(int(there.get(kind, 0) / amount + 1e-6) for kind, amount in share.items()))
        return self._slots

    def start(self, task: Task) -> None:
        """Hand a task to the cluster."""
        share = self._share()
        settings = WorkerSettings(
            self._device, None, self._resources.parallel, max(1, int(share["CPU"])), self._resources.memory
        )
        # A process a trial: what one leaves behind in memory or on a GPU does not meet the next.
        remote = self._ray.remote(max_retries=LOST_RETRIES, retry_exceptions=False, max_calls=1)(train_task)
        options = {"num_cpus": share["CPU"], "num_gpus": share.get("GPU", 0), "name": task.trial.label}
        self._references[remote.options(**options).remote(task, settings, self._mailbox)] = task.name

    def poll(self, seconds: float) -> list[Report]:
        """What tasks told and how they ended, waiting so long at most."""
        if not self._references:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(self._references), num_returns=1, timeout=seconds)
        reports: list[Report] = self._ray.get(self._mailbox.take.remote())
        for reference in ready:
            name = self._references.pop(reference)
            machine, outcome = self._outcome(reference)
            reports.append(Report(machine.host or "", outcome, name, machine))
        return reports

    def interrupt(self, name: str) -> None:
        """Ask a task to end with a checkpoint."""
        self._mailbox.stop.remote(name)

    def kill(self, name: str) -> None:
        """End a task at once."""
        for reference, of in self._references.items():
            if of == name:
                self._ray.cancel(reference, force=True)

    def _outcome(self, reference: Any) -> tuple[Machine, Outcome]:
        errors = self._ray.exceptions
        try:
            found: tuple[Machine, Outcome] = self._ray.get(reference)
            return found
        except errors.OutOfMemoryError:
            return Machine(), Outcome("out-of-memory", "the node ran out of memory, and Ray ended the trial")
        except errors.TaskCancelledError:
            return Machine(), Outcome("failed", "the task was cancelled")
        except errors.RayTaskError as error:
            cause = getattr(error, "cause", error)
            reason = f"{type(cause).__name__}: {' '.join(str(cause).split())[:300]}"
            return Machine(), Outcome("failed", reason, log=str(error))
        except errors.RayError as error:
            return Machine(), Outcome("failed", f"its worker or node was lost {LOST_RETRIES + 1} times", log=str(error))

    def _share(self) -> dict[str, float]:
        """What each task takes of a node."""
        if self._device == "cuda":
            return {"GPU": 1 / self._resources.parallel, "CPU": self._resources.threads or 1}
        nodes = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        smallest = min((cores for cores in nodes if cores >= 1), default=1)
        return {"CPU": self._resources.threads or max(1, int(smallest) // self._resources.parallel)}

    def _make_mailbox(self) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(self._ray.get_runtime_context().get_node_id(), soft=False)
        return self._ray.remote(num_cpus=0)(Mailbox).options(scheduling_strategy=here).remote()


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ConfigError("--executor ray needs Ray; install it with pip install 'ttrec[cluster]'") from None
    return ray


def _connect(ray: Any, address: str) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    own: dict[str, Any] = {"include_dashboard": False, "_system_config": {"task_oom_retries": 0}}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="error", **({} if address else own))
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        words = " ".join(str(error).split())[:200]
        raise ConfigError(f"--address {address}: no Ray cluster there ({words}); start one with `ray start`") from None
