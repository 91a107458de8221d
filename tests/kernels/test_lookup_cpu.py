"""The compiled lookup on the CPU keeps the contract of many tables, and the contract notices when it does not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from contracts.lookup_cases import (
    CASES,
    SHAPES,
    Lookup,
    Table,
    fresh_generator,
    mixed_tables,
    pack,
    with_bags,
    with_matrix,
)
from contracts.lookup_judge import Gradients, Optimizer, upstream
from contracts.tables_contract import TablesContract, check_lookup
from torch import Tensor

from ttrec_kernels import EmbeddingTables, IndexRangeError, TableKind, TablePlan, TTEmbeddingBag, TTShape, ops
from ttrec_kernels.cpu import arena, loops, passes, small_products
from ttrec_kernels.cpu import lookup as compiled
from ttrec_kernels.cpu.compiled import SOURCES
from ttrec_kernels.lookup_tables import LookupTables

KINDS = {"sgd": 1, "adagrad": 2, "rowwise-adagrad": 3}


@dataclass
class CpuBackend:
    """The ops behind the contract's adapter."""

    keeps: bool = True
    sparse: bool = False

    def arguments(self, lookup: Lookup) -> tuple:
        keys = (lookup.cache_keys, lookup.cache_slots)
        tables = LookupTables(lookup.places, [f"t{number}" for number in range(len(lookup.places))])
        batch = ops.LookupBatch(
            tables.layout,
            lookup.indices,
            lookup.offsets,
            lookup.sample_weights,
            *keys,
            lookup.bags,
            lookup.dim,
            lookup.mean,
        )
        kept = tables.kept_bytes(lookup.bags, lookup.indices.numel(), lookup.offsets is None) if self.keeps else 0
        sparse = [self.sparse and weight.dim() == 2 for weight in lookup.weights]
        return batch, tables.names, sparse, kept

    def run(self, lookup: Lookup) -> tuple[Tensor, Tensor]:
        batch, *options = self.arguments(lookup)
        return torch.ops.ttrec.lookup(list(lookup.weights), *batch, *options)

    def forward(self, lookup: Lookup) -> Tensor:
        return self.run(lookup)[0]

    def backward(self, lookup: Lookup, grad_out: Tensor) -> Gradients:
        leaves = [weight.detach().clone().requires_grad_() for weight in lookup.weights]
        factors = None if lookup.sample_weights is None else lookup.sample_weights.detach().clone().requires_grad_()
        self.forward(replace(lookup, weights=tuple(leaves), sample_weights=factors)).backward(grad_out)
        slots = tuple(leaf.grad.to_dense() if leaf.grad.is_sparse else leaf.grad for leaf in leaves)
        return Gradients(slots, None if factors is None else factors.grad)

    def fused_step(self, lookup: Lookup, grad_out: Tensor, optimizer: Optimizer, states: Sequence[Tensor]) -> None:
        weights = [weight.detach().requires_grad_() for weight in lookup.weights]
        batch = self.arguments(lookup)[0]
        kept = self.run(lookup)[1]
        rate = torch.tensor([optimizer.learning_rate])
        rule = (KINDS[optimizer.kind], optimizer.eps)
        with torch.no_grad():
            torch.ops.ttrec.lookup_update(grad_out, kept, weights, *batch, list(states), rate, *rule)


class TestCpu(TablesContract):
    backend = CpuBackend()


class TestCpuSparse(TablesContract):
    backend = CpuBackend(sparse=True)


class TestCpuNothingKept(TablesContract):
    backend = CpuBackend(keeps=False)


class TestCpuInParts(TablesContract):
    """A workspace so small that every batch is worked off in several parts."""

    backend = CpuBackend(keeps=False)

    @pytest.fixture(autouse=True)
    def _small_workspace(self, monkeypatch):
        monkeypatch.setattr(compiled, "WORKSPACE_BYTES", 20_000)


def drop_a_lookup(lookup: Lookup) -> Lookup:
    indices = lookup.indices.clone()
    indices[-1] = (indices[-1] + 1) % lookup.places[-1].rows
    return replace(lookup, indices=indices)


