"""The machine a benchmark runs on: its name, its threads, and its ceilings measured like any other case."""

import ctypes
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ttrec_cli.bench.timing import Case, Timing, Work, synchronize
from ttrec_cli.errors import ConfigError
from ttrec_cli.store.provenance import provenance

GEMM, COPY = "sgemm", "copy"
GEMM_SIZE = {"cpu": 1536, "cuda": 8192}
COPY_BYTES = {"cpu": 256 * 10**6, "cuda": 2 * 10**9}
ITEM_BYTES = 4


@dataclass(frozen=True)
class Ceilings:
    """What the machine reached in this run: a large fp32 matrix product, and a copy (bytes read and written)."""

    gflops: float
    gigabytes_per_second: float


def choose_device(choice: str) -> torch.device:
    """The device behind `auto`, `cpu` or `cuda`; `ConfigError` where it is not there."""
    if choice not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"--device is auto, cpu or cuda, but is {choice!r}")
    if choice == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: torch sees no CUDA device here; use --device cpu")
    return torch.device("cpu" if choice == "cpu" or not torch.cuda.is_available() else "cuda")


def ceiling_cases(device: torch.device) -> list[Case]:
    """Cases whose times are the ceilings; they take turns with those that are judged by them."""
    size, numbers = GEMM_SIZE[device.type], COPY_BYTES[device.type] // ITEM_BYTES
    left, right = (torch.rand(size, size, device=device) for _ in range(2))
    product = torch.empty(size, size, device=device)
    source, target = (torch.zeros(numbers, device=device) for _ in range(2))
    return [
        Case(GEMM, "ceiling", lambda _: torch.mm(left, right, out=product), Work(flops=2.0 * size**3)),
        Case(COPY, "ceiling", lambda _: target.copy_(source), Work(bytes=2.0 * numbers * ITEM_BYTES)),
    ]


def ceilings_of(timings: Sequence[Timing]) -> Ceilings:
    """The ceilings among timings that hold those of `ceiling_cases`."""
    found = {timing.case.name: timing for timing in timings if timing.case.phase == "ceiling"}
    gemm, copy = found[GEMM], found[COPY]
    return Ceilings(gemm.case.work.flops / gemm.median_ms / 1e6, copy.case.work.bytes / copy.median_ms / 1e6)


def machine_facts(device: torch.device) -> dict[str, Any]:
    """Columns that say where and with what a benchmark ran."""
    cuda = device.type == "cuda"
    facts = provenance()
    return {
        "device": device.type,
        "gpu": torch.cuda.get_device_name(device) if cuda else None,
        "driver": _driver() if cuda else None,
        "threads": torch.get_num_threads(),
        **{name: facts[name] for name in sorted(facts)},
    }


def _driver() -> str | None:
    with suppress(OSError, IndexError):
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8").splitlines()[0]
        return next((word for word in text.split() if word[:1].isdigit()), None)
    return None


def workspace_bytes(case: Case, device: torch.device) -> int:
    """Peak of what one call takes beside what it holds anyway, at the grain of pages on a CPU."""
    if device.type == "cuda":
        synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        case.run(0)
        synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # pages freed before do not hide those that are needed now
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM, the peak, begins anew
    before = _resident_bytes("VmRSS")
    case.run(0)
    return max(0, _resident_bytes("VmHWM") - before)


def _resident_bytes(field: str) -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return 0
