"""The functions behind the registered ops take their arguments and give what the judge gives."""

import pytest
import torch
from contracts.lookup_cases import fresh_generator, mixed_tables, pack, with_bags, with_matrix
from contracts.lookup_judge import Judge, Optimizer, upstream
from contracts.tables_contract import cast
from cuda_emulator.emulator import Emulator

from ttrec_kernels.cuda import kernels

NO_ARENA = torch.empty(0, dtype=torch.uint8)
NAMES = "\n".join(f"C{line}" for line in range(len(mixed_tables())))


@pytest.fixture(autouse=True)
def _emulate(build_folder):
    with Emulator(build_folder).installed():
        yield


@pytest.fixture(params=["bags", "matrix"])
def lookup(request):
    generator = fresh_generator()
    packed = pack(mixed_tables(), generator)
    if request.param == "matrix":
        return with_matrix(packed, 9, generator)
    return with_bags(packed, (3, 0, 8), generator, weighted=True)


def batch_of(lookup):
    factors = lookup.sample_weights, lookup.cache_keys, lookup.cache_slots
    return (
        torch.from_numpy(lookup.matrix),
        lookup.indices,
        lookup.offsets,
        *factors,
        lookup.bags,
        lookup.dim,
        lookup.mean,
    )


def judged(lookup):
    return Judge().backward(cast(lookup, torch.float64), upstream(lookup).double())


def close(found, expected):
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-3)


def test_forward(lookup):
    output, kept = kernels.lookup(lookup.weights, *batch_of(lookup), NAMES, [False] * 3, 0)
    close(output, Judge().forward(cast(lookup, torch.float64)))
    assert kept.numel() == 0


@pytest.mark.parametrize(
    "wanted", [(True, True, True), (False, True, False), (True, False, True), (False,) * 3], ids=str
)
def test_wanted_gradients(lookup, wanted):
    arguments = upstream(lookup), NO_ARENA, lookup.weights, *batch_of(lookup)
    found, of_samples = kernels.lookup_backward(*arguments, list(wanted))
    expected = judged(lookup)
    for slot, is_wanted in enumerate(wanted):
        if is_wanted:
            close(found[slot], expected.slots[slot])
        else:
            assert found[slot].numel() == 0
    if lookup.sample_weights is not None:
        close(of_samples, expected.sample_weights)


@pytest.mark.parametrize("slot", [0, 2])
def test_sparse_gradients(lookup, slot):
    rows, values = kernels.lookup_rows_backward(upstream(lookup), NO_ARENA, lookup.weights, *batch_of(lookup), slot)
    dense = torch.zeros(lookup.weights[slot].shape).index_add(0, rows, values)
    close(dense, judged(lookup).slots[slot])


def test_frozen_weights_stay(lookup):
    exact = cast(lookup, torch.float64)
    Judge().fused_step(exact, upstream(lookup).double() / 8, Optimizer("sgd", 0.01), ())
    before = [weight.clone() for weight in lookup.weights]
    lookup.weights[0].requires_grad_()
    lookup.weights[2].requires_grad_()
    rate = torch.tensor([0.01], dtype=torch.float64)
    arguments = upstream(lookup) / 8, NO_ARENA, lookup.weights, *batch_of(lookup)
    kernels.lookup_update(*arguments, [], rate, 1, 0.0)
    close(lookup.weights[0].detach(), exact.weights[0])
    assert torch.equal(lookup.weights[1], before[1])
    close(lookup.weights[2].detach(), exact.weights[2])