def swap_row_factors(lookup: Lookup) -> Lookup:
    place = lookup.places[1]
    shape = replace(place.shape, row_factors=place.shape.row_factors[::-1])
    return replace(lookup, places=(lookup.places[0], replace(place, shape=shape), *lookup.places[2:]))


def forget_the_cache(lookup: Lookup) -> Lookup:
    return replace(lookup, cache_keys=torch.full_like(lookup.cache_keys, -1))


def scale_weights(lookup: Lookup) -> Lookup:
    return replace(lookup, sample_weights=1.5 * lookup.sample_weights)


def shift_bags(lookup: Lookup) -> Lookup:
    offsets = lookup.offsets.clone()
    offsets[1] += 1
    return replace(lookup, offsets=offsets)


@pytest.mark.parametrize("corrupt", [drop_a_lookup, swap_row_factors, forget_the_cache, scale_weights, shift_bags])
def test_the_contract_catches_a_corrupted_lookup(corrupt):
    class Corrupted(CpuBackend):
        def arguments(self, lookup: Lookup) -> tuple:
            return super().arguments(corrupt(lookup))

    class Contract(TablesContract):
        backend = Corrupted()

    generator = fresh_generator()
    lookup = with_bags(pack(mixed_tables(), generator), (3, 17, 1), generator, weighted=True)
    hot = lookup.cache_keys[lookup.cache_keys >= 0]
    indices = lookup.indices.clone()
    indices[2 * 21 : 2 * 21 + 3] = hot[:3]
    lookup = replace(lookup, indices=indices)
    check_lookup(TestCpu(), lookup)
    with pytest.raises(AssertionError, match="off by"):
        check_lookup(Contract(), lookup)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", SHAPES)
def test_what_a_forward_pass_may_keep_holds_all_it_writes(name, case):
    lookup = CASES[case](SHAPES[name], fresh_generator())
    backend = CpuBackend()
    batch, _, _, kept_bytes = backend.arguments(lookup)
    if lookup.bags:
        assert compiled.arena_bytes(compiled.read_batch(lookup.weights, *batch), 1) <= kept_bytes


@pytest.mark.parametrize("tables", [mixed_tables(), [Table.of(SHAPES["rank 33"], cached=2)]], ids=["many", "one"])
@pytest.mark.parametrize("step", ["none", "sgd", "adagrad"])
def test_bits_do_not_depend_on_the_number_of_threads(tables, step):
    """One thread takes each table as a whole; two divide one table, and share out many, whole or divided."""
    generator = fresh_generator()
    lookup = with_matrix(pack(tables, generator), 500, generator)
    found, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(_outcome(lookup, step))
    finally:
        torch.set_num_threads(before)
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)


def _outcome(lookup: Lookup, step: str) -> tuple[Tensor, ...]:
    """Vectors and gradients, or the weights and states after a fused step."""
    backend = CpuBackend()
    if step == "none":
        return backend.forward(lookup), *backend.backward(lookup, upstream(lookup)).slots
    mine = replace(lookup, weights=tuple(weight.clone() for weight in lookup.weights))
    states = [torch.zeros_like(weight) for weight in mine.weights] if step == "adagrad" else []
    backend.fused_step(mine, upstream(lookup), Optimizer(step, 0.1, 1e-10), states)
    return *mine.weights, *states


@pytest.mark.parametrize("wrong", [-1, 24, 2**40])
def test_a_bad_index_is_named(wrong):
    generator = fresh_generator()
    lookup = with_matrix(pack([Table(100, 4), Table.of(SHAPES["rank 33"])], generator), 5, generator)
    lookup.indices[3, 1] = wrong
    with pytest.raises(IndexRangeError, match=rf"index {wrong} lies outside table t1, which has 24 rows"):
        CpuBackend().forward(lookup)


