"""The ops of `ttrec_kernels.ops` on a GPU: arguments as there; nothing here waits for the device.

`layout` lies on the CPU. A forward pass keeps nothing: the backward pass makes the prefixes of its distinct rows again.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ttrec_kernels.cuda import backward
from ttrec_kernels.cuda.arguments import Batch
from ttrec_kernels.cuda.bad_index import remember_names
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.lookup_forward import lookup_forward
from ttrec_kernels.cuda.sample_weight_gradient import sample_weight_gradient
from ttrec_kernels.cuda.tables import prepare_tables


def lookup(weights: Sequence[Tensor], *arguments: Any) -> tuple[Tensor, Tensor]:
    """Vectors (bags, tables, dim), and memory that is kept in vain if `kept_bytes` were granted."""
    *batch, names, _sparse, kept_bytes = arguments
    call = _call(weights, *batch)
    remember_names(call.tables, names.split("\n"))
    return lookup_forward(call), torch.empty(kept_bytes, dtype=torch.uint8, device=call.device)


def lookup_backward(
    gradient: Tensor, _kept: Tensor, weights: Sequence[Tensor], *arguments: Any
) -> tuple[list[Tensor], Tensor]:
    """Dense gradients of the wanted weights, empty ones for the others, and that of the sample weights."""
    *batch, wanted = arguments
    call, gradient = _call(weights, *batch), gradient.contiguous()
    of_samples = weights[0].new_empty(0)
    if call.batch.sample_weights is not None:
        of_samples = sample_weight_gradient(call, gradient).view_as(call.batch.sample_weights)
    if not any(wanted):
        return [weight.new_empty(0) for weight in weights], of_samples
    found = backward.lookup_backward(call, gradient, wanted, deterministic=_is_deterministic())
    return [weights[0].new_empty(0) if each is None else each for each in found], of_samples


def lookup_rows_backward(
    gradient: Tensor, _kept: Tensor, weights: Sequence[Tensor], *arguments: Any
) -> tuple[Tensor, Tensor]:
    """Rows (n) of a weight's slot and their gradients (n, dim): each row once, and zeros for row 0 to fill up.

    n is known without looking at the batch: as many as there can be lookups of dense tables, or all cached rows.
    """
    *batch, slot = arguments
    call, gradient = _call(weights, *batch), gradient.contiguous()
    if call.tables.row_slots == {slot}:
        rows, values = backward.dense_row_gradients(call, gradient)
        return rows, values.to(weights[slot].dtype)
    wanted = [other == slot for other in range(len(weights))]
    values = backward.lookup_backward(call, gradient, wanted, deterministic=True)[slot]
    if values is None:
        raise ValueError(f"weight {slot} has no rows")
    return torch.arange(len(values), device=values.device), values


def lookup_update(gradient: Tensor, _kept: Tensor, weights: Sequence[Tensor], *arguments: Any) -> None:
    """Apply a fused optimiser's step to the weights that require a gradient, and to its states."""
    *batch, states, learning_rate, kind, eps = arguments
    rate = learning_rate.to(dtype=torch.float32)
    step = backward.FusedStep(backward.OptimizerKind(kind), rate, eps, states)
    wanted = [weight.requires_grad for weight in weights]
    call = _call(weights, *batch)
    backward.fused_step(call, gradient.contiguous(), step, wanted, deterministic=_is_deterministic())


def _is_deterministic() -> bool:
    """Whether the user asked torch for results that are equal bit by bit."""
    return torch.are_deterministic_algorithms_enabled()


def _call(  # noqa: PLR0913, PLR0917 - the op's arguments
    weights: Sequence[Tensor],
    layout: Tensor,
    indices: Tensor,
    offsets: Tensor | None,
    sample_weights: Tensor | None,
    cache_keys: Tensor | None,
    cache_slots: Tensor | None,
    bags: int,
    dim: int,
    is_mean: bool,
) -> Call:
    tables = prepare_tables(layout.numpy(), dim, indices.device)
    batch = Batch(
        weights=weights,
        cache_keys=cache_keys,
        cache_slots=cache_slots,
        indices=indices.contiguous(),
        offsets=None if offsets is None else offsets.long().contiguous(),
        bags=bags,
        sample_weights=None if sample_weights is None else sample_weights.contiguous(),
        mean=is_mean,
    )
    return Call(tables, batch)
