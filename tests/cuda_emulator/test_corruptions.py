"""Each kernel, spoiled in one place on purpose, fails the contract: the tests can tell."""

import pytest
import torch
from contracts.lookup_cases import SHAPES, Table, fresh_generator, mixed_tables, pack, with_bags
from contracts.tables_contract import TablesContract, check_fused, check_lookup, found
from cuda_emulator.adapter import CudaBackend
from cuda_emulator.emulator import Emulator

LOOKUP_FAULTS = {
    "a bag keeps its last row only": ("lookup_forward", "sums[column] += factor *", "sums[column] = factor *"),
    "a cached row is read from the cores": ("lookup_forward", "if (key == row) return", "if (false) return"),
    "probing stops at the first entry": ("lookup_forward", "probes < capacity", "probes < 1"),
    "the digit is of the wrong core": ("lookup_forward", "row / core.tail % core.p", "row % core.p"),
    "lanes keep their share": ("sample_weight_gradient", "share += __shfl_xor_sync(ALL_LANES, share, apart)", ""),
    "padding has a gradient": ("sorted_lookups", "(row == table[PADDING] && row >= 0) || !is_row(", "!is_row("),
    "row arithmetic has 32 bits": ("sorted_lookups", "wide key = keys[begin + i]", "wide key = (int)keys[begin + i]"),
    "chunks of a row are lost": ("row_gradients", "at += chunk)\n      total", "at += 2 * chunk)\n      total"),
    "a row of several parts is cut": ("row_gradients", "before ? carried[column] : 0.0f", "0.0f"),
    "a prefix is read at its child": ("prefix_products", "(wide)trie.head(level - 1, i) *", "i *"),
    "the last child replaces its siblings": ("prefix_gradients", "place, begun, tile", "place, false, tile"),
    "chunks of a prefix are lost": ("prefix_gradients", "total += levels.gradients", "total += 0 * levels.gradients"),
    "parts replace each other": ("prefix_gradients", "slice[at] += total", "slice[at] = total"),
    "terms of a slice are lost": ("slice_gradients", "term < TILE_DEPTH; ++term", "term < TILE_DEPTH - 1; ++term"),
}

MEAN_FAULTS = {
    "the mean is a sum": ("lookup_forward", "tables.mean && counted ? 1.0f / counted : 1.0f", "1.0f"),
    "the mean's gradient is the sum's": ("row_gradients", "if (scales) factor *= scales[segment];", ""),
    "padding counts": ("sorted_lookups", "counted += !(row == table[PADDING] && row >= 0)", "counted += 1"),
}

STEP_FAULTS = {
    "sgd": ("slice_update", "- step)", "- 2 * step)"),
    "adagrad": ("row_gradients", "*state = sum;", ""),
    "rowwise-adagrad": ("slice_update", "squares / core.slice()", "squares"),
}

LOADED = "row, column, left, right);\n    __syncthreads();"
MULTIPLIED = "core.q * core.right, one, lane);\n  __syncwarp();"
BARRIERS = {
    "block": ("slice_gradients", LOADED, LOADED.replace("__syncthreads();", "")),
    "warp": ("lookup_forward", MULTIPLIED, MULTIPLIED.replace("__syncwarp();", "")),
}


@pytest.fixture
def contract(build_folder):
    made = TablesContract()
    made.backend = CudaBackend(Emulator(build_folder), workspace_bytes=150_000)
    return made


def judge(contract, options):
    """Lookups that use all that can be spoiled: caches, padding, long bags, hot rows, several parts."""
    generator = fresh_generator()
    tables = [*mixed_tables(), Table.of(SHAPES["beyond 2^32 rows"], padding_idx=1, cached=40), Table(1, 4)]
    lookup = with_bags(pack(tables, generator), (70, 0, 9), generator, **options)
    for line in (1, 7):
        lookup.indices[79 * line : 79 * line + 9] = tables[line].padding_idx
    hot = lookup.cache_keys[lookup.places[7].cache.start :]
    hot = hot[hot >= 0]
    lookup.indices[79 * 7 + 20 : 79 * 7 + 20 + len(hot)] = hot
    check_lookup(contract, lookup)


@pytest.mark.parametrize("options", [{"weighted": True}, {"mean": True}], ids=str)
def test_unspoiled(contract, options):
    judge(contract, options)


@pytest.mark.parametrize("fault", LOOKUP_FAULTS.values(), ids=LOOKUP_FAULTS)
def test_a_spoiled_lookup_is_seen(contract, fault):
    contract.backend.emulator.corrupt = fault
    with pytest.raises(AssertionError):
        judge(contract, {"weighted": True})
    assert contract.backend.emulator.corrupted


@pytest.mark.parametrize("fault", MEAN_FAULTS.values(), ids=MEAN_FAULTS)
def test_a_spoiled_mean_is_seen(contract, fault):
    contract.backend.emulator.corrupt = fault
    with pytest.raises(AssertionError):
        judge(contract, {"mean": True})
    assert contract.backend.emulator.corrupted


@pytest.mark.parametrize("kind", STEP_FAULTS)
def test_a_spoiled_step_is_seen(contract, kind):
    contract.backend.emulator.corrupt = STEP_FAULTS[kind]
    tables = [Table.of(SHAPES["five cores"]), Table(3, 4)]
    with pytest.raises(AssertionError, match=r"weights|states"):
        check_fused(contract, pack(tables, fresh_generator()), kind, fresh_generator())
    assert contract.backend.emulator.corrupted


@pytest.mark.parametrize("barrier", BARRIERS.values(), ids=BARRIERS)
def test_a_missing_barrier_is_seen(contract, barrier):
    contract.backend.emulator.corrupt = barrier
    generator = fresh_generator()
    lookup = with_bags(pack(mixed_tables(), generator), (9, 3), generator)
    forwards = found(contract, lookup)
    contract.backend.emulator.backwards = True
    backwards = found(contract, lookup)
    assert contract.backend.emulator.corrupted
    assert any(not torch.equal(values, backwards[label]) for label, values in forwards.items())


def test_a_barrier_that_some_threads_miss_is_seen(contract):
    barrier = "  __syncwarp();  // the buffers are free again"
    uneven = "  if (lane) __syncwarp();\n  if (lane == 3) __syncthreads();"
    contract.backend.emulator.corrupt = ("lookup_forward", barrier, uneven)
    generator = fresh_generator()
    with pytest.raises(AssertionError, match="barriers that others never reach"):
        contract.backend.forward(with_bags(pack(mixed_tables(), generator), (9, 3), generator))
