"""The kernels under the address and undefined-behaviour sanitizers, in a process of its own that preloads them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cuda_emulator.emulator import require_compiler

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys, pathlib, torch
sys.path[:0] = [{root!r} + "/tests"]
from contracts.lookup_cases import fresh_generator, mixed_tables, pack, with_bags, with_matrix
from contracts.tables_contract import TablesContract, check_fused, check_lookup
from cuda_emulator.adapter import CudaBackend
from cuda_emulator.emulator import Emulator

contract = TablesContract()
emulator = Emulator(pathlib.Path({folder!r}), sanitize=True, corrupt={corrupt!r})
contract.backend = CudaBackend(emulator, deterministic=False, workspace_bytes=60_000)
generator = fresh_generator()
tables = mixed_tables()
check_lookup(contract, with_bags(pack(tables, generator), (4, 0, 11), generator, weighted=True))
check_lookup(contract, with_matrix(pack(tables, generator), 5, generator))
check_fused(contract, pack(tables[1:], generator), "rowwise-adagrad", generator)
print("clean")
"""


def library() -> str:
    require_compiler()
    done = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    path = done.stdout.strip()
    if not os.path.isabs(path):
        required = "emulator" in os.environ.get("TTREC_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("g++ has no address sanitizer")
    return path


def run(folder: Path, corrupt: tuple[str, str, str] | None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "LD_PRELOAD": library(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")]),
        "OMP_NUM_THREADS": "1",
    }
    script = SCRIPT.format(root=str(ROOT), folder=str(folder), corrupt=corrupt)
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_no_access_out_of_bounds(build_folder):
    done = run(build_folder, None)
    assert done.stdout.endswith("clean\n"), done.stderr[-3000:]


TILE = "tile[a * PITCH + column] ="
SLICE = "weight = (VALUE_T*)weights.at[core.slot] + offset"
OVERRUNS = {
    "shared memory": (
        ("prefix_gradients", TILE, TILE.replace("column", "column + 9 * TILE * PITCH")),
        "use-after-poison",
    ),
    "global memory": (("slice_update", SLICE, f"{SLICE} + 5000"), "heap-buffer-overflow"),
}


@pytest.mark.parametrize(("corrupt", "kind"), OVERRUNS.values(), ids=OVERRUNS)
def test_an_access_out_of_bounds_is_seen(build_folder, corrupt, kind):
    done = run(build_folder, corrupt)
    assert done.returncode != 0
    assert f"AddressSanitizer: {kind}" in done.stderr
