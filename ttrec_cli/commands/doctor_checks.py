"""What `ttrec doctor` looks at; each check says what it found and, if that is not well, what to do."""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ttrec_kernels.cuda.status import CudaStatus

LEAST_MEMORY_BYTES = 4 * 10**9
LEAST_DISK_BYTES = 10 * 10**9


class State(StrEnum):
    """How a check came out; only a failure keeps `ttrec` from working."""

    OK = "ok"
    ABSENT = "absent"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One thing of this machine."""

    name: str
    state: State
    found: str
    advice: str = ""


def all_checks(device: str) -> list[Check]:
    """All checks, for sweeps on `device`: auto, cuda or cpu. Imports torch and Numba."""
    general = [_python(), _torch(), guarded("numba", _numba), guarded("threads", _threads), check_memory()]
    folders = [
        check_disk("disk", Path.cwd(), "results"),
        check_disk("temporary disk", Path(tempfile.gettempdir()), "caches"),
    ]
    return [*general, *folders, *_guarded_gpu(device)]


def guarded(name: str, check: Callable[[], Check]) -> Check:
    """The check, or a failure with what its library raised: a broken installation is what doctor is to find."""
    try:
        return check()
    except Exception as error:
        return Check(name, State.FAILED, _first_line(error), "reinstall: pip install --force-reinstall ttrec")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _python() -> Check:
    return Check("python", State.OK, f"{platform.python_version()}, {platform.system()} {platform.machine()}")


def _torch() -> Check:
    def check() -> Check:
        import torch

        cuda = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "for the CPU"
        return Check("torch", State.OK, f"{torch.__version__}, built {cuda}")

    return guarded("torch", check)


def _numba() -> Check:
    """Compiles a loop: the compiled CPU backend needs that."""
    import numba

    compiled = numba.njit(lambda number: number + 1)
    if compiled(1) != 2:
        raise RuntimeError("a compiled loop gives a wrong result")
    return Check("numba", State.OK, f"{version('numba')}, compiles")


def _threads() -> Check:
    import torch
    from numba.core import config

    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    torch_threads, numba_threads = torch.get_num_threads(), int(getattr(config, "NUMBA_NUM_THREADS", cores))
    found = f"{cores} cores; torch {torch_threads}, numba {numba_threads} threads"
    if max(torch_threads, numba_threads) > cores:
        return Check("threads", State.WARNING, found, f"set OMP_NUM_THREADS={cores} NUMBA_NUM_THREADS={cores}")
    return Check("threads", State.OK, found)


def check_memory() -> Check:
    """Free memory of the machine."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
        total, free = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, KeyError, ValueError, IndexError):
        return Check("memory", State.ABSENT, "this system does not tell")
    found = f"{_gigabytes(free)} of {_gigabytes(total)} free"
    if free < LEAST_MEMORY_BYTES:
        return Check("memory", State.WARNING, found, "run fewer workers at a time: ttrec sweep --workers 1")
    return Check("memory", State.OK, found)


def check_disk(name: str, folder: Path, use: str) -> Check:
    """Free space where `folder` lies."""
    free = shutil.disk_usage(folder).free
    found = f"{_gigabytes(free)} free for {use} in {folder}"
    if not os.access(folder, os.W_OK):
        return Check(name, State.WARNING, found, f"{folder} cannot be written; use another folder for {use}")
    if free < LEAST_DISK_BYTES:
        return Check(name, State.WARNING, found, f"free some space there, or use another folder for {use}")
    return Check(name, State.OK, found)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _guarded_gpu(device: str) -> list[Check]:
    try:
        from ttrec_kernels.cuda.status import cuda_status

        status = cuda_status()
    except Exception as error:
        return [Check("backend", State.FAILED, _first_line(error), "mend torch first")]
    return gpu_checks(status, device)


def gpu_checks(status: "CudaStatus", device: str) -> list[Check]:
    """The GPU's parts as facts; what is wrong with them is said once, by the backend's check."""
    capability = "" if status.capability is None else f", compute capability {'.'.join(map(str, status.capability))}"
    memory = "" if status.device_bytes is None else f", {_gigabytes(status.device_bytes)}"
    gpu = None if status.device is None else f"{status.device}{capability}{memory}"
    parts = {"gpu": gpu, "driver": status.driver, "cupy": status.cupy, "nvrtc": status.nvrtc}
    checks = [
        Check(name, State.ABSENT if found is None else State.OK, found or "none") for name, found in parts.items()
    ]
    if status.ready and device != "cpu":
        return [*checks, Check("backend", State.OK, "cuda")]
    if device == "cuda":
        return [*checks, Check("backend", State.FAILED, "cuda", status.problem or "")]
    if status.device is not None and device == "auto":
        return [*checks, Check("backend", State.WARNING, "cpu", status.problem or "")]
    return [*checks, Check("backend", State.OK, "cpu")]
