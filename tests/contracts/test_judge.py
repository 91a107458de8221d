"""The judge passes its own contract, and a backend that is wrong in one place does not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from contracts.lookup_cases import Lookup, Table, fresh_generator, mixed_tables, pack, with_bags, with_matrix
from contracts.lookup_judge import Gradients, Judge, Optimizer
from contracts.tables_contract import TablesContract, check_fused, check_lookup
from torch import Tensor


def test_the_judge_in_fp32_agrees_with_itself_in_float64() -> None:
    contract = TablesContract()
    contract.backend = Judge()
    generator = fresh_generator()
    check_lookup(contract, with_matrix(pack(mixed_tables(), generator), 9, generator))
    for options in ({"weighted": True}, {"mean": True}):
        check_lookup(contract, with_bags(pack(mixed_tables(), generator), (0, 3, 17), generator, **options))
    check_fused(contract, pack(mixed_tables(), generator), "adagrad", generator)


class _Spoiled(Judge):
    """The judge with one number of one result changed."""

    def __init__(self, spoil_output: bool, slot: int | None) -> None:
        self.spoil_output, self.slot = spoil_output, slot

    def forward(self, lookup: Lookup) -> Tensor:
        output = super().forward(lookup)
        return output + 0.01 * torch.nn.functional.one_hot(torch.tensor(1), lookup.dim) if self.spoil_output else output

    def backward(self, lookup: Lookup, grad_out: Tensor) -> Gradients:
        gradients = super().backward(lookup, grad_out)
        if self.slot is None:
            return gradients
        slots: Sequence[Tensor] = [slot.clone() for slot in gradients.slots]
        slots[self.slot].view(-1)[-1] += 0.01
        return replace(gradients, slots=tuple(slots))


@pytest.mark.parametrize(("spoil_output", "slot"), [(True, None), (False, 0), (False, 1), (False, 2)])
def test_a_wrong_number_is_seen(spoil_output: bool, slot: int | None) -> None:
    contract = TablesContract()
    contract.backend = _Spoiled(spoil_output, slot)
    generator = fresh_generator()
    with pytest.raises(AssertionError, match="is off by"):
        check_lookup(contract, with_matrix(pack(mixed_tables(), generator), 9, generator))


@pytest.mark.parametrize("kind", ["sgd", "adagrad", "rowwise-adagrad"])
def test_a_wrong_step_is_seen(kind: str) -> None:
    class Forgetful(Judge):
        def fused_step(self, lookup: Lookup, grad_out: Tensor, optimizer: Optimizer, states: Sequence[Tensor]) -> None:
            super().fused_step(lookup, grad_out, replace(optimizer, learning_rate=0.01), states)

    contract = TablesContract()
    contract.backend = Forgetful()
    generator = fresh_generator()
    with pytest.raises(AssertionError, match="weights"):
        check_fused(contract, pack(mixed_tables(), generator), kind, generator)


def test_the_judge_is_nn_embedding_bag_on_dense_tables() -> None:
    generator = fresh_generator()
    lookup = with_bags(pack([Table(20, 3)], generator), (4, 0, 7), generator, mean=True)
    ends = lookup.offsets
    assert ends is not None
    expected = torch.nn.functional.embedding_bag(
        lookup.indices, lookup.weights[0], ends, mode="mean", include_last_offset=True
    )
    torch.testing.assert_close(Judge().forward(lookup)[:, 0], expected)
