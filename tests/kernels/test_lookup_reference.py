"""The reference lookup keeps the contract, and the contract notices when a lookup does not."""

import pytest
import torch
from contracts.lookup_contract import SHAPES, Case, LookupContract, check_lookup, fresh_generator

from ttrec_kernels import BagMode
from ttrec_kernels.reference import lookup
from ttrec_kernels.reference.lookup import lookup_bags, lookup_rows


class TestReference(LookupContract):
    lookup_bags = staticmethod(lookup_bags)


def swap_digits(monkeypatch):
    honest = lookup.row_digits
    monkeypatch.setattr(lookup, "row_digits", lambda indices, p: honest(indices, p[::-1])[::-1])


def swap_columns(monkeypatch):
    honest = lookup._pick_slices

    def flipped(core, digits):
        return honest(core.flip(2).contiguous(), digits)

    monkeypatch.setattr(lookup, "_pick_slices", flipped)


def count_padding(monkeypatch):
    """The mean divides by all lookups of a bag, those of the padding index too."""
    honest = lookup._pool

    def divide_by_all(rows, bag_of, bags, _):
        return honest(rows, bag_of, bags, BagMode.SUM) / torch.tensor([[4], [2]])

    monkeypatch.setattr(lookup, "_pool", divide_by_all)


def drop_last_lookup(monkeypatch):
    honest = lookup._pool
    monkeypatch.setattr(lookup, "_pool", lambda rows, bag_of, *rest: honest(rows[:-1], bag_of[:-1], *rest))


def lose_repeated_gradients(monkeypatch):
    honest = lookup._pick_slices

    def detached(core, digits):
        seen = {int(digit): at for at, digit in enumerate(digits)}
        keeps = torch.tensor([seen[int(digit)] == at for at, digit in enumerate(digits)])
        slices = honest(core, digits)
        return torch.where(keeps[:, None, None], slices, slices.detach())

    monkeypatch.setattr(lookup, "_pick_slices", detached)


CORRUPTIONS = [swap_digits, swap_columns, count_padding, drop_last_lookup, lose_repeated_gradients]


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_the_contract_catches_a_corrupted_lookup(corrupt, monkeypatch):
    shape = SHAPES["2^k - 1"]
    indices = torch.tensor([1, 2, 2, 77, 126, 5])
    case = Case(shape, indices, torch.tensor([0, 4, 6]), mode=BagMode.MEAN, padding_idx=77)
    check_lookup(lookup_bags, case, fresh_generator())
    corrupt(monkeypatch)
    with pytest.raises(AssertionError, match="off by"):
        check_lookup(lookup_bags, case, fresh_generator())


def test_gradients_in_float64_agree_with_differences():
    generator = fresh_generator()
    shape = SHAPES["five cores"]
    cores = [torch.randn(size, generator=generator, dtype=torch.float64) for size in shape.core_shapes]
    indices = torch.tensor([0, 94, 17, 17])

    def look_up(weights, *cores):
        return lookup_bags(cores, indices, torch.tensor([0, 1, 1, 4]), per_sample_weights=weights)

    weights = torch.randn(4, generator=generator, dtype=torch.float64)
    inputs = tuple(tensor.requires_grad_() for tensor in (weights, *cores))
    assert torch.autograd.gradcheck(look_up, inputs)


def test_lookups_in_chunks_are_the_same_function(monkeypatch):
    generator = fresh_generator()
    shape = SHAPES["rank 33"]
    cores = [torch.randn(size, generator=generator).requires_grad_() for size in shape.core_shapes]
    indices = torch.randint(shape.rows, (50,), generator=generator)
    upstream = torch.randn(50, shape.dim, generator=generator)
    found = []
    for workspace_bytes in (1, 20_000, 10**9):
        monkeypatch.setattr(lookup, "WORKSPACE_BYTES", workspace_bytes)
        rows = lookup_rows(cores, indices)
        found.append([rows, *torch.autograd.grad(rows, cores, upstream)])
    for label, one, other, whole in zip(("rows", "core 0", "core 1", "core 2"), *found, strict=True):
        torch.testing.assert_close(one, whole, rtol=1e-4, atol=1e-4, msg=f"{label} in chunks of 1")
        torch.testing.assert_close(other, whole, rtol=1e-4, atol=1e-4, msg=f"{label} in chunks")
