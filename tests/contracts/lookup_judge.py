"""The judge of lookups over many tables: the reference's ops table by table, autograd and float64."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from contracts.lookup_cases import Lookup
from torch import Tensor

from ttrec_kernels.layout import TablePlace
from ttrec_kernels.reference.lookup import lookup_rows


@dataclass(frozen=True)
class Gradients:
    """Dense gradients, one of the shape of each weight slot, and of the sample weights if there are any."""

    slots: tuple[Tensor, ...]
    sample_weights: Tensor | None = None


@dataclass(frozen=True)
class Optimizer:
    """What a fused step applies: `kind` is sgd, adagrad or rowwise-adagrad."""

    kind: str
    learning_rate: float = 0.1
    eps: float = 1e-8


def upstream(lookup: Lookup) -> Tensor:
    """The gradient that comes from above, (bags, tables, dim): fixed, positive and uneven."""
    size = (lookup.bags, len(lookup.places), lookup.dim)
    return torch.linspace(0.5, 1.5, max(1, prod(size)))[: prod(size)].view(size).to(lookup.weights[0].dtype)


class Judge:
    """Computes in the dtype of the weights it is given: give it float64."""

    def forward(self, lookup: Lookup) -> Tensor:
        """Rows summed or averaged, (bags, tables, dim)."""
        return torch.stack([_table(lookup, line) for line in range(len(lookup.places))], dim=1)

    def backward(self, lookup: Lookup, grad_out: Tensor) -> Gradients:
        """Gradient of every slot and of the sample weights, by autograd; zeros where nothing was looked up."""
        leaves = tuple(weight.detach().requires_grad_() for weight in lookup.weights)
        factors = None if lookup.sample_weights is None else lookup.sample_weights.detach().requires_grad_()
        output = self.forward(replace(lookup, weights=leaves, sample_weights=factors))
        # Slots that are not looked up still take part, with zeros.
        nothing = sum((leaf.sum() * 0 for leaf in leaves), 0 if factors is None else factors.sum() * 0)
        (torch.sum(output * grad_out) + nothing).backward()
        return Gradients(tuple(leaf.grad for leaf in leaves), None if factors is None else factors.grad)

    def fused_step(self, lookup: Lookup, grad_out: Tensor, optimizer: Optimizer, states: Sequence[Tensor]) -> None:
        """Change weights and states in place, as the unfused optimiser would."""
        gradients = self.backward(lookup, grad_out)
        for slot, (weight, gradient) in enumerate(zip(lookup.weights, gradients.slots, strict=True)):
            if optimizer.kind == "sgd":
                weight.sub_(optimizer.learning_rate * gradient)
            elif optimizer.kind == "adagrad":
                states[slot].add_(gradient.square())
                weight.sub_(optimizer.learning_rate * gradient / (states[slot].sqrt() + optimizer.eps))
            else:
                _rowwise_step(slot_rows(lookup, slot), weight, gradient, states[slot], optimizer)


def _rowwise_step(
    rows: Sequence[tuple[int, int]], weight: Tensor, gradient: Tensor, state: Tensor, optimizer: Optimizer
) -> None:
    flat, gradient = weight.view(-1), gradient.reshape(-1)
    for at, (start, size) in enumerate(rows):
        piece = gradient[start : start + size]
        state[at] += piece.square().mean()
        flat[start : start + size] -= optimizer.learning_rate * piece / (state[at].sqrt() + optimizer.eps)


def slot_rows(lookup: Lookup, slot: int) -> list[tuple[int, int]]:
    """Start and size of all that has one row-wise state in a slot, in order: digit slices of cores, or rows."""
    slices = [
        (place.offsets[k] + digit * prod(size[1:]), prod(size[1:]))
        for place in lookup.places
        if place.shape is not None
        for k, size in enumerate(place.shape.core_shapes)
        if place.slots[k] == slot
        for digit in range(size[0])
    ]
    return sorted(slices) or [(at * lookup.dim, lookup.dim) for at in range(lookup.weights[slot].shape[0])]


def new_states(lookup: Lookup, kind: str, value: float) -> tuple[Tensor, ...]:
    """Optimiser state of each slot, fp32, filled with `value`: none for sgd."""
    if kind == "sgd":
        return ()
    if kind == "adagrad":
        return tuple(torch.full_like(weight, value, dtype=torch.float32) for weight in lookup.weights)
    return tuple(torch.full((len(slot_rows(lookup, slot)),), value) for slot in range(len(lookup.weights)))


def _table(lookup: Lookup, line: int) -> Tensor:
    """One table's vectors (bags, dim)."""
    place = lookup.places[line]
    if lookup.offsets is None:
        positions = torch.arange(lookup.bags)
        indices, sizes = lookup.indices[:, line], torch.ones(lookup.bags, dtype=torch.int64)
    else:
        ends = lookup.offsets[line * lookup.bags : (line + 1) * lookup.bags + 1].long()
        positions = torch.arange(int(ends[0]), int(ends[-1]))
        indices, sizes = lookup.indices[positions], ends.diff()
    bag_of = torch.arange(lookup.bags).repeat_interleave(sizes)
    kept = indices != place.padding_idx
    rows = _rows(lookup, place, indices[kept].long())
    if lookup.sample_weights is not None:
        rows = rows * lookup.sample_weights[positions[kept]].unsqueeze(1)
    sums = rows.new_zeros(lookup.bags, lookup.dim).index_add(0, bag_of[kept], rows)
    if not lookup.mean:
        return sums
    return sums / bag_of[kept].bincount(minlength=lookup.bags).clamp(min=1).unsqueeze(1)


def _rows(lookup: Lookup, place: TablePlace, indices: Tensor) -> Tensor:
    """Rows (nnz, dim): cached ones from the cache, the others from the table."""
    if place.shape is None:
        rows = lookup.weights[place.slots[0]][place.offsets[0] // lookup.dim :][indices]
    else:
        cores = [
            lookup.weights[slot].reshape(-1)[offset : offset + prod(size)].view(size)
            for slot, offset, size in zip(place.slots, place.offsets, place.shape.core_shapes, strict=True)
        ]
        rows = lookup_rows(cores, indices)
    if place.cache is None:
        return rows
    entries = slice(place.cache.start, place.cache.start + place.cache.capacity)
    found = dict(zip(lookup.cache_keys[entries].tolist(), lookup.cache_slots[entries].tolist(), strict=True))
    cached = torch.tensor([found.get(index, -1) for index in indices.tolist()], dtype=torch.int64)
    own = lookup.weights[place.cache.slot][(place.cache.first_row + cached).clamp(min=0)]
    return torch.where((cached >= 0).unsqueeze(1), own, rows)
