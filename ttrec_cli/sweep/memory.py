"""Whether a trial can fit at all: the least it needs against what is there."""

import contextlib
from pathlib import Path

from ttrec_cli.config import SweepConfig
from ttrec_cli.sweep.grid import Trial

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_there(config: SweepConfig, device_bytes: int | None = None) -> int | None:
    """Bytes for all trials that run at once: `resources.device_memory`, or what the device has; None if unknown.

    `device_bytes` are those of a GPU; without them the machine's own memory is meant.
    """
    if config.resources.device_memory is not None:
        return config.resources.device_memory
    return device_bytes or machine_memory()


def does_not_fit(trial: Trial, there: int | None) -> str:
    """Why a trial cannot fit into so many bytes; empty where it can, or where nobody knows.

    Only what is certain counts: weights, optimiser state, gradients and the activations of a batch, in fp32. A
    trial that passes may still run out of memory.
    """
    needed = trial.costs.needed_bytes
    if there is None or needed <= there:
        return ""
    return f"does not fit: needs {gigabytes(needed)} at least, {gigabytes(there)} there"


def machine_memory() -> int | None:
    """The machine's memory, or what its container may use of it; None where the system does not say."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                found.append(int(line.split()[1]) * 1024)
    for limit in CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            found.append(int(Path(limit).read_text()))
    return min(found, default=None)


def gigabytes(count: int) -> str:
    """Bytes as MB or GB (10^6, 10^9)."""
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.2f} MB"
