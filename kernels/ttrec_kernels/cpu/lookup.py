"""The compiled lookup as functions on tensors: float32 on the CPU, contiguous; what they compute is `reference`'s."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ttrec_kernels.cpu import passes
from ttrec_kernels.cpu.threads import one_at_a_time, use_torch_threads
from ttrec_kernels.cpu.update import STORE, UNWANTED

WORKSPACE_BYTES = 64 * 10**6
"""Tries and products of one part of a batch: more lookups are worked off in parts, whatever their number. What fits
is kept for the backward pass, which then need not multiply the prefixes again."""

_NO_INTS: NDArray[np.int64] = np.empty(0, dtype=np.int64)
_NO_SLOTS: NDArray[np.int32] = np.empty(0, dtype=np.int32)
_NO_FLOATS: NDArray[np.float32] = np.empty(0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Batch:
    """What to look up: arguments of the op `lookup`, as arrays that compiled code takes."""

    layout: NDArray[np.int64]
    weights: tuple[Tensor, ...]
    indices: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sample_weights: NDArray[np.float32]
    cache: tuple[NDArray[np.int64], NDArray[np.int32]]
    bags: int
    dim: int
    is_mean: bool

    @property
    def bases(self) -> NDArray[np.int64]:
        """Address of each weight."""
        return np.array([weight.data_ptr() for weight in self.weights], dtype=np.int64)

    @property
    def arguments(self) -> tuple[Any, Any, Any, Any, Any, Any, int, int, bool]:
        """What compiled passes take first."""
        arrays = (self.layout, self.bases, self.indices, self.offsets, self.sample_weights, self.cache)
        return *arrays, self.bags, self.dim, self.is_mean

    def arena_bytes(self, parts: int) -> int:
        """Bytes of the arena when the batch is worked off in `parts`."""
        size: int = passes.arena_size(self.layout, self.bags, len(self.indices), self.offsets, parts, self.dim)
        return size


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
    """The op's arguments, checked for what compiled code cannot bear."""
    for weight in weights:
        if weight.dtype != torch.float32 or not weight.is_contiguous():
            raise TypeError(f"compiled lookups need contiguous float32 weights, but got {weight.dtype}")
    return Batch(
        layout.numpy(),
        tuple(weights),
        indices.reshape(-1).long().numpy(),
        _NO_INTS if offsets is None else offsets.long().contiguous().numpy(),
        _NO_FLOATS if sample_weights is None else sample_weights.detach().reshape(-1).contiguous().numpy(),
        (
            _NO_INTS if cache_keys is None else cache_keys.numpy(),
            _NO_SLOTS if cache_slots is None else cache_slots.numpy(),
        ),
        bags,
        dim,
        is_mean,
    )


def parts_needed(batch: Batch) -> int:
    """Parts in which a batch is worked off, so that each one's tries and products fit WORKSPACE_BYTES."""
    whole = batch.arena_bytes(1) - 24 * len(batch.indices)
    return max(1, -(-whole // WORKSPACE_BYTES))


def forward(batch: Batch, arena: Tensor, parts: int) -> tuple[Tensor, NDArray[np.int64]]:
    """Vectors (bags, tables, dim), and the position of a bad index in each table, −1 if it has none.

    `arena` is a tensor of at least `batch.arena_bytes(parts)` bytes; it serves the backward pass if there is one part.
    """
    size = (batch.bags, len(batch.layout), batch.dim)
    out = torch.zeros(size) if len(batch.offsets) else torch.empty(size)
    with one_at_a_time:
        bad = passes.forward_pass(
            *batch.arguments,
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
            *batch.arguments,
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
    cores, rows = passes.addresses_like(batch.layout, bases, UNWANTED)
    return cores, rows