def test_opcheck():
    generator = fresh_generator()
    lookup = with_bags(pack(mixed_tables(), generator), (2, 0, 5), generator, weighted=True)
    weights = [weight.requires_grad_() for weight in lookup.weights]
    batch, *options = CpuBackend(keeps=False).arguments(lookup)  # what is kept has gaps that nobody writes
    torch.library.opcheck(torch.ops.ttrec.lookup, (weights, *batch, *options))
    # Without what a forward pass kept, and without autograd: these ops are themselves a backward pass.
    batch = batch._replace(sample_weights=batch.sample_weights.detach())
    arguments = (upstream(lookup), torch.empty(0, dtype=torch.uint8), [weight.detach() for weight in weights], *batch)
    torch.library.opcheck(torch.ops.ttrec.lookup_backward, (*arguments, [True, True, False]))
    torch.library.opcheck(torch.ops.ttrec.lookup_update, (*arguments, [], torch.tensor([0.1]), 1, 0.0))


def test_cached_machine_code_is_tied_to_every_file_it_comes_from():
    """Numba by itself would go on using a loop after the functions that it calls have changed."""
    for function in (passes.forward_pass, loops.run, small_products.multiply):
        assert function._cache._cache_file._source_stamp == SOURCES
    assert {"small_products.py", "loops.py", "layout.py"} <= {name for name, *_ in SOURCES}


def test_tables_that_do_not_fit_one_block_of_memory():
    """Three tensor trains of 1 to 3 MB of products each, a dense table between them, and rows that were never drawn."""
    shape = TTShape(9000, 16, (30, 20, 15), (2, 2, 4), (1, 32, 32, 1))
    plans = [TablePlan(f"t{k}", 9000, 16, TableKind.TT, shape) for k in range(3)]
    plans.insert(1, TablePlan("dense", 50, 16, TableKind.DENSE))
    bags = 3000
    assert bags * 128 * 2 > arena.BLOCK_FLOATS > bags * 128
    ours, wide = EmbeddingTables(plans, seed=1), EmbeddingTables(plans, seed=1, backend="reference").double()
    generator = fresh_generator()
    indices = torch.stack([torch.randint(1, plan.rows, (bags,), generator=generator) for plan in plans], dim=1)
    grad_out = torch.randn(bags, 4, 16, generator=generator)
    with torch.no_grad():
        ours.dense_weight[0] = wide.dense_weight[0] = torch.nan
    found, expected = ours(indices), wide(indices)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)
    found.backward(grad_out)
    expected.backward(grad_out.double())
    for (name, one), other in zip(ours.named_parameters(), wide.parameters(), strict=True):
        gradients = [each.grad.to_dense() if each.grad.is_sparse else each.grad for each in (one, other)]
        torch.testing.assert_close(
            gradients[0].double(), gradients[1], rtol=1e-3, atol=1e-3, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("weight", [float("inf"), float("nan")])
def test_weights_that_are_no_numbers_reach_their_own_lookups_alone(weight):
    bag = TTEmbeddingBag(24, 8, rank=3, mode="sum", padding_idx=5)
    rows, weights = torch.tensor([[5, 1], [2, 3]]), torch.tensor([[weight, 2.0], [weight, 1.0]])
    table = bag.to_dense().detach()
    found = bag(rows, per_sample_weights=weights)
    torch.testing.assert_close(found[0], 2 * table[1], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[1], weight * table[2] + table[3], rtol=1e-5, atol=1e-6, equal_nan=True)
    alone = bag(rows[:, :1], per_sample_weights=weights[:, :1])
    torch.testing.assert_close(alone, torch.stack([0 * table[5], weight * table[2]]), equal_nan=True)


def test_arguments_that_do_not_lie_together():
    """Compiled code knows where they begin, and nothing of their strides."""
    bag = TTEmbeddingBag(24, 8, rank=3, mode="sum")
    rows, weights = torch.randint(0, 24, (2, 10)).T, torch.rand(2, 10).T
    together = bag(rows.contiguous(), per_sample_weights=weights.contiguous())
    assert torch.equal(bag(rows, per_sample_weights=weights), together)
    assert torch.equal(bag(rows[:, 0], torch.arange(10)), bag(rows[:, :1]))
    gradient = torch.randn(8, 10).T
    by_strided, by_contiguous = (
        torch.autograd.grad(bag(rows), list(bag.cores), each) for each in (gradient, gradient.contiguous())
    )
    for one, other in zip(by_strided, by_contiguous, strict=True):
        assert torch.equal(one, other)
