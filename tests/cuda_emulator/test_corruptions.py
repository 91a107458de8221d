"""Each kernel, spoiled in one place on purpose, fails the contract: the tests can tell."""

from dataclasses import replace

import pytest
import torch
from contracts.lookup_cases import SHAPES, Table, fresh_generator, mixed_tables, pack, with_bags
from contracts.tables_contract import TablesContract, check_fused, check_lookup, found
from cuda_emulator.adapter import CudaBackend
from cuda_emulator.emulator import Emulator

LOOKUP_FAULTS = {
    "a bag keeps its last row only": ("sums[column] += factor * number", "sums[column] = factor * number"),
    "sample weights are dropped": (
        "sample_weights[j]) : 1.0f;\n      use_row",
        "sample_weights[j]) * 0 + 1 : 1.0f;\n      use_row"),
    "a cached row is read from the cores": ("if (key == row) return", "if (false) return"),
    "probing stops at the first entry": ("probes < capacity", "probes < 1"),
    "the digit is of the wrong core": ("row / core.tail % core.p", "row % core.p"),
    "row arithmetic has 32 bits": ("wide key = keys[begin + i];", "wide key = (int)keys[begin + i];"),
    "a product starts anew": ("sums[u] += to_float(left[(first + u) * k + a]) * number", "sums[u] = number"),
    "a prefix is read at its child": (
        "(wide)trie.head(level - 1, i) * levels.widths[level - 1];",
        "i * levels.widths[level - 1];"),
    "padding has a gradient": ("if ((row == table[PADDING] && row >= 0) || !is_row(table, t, row, 0)) return;", ""),
    "a weight's gradient is of one column": ("to_float(against[column])", "to_float(against[0])"),
    "lanes keep their share": ("share += __shfl_xor_sync(ALL_LANES, share, apart)", "share += 0"),
    "half of a row's chunks are lost": ("at += chunk)\n      total", "at += 2 * chunk)\n      total"),
    "the last child replaces its siblings": ("place, begun, tile", "place, false, tile"),
    "chunks of a prefix are lost": ("total += levels.gradients", "total += 0 * levels.gradients"),
    "terms of a slice are lost": ("term < TILE_DEPTH; ++term", "term < TILE_DEPTH - 1; ++term"),
    "parts replace each other": ("slice[a * n + b] += sums", "slice[a * n + b] = sums"),
    "first-core parts replace each other": ("slice[at] += total", "slice[at] = total"),
    "a row of several parts is cut": ("before ? carried[column] : 0.0f", "0.0f"),
}  # fmt: skip

MEAN_FAULTS = {
    "the mean is a sum": ("tables.mean && counted ? 1.0f / counted : 1.0f", "1.0f"),
    "the mean's gradient is the sum's": ("if (scales) factor *= scales[segment];", ""),
    "padding counts": ("counted += !(row == table[PADDING] && row >= 0)", "counted += 1"),
}

STEP_FAULTS = {
    "sgd": ("- step)", "- 2 * step)"),
    "adagrad": ("*state = sum;", ""),
    "rowwise-adagrad": ("squares / core.slice()", "squares"),
}


@pytest.fixture
def contract(build_folder):
    made = TablesContract()
    made.backend = CudaBackend(Emulator(build_folder), workspace_bytes=400_000)
    return made


def judge(contract, options):
    """Lookups that use all that can be spoiled: caches, padding, long bags, hot rows, several parts."""
    generator = fresh_generator()
    tables = [*mixed_tables(), Table.of(SHAPES["five cores"], padding_idx=1, cached=40), Table(1, 4)]
    lookup = with_bags(pack(tables, generator), (70, 0, 9), generator, **options)
    for line in (1, 7):
        lookup.indices[79 * line : 79 * line + 9] = tables[line].padding_idx
    hot = lookup.cache_keys[lookup.places[7].cache.start :]
    lookup.indices[79 * 7 + 20 : 79 * 7 + 60] = hot[hot >= 0]
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


@pytest.mark.parametrize(
    "barrier",
    [
        ("load_terms(trie, weights, levels, nodes, run, first, width, row, column, left, right);\n    __syncthreads();",
         "load_terms(trie, weights, levels, nodes, run, first, width, row, column, left, right);"),
        ("core.q * core.right, one, lane);\n  __syncwarp();", "core.q * core.right, one, lane);"),
    ],
    ids=["block", "warp"],
)  # fmt: skip
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
    contract.backend.emulator.corrupt = (
        "  __syncwarp();  // the buffers are free again",
        "  if (lane) __syncwarp();\n  if (lane == 3) __syncthreads();",
    )
    generator = fresh_generator()
    contract.backend = replace(contract.backend)
    with pytest.raises(AssertionError, match="barriers that others never reach"):
        contract.backend.forward(with_bags(pack(mixed_tables(), generator), (9, 3), generator))
