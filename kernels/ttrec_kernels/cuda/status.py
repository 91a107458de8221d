"""Whether this machine can run the CUDA kernels, found out without running one."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from ttrec_kernels.cuda import launch

OLDEST_CAPABILITY = (7, 5)
"""Turing: NVRTC of CUDA 13 compiles for nothing older."""
_INSTALL = "pip install 'ttrec[gpu]'"


@dataclass(frozen=True)
class CudaStatus:
    """What was found; `problem` is one sentence that says what is missing and what to do, None if nothing is."""

    problem: str | None
    torch_cuda: str | None
    """CUDA version that torch was built for."""
    device: str | None
    capability: tuple[int, int] | None
    device_bytes: int | None
    driver: str | None
    cupy: str | None
    nvrtc: str | None

    @property
    def ready(self) -> bool:
        """Whether the CUDA backend can run."""
        return self.problem is None


def cuda_status(index: int = 0) -> CudaStatus:
    """Look at torch, CUDA device `index`, CuPy and NVRTC; never raises and compiles nothing."""
    import torch

    seen = torch.cuda.is_available() and index < torch.cuda.device_count()
    properties: Any = torch.cuda.get_device_properties(index) if seen else None
    capability = (int(properties.major), int(properties.minor)) if seen else None
    nvrtc, nvrtc_problem = _nvrtc_version()
    return CudaStatus(
        problem=_torch_problem(torch.version.cuda, seen, index) or _capability_problem(capability) or nvrtc_problem,
        torch_cuda=torch.version.cuda,
        device=str(properties.name) if seen else None,
        capability=capability,
        device_bytes=int(properties.total_memory) if seen else None,
        driver=_driver_version(),
        cupy=_cupy_version(),
        nvrtc=nvrtc,
    )


def _torch_problem(built_for: str | None, seen: bool, index: int) -> str | None:
    if built_for is None:
        return "this torch is built without CUDA; on a machine with an NVIDIA GPU install the default torch from PyPI"
    if not seen:
        return f"torch sees no CUDA device {index}; check the driver with nvidia-smi, and CUDA_VISIBLE_DEVICES"
    return None


def _capability_problem(capability: tuple[int, int] | None) -> str | None:
    if capability is None or capability >= OLDEST_CAPABILITY:
        return None
    return (
        f"this GPU has compute capability {capability[0]}.{capability[1]}, but the kernels need 7.5 (Turing) or "
        "newer; use --device cpu"
    )


def _cupy_version() -> str | None:
    for package in ("cupy-cuda13x", "cupy-cuda12x", "cupy"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None


def _nvrtc_version() -> tuple[str | None, str | None]:
    """Version of the NVRTC that CuPy finds, and what is wrong if there is none."""
    if find_spec("cupy") is None:
        return None, f"CuPy is not installed, which compiles the CUDA kernels; {_INSTALL}"
    try:
        major, minor = launch.nvrtc_version()
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return None, f"CuPy cannot load NVRTC ({first}); {_INSTALL}"
    return f"{major}.{minor}", None


def _driver_version() -> str | None:
    """The driver's version, asked of NVML, which needs no CUDA context."""
    try:
        import pynvml

        pynvml.nvmlInit()
        driver = pynvml.nvmlSystemGetDriverVersion()
        pynvml.nvmlShutdown()
    except Exception:
        return None
    return driver if isinstance(driver, str) else driver.decode()
