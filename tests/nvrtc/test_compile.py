"""Every CUDA source compiles with NVRTC for every supported architecture, without a GPU, and keeps to registers."""

import os
import re
from importlib.util import find_spec

import pytest
import torch

from ttrec_kernels.cuda import launch
from ttrec_kernels.cuda.source import INDEX_TYPES, STEMS, VALUE_TYPES, Specialisation, kernel_names, source_text
from ttrec_kernels.errors import BackendError

ARCHITECTURES = (75, 80, 90, 120)
SPECIALISATIONS = [
    Specialisation(torch.float32, torch.int64),
    Specialisation(torch.float16, torch.int32),
    Specialisation(torch.bfloat16, torch.int64),
]
MOST_REGISTERS = 128
"""Of a thread, so that at least two blocks of 256 share a multiprocessor."""

FUNCTION = re.compile(
    r"Compiling entry function '(\w+)'.*?"
    r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers",
    re.DOTALL,
)


@pytest.fixture(autouse=True)
def _nvrtc():
    if find_spec("cupy") is None:
        required = "nvrtc" in os.environ.get("TTREC_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("no CuPy with NVRTC: CUDA sources cannot be compiled")


HEAVY = ("lookup_forward", "row_gradients", "prefix_gradients", "slice_update")
CASES = [(stem, SPECIALISATIONS[0], architecture) for stem in STEMS for architecture in ARCHITECTURES]
CASES += [(stem, special, 90) for stem in HEAVY for special in SPECIALISATIONS[1:]]


@pytest.mark.parametrize(
    ("stem", "special", "architecture"), CASES, ids=lambda value: str(getattr(value, "values", value))
)
def test_compiles_without_warnings_spills_or_local_memory(stem, special, architecture, record_property):
    code, report = launch.compile_offline(stem, special, architecture)
    assert code[:4] == b"\x7fELF"
    assert "warning" not in report, report
    found = FUNCTION.findall(report)
    assert sorted(name for name, *_ in found) == sorted(kernel_names(stem)), report
    for name, stack, stores, loads, registers in found:
        record_property(f"{name}-registers", int(registers))
        assert (stack, stores, loads) == ("0", "0", "0"), f"{name} spills: {report}"
        assert int(registers) <= MOST_REGISTERS, name


def test_an_architecture_that_nvrtc_dropped_is_one_sentence():
    with pytest.raises(BackendError, match=r"NVRTC could not compile slice_update\.cu"):
        launch.compile_offline("slice_update", SPECIALISATIONS[0], 60)


def test_a_warning_is_seen(monkeypatch):
    text = source_text("slice_update").replace("int warp =", "int unused_number; int warp =")
    monkeypatch.setattr(launch, "source_text", lambda _: text)
    _, report = launch.compile_offline("slice_update", SPECIALISATIONS[0], 90)
    assert "unused_number" in report


def test_every_source_is_compiled():
    folder = launch.__file__.rsplit("/", 1)[0]
    assert sorted(f"{stem}.cu" for stem in STEMS) == sorted(name for name in os.listdir(folder) if name.endswith(".cu"))
    assert sum(len(kernel_names(stem)) for stem in STEMS) == 13
    assert {special.values for special in SPECIALISATIONS} == set(VALUE_TYPES)
    assert {special.indices for special in SPECIALISATIONS} == set(INDEX_TYPES)


def test_a_text_has_each_header_once():
    text = source_text("prefix_products")
    assert text.count("struct Tables {") == 1
    assert '#include "' not in text


@pytest.mark.parametrize("dtype", [torch.float64, torch.int32], ids=str)
def test_types_that_kernels_lack_are_refused(dtype):
    with pytest.raises(BackendError, match="but the weights are"):
        Specialisation(dtype, torch.int64)
