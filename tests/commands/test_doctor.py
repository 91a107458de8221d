"""`ttrec doctor` on this machine, and what it says of machines with a GPU."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ttrec_cli.commands import doctor_checks
from ttrec_cli.commands.doctor_checks import Check, State
from ttrec_kernels.cuda.status import CudaStatus, cuda_status

READY = CudaStatus(None, "13.2", "NVIDIA H100", (9, 0), 80 * 10**9, "580.1", "14.2.0", "13.2")
BROKEN = replace(READY, problem="CuPy is not installed; pip install 'ttrec[gpu]'", cupy=None, nvrtc=None)


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ttrec_cli.app", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)


def test_json(tmp_path):
    done = run("--json", folder=tmp_path)
    result = json.loads(done.stdout)["result"]
    assert set(result) == {"ready", "backend", "checks"}
    assert [check["name"] for check in result["checks"]] == [
        "python", "torch", "numba", "threads", "memory", "disk", "temporary disk", "gpu", "driver", "cupy", "nvrtc",
        "backend",
    ]  # fmt: skip
    assert all(set(check) == {"name", "state", "found", "advice"} for check in result["checks"])
    assert result["ready"] is True, result
    assert done.returncode == 0


@pytest.mark.skipif(cuda_status().ready, reason="there is a GPU")
def test_a_gpu_that_is_asked_for_and_not_there_is_a_failure(tmp_path):
    done = run("--device", "cuda", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "Not ready: backend."
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("status", "device", "state", "found"),
    [
        (READY, "auto", State.OK, "cuda"),
        (READY, "cuda", State.OK, "cuda"),
        (READY, "cpu", State.OK, "cpu"),
        (BROKEN, "auto", State.WARNING, "cpu"),
        (BROKEN, "cuda", State.FAILED, "cuda"),
        (BROKEN, "cpu", State.OK, "cpu"),
    ],
)
def test_the_backend_that_will_run(status, device, state, found):
    last = doctor_checks.gpu_checks(status, device)[-1]
    assert (last.name, last.state, last.found) == ("backend", state, found)
    assert last.advice == ("" if state == State.OK else status.problem)


def test_little_memory_and_disk_are_warnings(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor_checks, "LEAST_MEMORY_BYTES", 2**62)
    monkeypatch.setattr(doctor_checks, "LEAST_DISK_BYTES", 2**62)
    disk = doctor_checks.check_disk("disk", tmp_path, "results")
    assert disk.state == State.WARNING
    assert disk.advice
    if Path("/proc/meminfo").exists():
        assert doctor_checks.check_memory().state == State.WARNING


def test_a_broken_library_is_a_finding_and_no_crash():
    def broken() -> Check:
        raise OSError("libomp.so: cannot open\nmore")

    found = doctor_checks.guarded("numba", broken)
    assert (found.state, found.found) == (State.FAILED, "libomp.so: cannot open")
