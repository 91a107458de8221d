"""Every kernel, executed on the host, keeps the contract of all backends."""

from dataclasses import replace

import pytest
import torch
from contracts.lookup_cases import SHAPES, Table, fresh_generator, mixed_tables, pack, with_bags, with_matrix
from contracts.tables_contract import TablesContract, check_fused, check_lookup, found
from cuda_emulator.adapter import CudaBackend
from cuda_emulator.emulator import Emulator

from ttrec_kernels.cuda.geometry import DeviceLimits

WAYS = {
    "atomic": {"deterministic": False},
    "atomic, parts": {"deterministic": False, "workspace_bytes": 4000},
    "parts": {"workspace_bytes": 30_000},
    "sparse": {"sparse": True},
    "sparse, parts": {"sparse": True, "workspace_bytes": 4000},
}


class TestDeterministic(TablesContract):
    @pytest.fixture(autouse=True)
    def _emulate(self, build_folder):
        self.backend = CudaBackend(Emulator(build_folder))


@pytest.fixture
def contract(build_folder):
    made = TablesContract()
    made.backend = CudaBackend(Emulator(build_folder))
    return made


@pytest.fixture
def generator():
    return fresh_generator()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_other_ways_of_the_backward_pass(contract, way, generator):
    contract.backend = replace(contract.backend, **way)
    check_lookup(contract, with_matrix(pack(mixed_tables(), generator), 9, generator))
    check_lookup(contract, with_bags(pack(mixed_tables(), generator), (4, 0, 11), generator, weighted=True))
    tables = [Table.of(SHAPES["2^k - 1"], cached=9), Table(2, 8), Table.of(SHAPES["2^k - 1"])]
    check_lookup(contract, with_bags(pack(tables, generator), (40, 0, 57), generator, mean=True))


@pytest.mark.parametrize("kind", ["sgd", "adagrad", "rowwise-adagrad"])
def test_fused_steps_in_parts(contract, kind, generator):
    """A dense row whose lookups fall into several parts is stepped once, by its whole gradient."""
    contract.backend = replace(contract.backend, workspace_bytes=1500)
    tables = [Table(2, 4), Table.of(SHAPES["five cores"], cached=2), Table(3, 4), Table.of(SHAPES["rank 33"])]
    check_fused(contract, pack(tables, generator), kind, generator)


def test_rows_too_large_for_shared_memory(contract, generator):
    """Prefixes then lie in global memory, in few blocks that take many bags each."""
    contract.backend.emulator.limits = DeviceLimits(1, 400)
    check_lookup(contract, with_bags(pack(mixed_tables(), generator), [1, 0, 2] * 20, generator, weighted=True))
    geometries = dict(contract.backend.emulator.launched)
    assert geometries["lookup_forward"].scratch_floats > 0
    assert geometries["lookup_forward"].blocks == (4, 1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_16_bit_storage(contract, dtype, generator):
    contract.dtype = dtype
    check_lookup(contract, with_bags(pack(mixed_tables(), generator), (4, 0, 11), generator, weighted=True))
    check_lookup(contract, with_matrix(pack(mixed_tables(), generator), 9, generator))


def test_the_order_of_threads_changes_nothing(contract, generator):
    """Threads that run from the last to the first give the same bits: no barrier is missing."""
    lookup = with_bags(pack(mixed_tables(), generator), (4, 0, 11, 30), generator, weighted=True)
    forwards = found(contract, lookup)
    contract.backend.emulator.backwards = True
    for label, values in found(contract, lookup).items():
        assert torch.equal(values, forwards[label]), label


def test_launches_do_not_grow_with_tables(contract, generator):
    """One launch forward; backward as many for twenty tables as for two."""
    counts = []
    for tables in (2, 20):
        contract.backend.emulator.launched.clear()
        shape = SHAPES["dim 64"]
        lookup = pack([Table.of(shape) for _ in range(tables - 1)] + [Table(9, shape.dim)], generator)
        found(contract, with_matrix(lookup, 3, generator))
        counts.append([kernel for kernel, _ in contract.backend.emulator.launched])
    assert counts[0] == counts[1]
    assert counts[0].count("lookup_forward") == 1
    assert len(counts[0]) <= 13
