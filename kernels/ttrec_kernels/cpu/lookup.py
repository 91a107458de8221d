"""The compiled lookup as functions on tensors: float32 on the CPU, contiguous; what they compute is `reference`'s."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ttrec_kernels.cpu import passes
from ttrec_kernels.cpu.records import Batch
from ttrec_kernels.cpu.tasks import addresses
from ttrec_kernels.cpu.threads import one_at_a_time, use_torch_threads
from ttrec_kernels.cpu.update import STORE, UNWANTED

WORKSPACE_BYTES = 64 * 10**6
"""Tries and products of one part of a batch: more lookups are worked off in parts, whatever their number. What fits
is kept for the backward pass, which then need not multiply the prefixes again."""

_NO_INTS: NDArray[np.int64] = np.empty(0, dtype=np.int64)
_NO_SLOTS: NDArray[np.int32] = np.empty(0, dtype=np.int32)
_NO_FLOATS: NDArray[np.float32] = np.empty(0, dtype=np.float32)


def read_batch(
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
) -> Batch:
    """The op's arguments as compiled code takes them, checked for what it cannot bear.

    Addresses are those of now: what the batch was read from must live until it has been used.
    """
    for weight in weights:
        if weight.dtype != torch.float32 or not weight.is_cpu or not weight.is_contiguous():
            found = f"{weight.dtype} on {weight.device}"
            raise TypeError(f"compiled lookups need contiguous float32 weights on the CPU, but got {found}")
    return Batch(
        layout.long().contiguous().numpy(),
        np.array([weight.data_ptr() for weight in weights], dtype=np.int64),
        indices.long().contiguous().reshape(-1).numpy(),
        _NO_INTS if offsets is None else offsets.long().contiguous().numpy(),
        _NO_FLOATS if sample_weights is None else sample_weights.detach().float().reshape(-1).contiguous().numpy(),
        _NO_INTS if cache_keys is None else cache_keys.long().contiguous().numpy(),
        _NO_SLOTS if cache_slots is None else cache_slots.int().contiguous().numpy(),
        bags,
        dim,
        is_mean,
    )


def arena_bytes(batch: Batch, parts: int) -> int:
    """Bytes of the arena when the batch is worked off in `parts`."""
    size: int = passes.arena_size(batch, parts)
    return size


def parts_needed(batch: Batch) -> int:
    """Parts in which a batch is worked off, so that each one's tries and products fit WORKSPACE_BYTES."""
    whole = arena_bytes(batch, 1) - 24 * len(batch.indices)
    return max(1, -(-whole // WORKSPACE_BYTES))


def forward(batch: Batch, arena: Tensor, parts: int) -> tuple[Tensor, NDArray[np.int64]]:
    """Vectors (bags, tables, dim), and the position of a bad index in each table, −1 if it has none.

    `arena` is a tensor of at least `arena_bytes(batch, parts)` bytes; it serves the backward pass if there is one part.
    """
    size = (batch.bags, len(batch.layout), batch.dim)
    make = torch.zeros if len(batch.offsets) else torch.empty
    out = make(size, dtype=torch.float32, device="cpu")
    with one_at_a_time:
        bad = passes.forward_pass(
            addresses()[0],
            batch,
            parts,
            use_torch_threads(),
            arena.data_ptr(),
            out.data_ptr(),
        )
    return out, bad


@dataclass(frozen=True)
class Rule:
    """What becomes of a gradient: `kind` as in `cpu.update`."""

    kind: int = STORE
    learning_rate: float = 0.0
    eps: float = 0.0

    def as_tuple(self) -> tuple[int, Any, Any]:
        """As compiled code takes it."""
        return self.kind, np.float32(self.learning_rate), np.float32(self.eps)


def backward(
    batch: Batch,
    arena: Tensor,
    parts: int,
    is_kept: bool,
    gradient: Tensor,
    core_targets: NDArray[np.int64],
    row_targets: NDArray[np.int64],
    rule: Rule,
    weight_gradients: NDArray[np.float32] = _NO_FLOATS,
) -> None:
    """Apply or store the gradients that `gradient` (bags, tables, dim) sends to the weights, see `passes`."""
    gradient = gradient.contiguous()
    with one_at_a_time:
        passes.backward_pass(
            addresses(),
            batch,
            parts,
            use_torch_threads(),
            arena.data_ptr(),
            is_kept,
            gradient.data_ptr(),
            core_targets,
            row_targets,
            rule.as_tuple(),
            weight_gradients,
        )


def like_weights(batch: Batch, targets: Sequence[Tensor | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Addresses of each core and of each table's stored rows in `targets`, tensors shaped like the weights."""
    bases = np.array([UNWANTED if target is None else target.data_ptr() for target in targets], dtype=np.int64)
    cores, rows = passes.addresses_like(batch.layout, bases)
    return cores, rows
