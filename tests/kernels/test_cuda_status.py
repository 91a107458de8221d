"""What is missing for the CUDA kernels is said in one sentence that tells what to do."""

from types import SimpleNamespace

import pytest
import torch

from ttrec_kernels.cuda import launch, status
from ttrec_kernels.cuda.status import cuda_status
from ttrec_kernels.errors import BackendError


@pytest.fixture
def hopper(monkeypatch):
    """A machine whose torch sees one H100."""
    properties = SimpleNamespace(major=9, minor=0, name="NVIDIA H100", total_memory=80 * 10**9)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    monkeypatch.setattr(launch, "nvrtc_version", lambda: (13, 2))
    monkeypatch.setattr(status, "find_spec", lambda _: object())
    return properties


def test_a_ready_machine(hopper):
    found = cuda_status()
    assert found.ready
    assert (found.device, found.capability, found.nvrtc) == ("NVIDIA H100", (9, 0), "13.2")


def test_a_device_too_old(hopper):
    hopper.major, hopper.minor = 7, 0
    problem = cuda_status().problem
    assert problem is not None
    assert "compute capability 7.0" in problem
    assert "need 7.5" in problem


def test_no_cupy(hopper, monkeypatch):
    monkeypatch.setattr(status, "find_spec", lambda _: None)
    problem = cuda_status().problem
    assert problem is not None
    assert "pip install 'ttrec[gpu]'" in problem


def test_a_broken_nvrtc(hopper, monkeypatch):
    def broken() -> tuple[int, int]:
        raise RuntimeError("libnvrtc.so.13: cannot open shared object file\nand more")

    monkeypatch.setattr(launch, "nvrtc_version", broken)
    problem = cuda_status().problem
    assert problem is not None
    assert "libnvrtc.so.13: cannot open shared object file);" in problem
    assert "\n" not in problem


def test_no_such_device(hopper):
    problem = cuda_status(3).problem
    assert problem is not None
    assert "torch sees no CUDA device 3" in problem


def test_kernels_refuse_with_the_same_sentence(hopper, monkeypatch):
    hopper.major = 6
    launch.require_device.cache_clear()
    with pytest.raises(BackendError, match=r"compute capability 6\.0"):
        launch.require_device(0)
    launch.require_device.cache_clear()


@pytest.mark.skipif(torch.version.cuda is not None, reason="torch is built with CUDA")
def test_this_torch_has_no_cuda():
    problem = cuda_status().problem
    assert problem is not None
    assert "built without CUDA" in problem
