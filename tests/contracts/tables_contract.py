"""What every compiled backend must do with many tables in one call; its test inherits `TablesContract`.

Outputs and every gradient are judged against float64, each under its own name. The error allowed is that of adding
in any order: the same function of absolute values, times the number of terms, times the machine epsilon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Protocol

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
from contracts.lookup_judge import Gradients, Judge, Optimizer, new_states, upstream
from torch import Tensor


class TablesBackend(Protocol):
    """How a test drives a backend. Tensors are on the backend's device; `fused_step` changes them in place."""

    def forward(self, lookup: Lookup) -> Tensor:
        """Vectors (bags, tables, dim)."""

    def backward(self, lookup: Lookup, grad_out: Tensor) -> Gradients:
        """Gradients of every slot, dense, and of the sample weights."""

    def fused_step(self, lookup: Lookup, grad_out: Tensor, optimizer: Optimizer, states: Sequence[Tensor]) -> None:
        """Gradients applied to weights and states, which are changed in place."""


class TablesContract:
    """Inherit, and give `backend` (and `device`); every test then runs on that backend."""

    device = "cpu"
    dtype = torch.float32
    backend: TablesBackend
    optimizers = ("sgd", "adagrad", "rowwise-adagrad")

    @pytest.fixture
    def generator(self) -> torch.Generator:
        return fresh_generator()

    @pytest.mark.parametrize("make_case", CASES.values(), ids=CASES)
    @pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
    def test_one_table(self, shape, make_case, generator):
        check_lookup(self, make_case(shape, generator))

    @pytest.mark.parametrize("bags", [0, 1, 33])
    def test_mixed_tables_one_index_each(self, bags, generator):
        check_lookup(self, with_matrix(pack(mixed_tables(), generator), bags, generator))

    @pytest.mark.parametrize("options", [{}, {"weighted": True}, {"mean": True}], ids=str)
    def test_mixed_tables_bags(self, options, generator):
        check_lookup(self, with_bags(pack(mixed_tables(), generator), (0, 3, 17, 1, 0), generator, **options))

    def test_only_dense_tables(self, generator):
        tables = [Table(3, 16), Table(40, 16, padding_idx=7)]
        check_lookup(self, with_bags(pack(tables, generator), (50, 100, 0), generator, mean=True))

    def test_32_bit_indices(self, generator):
        tables = [Table.of(SHAPES["five cores"]), Table(9, 4), Table.of(SHAPES["rank 33"], cached=2)]
        lookup = with_bags(pack(tables, generator), (4, 2), generator)
        check_lookup(self, replace(lookup, indices=lookup.indices.int()))
        lookup = with_matrix(lookup, 6, generator)
        check_lookup(self, replace(lookup, indices=lookup.indices.int()))

    def test_many_lookups(self, generator):
        tables = [Table.of(SHAPES["2^k - 1"], cached=9), Table(2, 8), Table(5000, 8)]
        check_lookup(self, with_bags(pack(tables, generator), (200, 0, 131), generator, weighted=True))

    def test_same_bits_twice(self, generator):
        lookup = with_bags(pack(mixed_tables(), generator), (30, 40), generator)
        first, second = (found(self, lookup) for _ in range(2))
        for label, values in first.items():
            assert torch.equal(values, second[label]), label

    @pytest.mark.parametrize("kind", ["sgd", "adagrad", "rowwise-adagrad"])
    def test_fused_steps(self, kind, generator):
        """Five steps, the learning rate changing, end where the unfused optimiser does in float64."""
        if kind not in self.optimizers:
            pytest.skip(f"{kind} is not offered by this backend")
        lookup = pack(mixed_tables(), generator, dtype=self.dtype)
        check_fused(self, lookup, kind, generator)

    def test_fused_steps_reach_every_row(self, generator):
        """Row factors far larger than a slice: every digit's slice changes, and none that was not looked up."""
        shape = SHAPES["row factors above a slice"]
        indices = torch.arange(0, shape.rows, 71)
        lookup = pack([Table.of(shape)], generator, dtype=self.dtype, core_slots=True)
        lookup = replace(lookup, indices=indices.unsqueeze(1), bags=indices.numel())
        actual = lookup.to(self.device)
        self.backend.fused_step(actual, upstream(lookup).to(self.device), Optimizer("sgd"), ())
        changed = [
            (old != new.cpu()).flatten(1).any(1) for old, new in zip(lookup.weights, actual.weights, strict=True)
        ]
        for k, digits in ((0, indices // 70), (1, indices % 70)):
            used = torch.zeros(shape.row_factors[k], dtype=torch.bool)
            used[digits] = True
            assert torch.equal(changed[k], used)


def check_lookup(contract: TablesContract, lookup: Lookup) -> None:
    """Compare output, gradient of every core, of dense and cached rows and of the weights with float64."""
    lookup = cast(lookup, contract.dtype)
    actual = found(contract, lookup)
    expected = _judged(lookup)
    magnitude = _judged(_absolute(lookup))
    terms = 2 * sum(sum(place.shape.ranks) + place.cores for place in lookup.places if place.shape is not None)
    terms += lookup.indices.numel() + 4
    assert actual.keys() == expected.keys()
    for label, values in actual.items():
        assert values.shape == expected[label].shape, label
        error = (values.double() - expected[label]).abs()
        allowed = 2 * terms * torch.finfo(torch.float32).eps * magnitude[label]
        allowed += torch.finfo(contract.dtype).eps * expected[label].abs()
        worst = (error - allowed).max().item() if error.numel() else 0.0
        assert worst <= 0, f"{label} is off by {error.max().item():.3g}"


def check_fused(contract: TablesContract, lookup: Lookup, kind: str, generator: torch.Generator) -> None:
    """Steps with fresh indices and other learning rates; weights and states are compared at the end."""
    actual, exact = lookup.to(contract.device), cast(lookup.to("cpu"), torch.float64)
    states = new_states(lookup, kind, 0.5)
    exact_states = tuple(state.double() for state in states)
    states = tuple(state.to(contract.device) for state in states)
    for learning_rate in (0.01, 0.02, 0.005, 0.0, 0.03):
        batch = with_bags(lookup, (2, 5, 0, 4), generator)
        grad_out = upstream(batch) / 8
        inputs = {"indices": batch.indices, "offsets": batch.offsets, "bags": batch.bags}
        optimizer = Optimizer(kind, learning_rate, 1e-4)
        Judge().fused_step(replace(exact, **inputs), grad_out.double(), optimizer, exact_states)
        moved = {
            name: value.to(contract.device) if isinstance(value, Tensor) else value for name, value in inputs.items()
        }
        contract.backend.fused_step(replace(actual, **moved), grad_out.to(contract.device), optimizer, states)
    for name, ours, judged in (("weights", actual.weights, exact.weights), ("states", states, exact_states)):
        for slot, (values, right) in enumerate(zip(ours, judged, strict=True)):
            torch.testing.assert_close(
                values.cpu().double(), right, rtol=2e-4, atol=2e-5, msg=lambda text, n=name, s=slot: f"{n} {s}: {text}"
            )


def found(contract: TablesContract, lookup: Lookup) -> dict[str, Tensor]:
    """Output and gradients of the backend by name, on the CPU."""
    on_device = lookup.to(contract.device)
    output = contract.backend.forward(on_device)
    gradients = contract.backend.backward(on_device, upstream(lookup).to(contract.device))
    return {label: values.detach().cpu() for label, values in _labelled(lookup, output, gradients).items()}


def _judged(lookup: Lookup) -> dict[str, Tensor]:
    grad_out, lookup, judge = upstream(lookup).double(), cast(lookup, torch.float64), Judge()
    return dict(_labelled(lookup, judge.forward(lookup), judge.backward(lookup, grad_out)))


def _labelled(lookup: Lookup, output: Tensor, gradients: Gradients) -> Mapping[str, Tensor]:
    named = {"output": output}
    cores: set[int] = set()
    for line, place in enumerate(lookup.places):
        if place.shape is None:
            continue
        for k, size in enumerate(place.shape.core_shapes):
            start = place.offsets[k]
            flat = gradients.slots[place.slots[k]].reshape(-1)
            named[f"gradient of core {k} of table {line}"] = flat[start : start + prod(size)].view(size)
        cores |= set(place.slots)
    for slot, gradient in enumerate(gradients.slots):
        if slot not in cores:
            named[f"gradient of the rows of slot {slot}"] = gradient
    if gradients.sample_weights is not None:
        named["gradient of sample_weights"] = gradients.sample_weights
    return named


def cast(lookup: Lookup, dtype: torch.dtype) -> Lookup:
    """The same lookup with weights and sample weights in another precision."""
    factors = None if lookup.sample_weights is None else lookup.sample_weights.to(dtype)
    return replace(lookup, weights=tuple(weight.to(dtype) for weight in lookup.weights), sample_weights=factors)


def _absolute(lookup: Lookup) -> Lookup:
    factors = None if lookup.sample_weights is None else lookup.sample_weights.abs()
    return replace(lookup, weights=tuple(weight.abs() for weight in lookup.weights), sample_weights=factors)
