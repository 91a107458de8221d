"""How much of the machine a worker process may use: threads, a GPU, memory. Set before torch is loaded."""

import contextlib
import os
import resource
from pathlib import Path

from ttrec_cli.config.run_settings import ResourcesConfig
from ttrec_cli.dlrm.memory import reuse_freed_memory
from ttrec_cli.sweep.messages import WorkerSettings

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
FIRST_TO_GO = "500"
"""When the system runs out of memory it ends the process with the highest score: a worker rather than its driver."""


def apply_limits(settings: WorkerSettings) -> None:
    """Bind this process to its share."""
    wait_briefly()
    reuse_freed_memory()
    if settings.threads is not None:
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(settings.threads)))
    if settings.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = settings.gpu
    if settings.memory is not None:
        # What counts is private memory that was asked for, not the mapped dataset that all workers share.
        resource.setrlimit(resource.RLIMIT_DATA, (settings.memory, settings.memory))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)


def wait_briefly() -> None:
    """Have OpenMP's threads spin for microseconds while they wait, then sleep; to be said before torch is loaded."""
    # Left alone they spin for milliseconds, which starves whoever shares the cores: 8 to 90 ms for a 0.1 ms operation.
    # Asleep at once, an idle machine takes 0.2 ms to wake them: five times the time of a small step. GNU's OpenMP
    # itself takes this number where it knows that there are more threads than cores.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def worker_settings(device: str, resources: ResourcesConfig) -> tuple[WorkerSettings, ...]:
    """One for each worker of this machine: `parallel` on every GPU, or on the CPU.

    Threads are as set, else the cores are divided among workers; a single worker leaves the choice to torch.
    """
    gpus: tuple[str | None, ...] = (None,) if device == "cpu" else visible_gpus() or (None,)
    count = len(gpus) * resources.parallel
    threads = resources.threads or (max(1, usable_cores() // count) if count > 1 else None)
    return tuple(
        WorkerSettings(device, gpu, resources.parallel, threads, resources.memory)
        for _ in range(resources.parallel)
        for gpu in gpus
    )


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """Names of the GPUs that CUDA_VISIBLE_DEVICES allows, or of all that the driver knows; without loading CUDA."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return tuple(name.strip() for name in allowed.split(",") if name.strip())
    known = Path("/proc/driver/nvidia/gpus")
    return tuple(str(number) for number, _ in enumerate(known.iterdir())) if known.is_dir() else ()
