"""The ops of `ttrec_kernels.ops` on the CPU: arguments as there, float32 weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ttrec_kernels.cpu import lookup as compiled
from ttrec_kernels.cpu import passes
from ttrec_kernels.cpu.records import Batch
from ttrec_kernels.cpu.tt_levels import slice_size
from ttrec_kernels.cpu.update import ROWWISE_ADAGRAD, UNWANTED
from ttrec_kernels.errors import IndexRangeError
from ttrec_kernels.layout import CORE_COLUMNS, CORE_OFFSET, CORE_SLOT, CORES, FIRST_CORE, OFFSET, ROWS, P


def lookup(weights: Sequence[Tensor], *arguments: object) -> tuple[Tensor, Tensor]:
    """Vectors (bags, tables, dim), and the arena if `kept_bytes` were granted."""
    *batch_arguments, names, _sparse, kept_bytes = arguments
    batch = compiled.read_batch(weights, *batch_arguments)  # type: ignore[arg-type]
    parts = 1 if kept_bytes else compiled.parts_needed(batch)
    arena = _bytes(kept_bytes or compiled.arena_bytes(batch, parts))
    out, bad = compiled.forward(batch, arena, parts)
    if max(bad.tolist()) >= 0:
        table = int((bad >= 0).argmax())
        name, rows = str(names).split("\n")[table], int(batch.layout[table, ROWS])
        index = int(batch.indices[bad[table]])
        raise IndexRangeError(f"index {index} lies outside table {name}, which has {rows} rows (0 … {rows - 1})")
    return out, arena if kept_bytes else _bytes(0)


def lookup_backward(
    gradient: Tensor, kept: Tensor, weights: Sequence[Tensor], *arguments: object
) -> tuple[list[Tensor], Tensor]:
    """Dense gradients of the wanted weights, empty ones for the others, and that of the sample weights."""
    *batch_arguments, wanted = arguments
    batch = compiled.read_batch(weights, *batch_arguments)  # type: ignore[arg-type]
    gradients = [
        torch.zeros_like(weight) if is_wanted else None
        for weight, is_wanted in zip(weights, wanted, strict=True)  # type: ignore[call-overload]
    ]
    of_samples: NDArray[np.float32] = np.zeros(len(batch.weights), dtype=np.float32)
    parts, arena, is_kept = _arena(batch, kept)
    targets = compiled.like_weights(batch, gradients)
    compiled.backward(batch, arena, parts, is_kept, gradient, *targets, compiled.Rule(), of_samples)
    if len(batch.offsets) == 0 and len(of_samples):  # places run table by table, a matrix bag by bag
        of_samples = of_samples.reshape(len(batch.layout), batch.bags).T.copy()
    return [weights[0].new_empty(0) if g is None else g for g in gradients], torch.from_numpy(of_samples)


def lookup_rows_backward(
    gradient: Tensor, kept: Tensor, weights: Sequence[Tensor], *arguments: object
) -> tuple[Tensor, Tensor]:
    """Rows (n) of a weight's slot and their gradients (n, dim), one pair for each lookup that read a stored row."""
    *batch_arguments, slot = arguments
    batch = compiled.read_batch(weights, *batch_arguments)  # type: ignore[arg-type]
    if not kept.numel():
        kept = _bytes(compiled.arena_bytes(batch, 1))
        compiled.forward(batch, kept, 1)
    gradient, places = gradient.contiguous(), len(batch.indices)
    rows = torch.empty(places, dtype=torch.int64, device="cpu")
    values = torch.empty(places, batch.dim, dtype=torch.float32, device="cpu")
    found = passes.stored_row_gradients(
        batch, kept.data_ptr(), int(str(slot)), gradient.data_ptr(), rows.numpy(), values.data_ptr()
    )
    return rows[:found], values[:found]


def lookup_update(gradient: Tensor, kept: Tensor, weights: Sequence[Tensor], *arguments: object) -> None:
    """Apply a fused optimiser's step to the weights that require a gradient, and to its states."""
    *batch_arguments, states, learning_rate, kind, eps = arguments
    batch = compiled.read_batch(weights, *batch_arguments)  # type: ignore[arg-type]
    rule = compiled.Rule(int(kind), float(learning_rate), float(eps))  # type: ignore[call-overload,arg-type]
    targets = _state_targets(weights, batch, states, rule.kind)  # type: ignore[arg-type]
    parts, arena, is_kept = _arena(batch, kept)
    if parts == 1:
        compiled.backward(batch, arena, parts, is_kept, gradient, *targets, rule)
        return
    # Gradients of all parts are summed before one step, which needs memory for them all.
    stored = [torch.zeros_like(weight) if weight.requires_grad else None for weight in weights]
    core_gradients, _ = compiled.like_weights(batch, stored)
    no_rows = np.full(len(batch.layout), UNWANTED, dtype=np.int64)
    compiled.backward(batch, arena, parts, is_kept, gradient, core_gradients, no_rows, compiled.Rule())
    _apply_stored(batch, stored, targets[0], rule)
    no_cores = np.full_like(targets[0], UNWANTED)
    compiled.backward(batch, arena, parts, False, gradient, no_cores, targets[1], rule)


def _bytes(count: Any) -> Tensor:
    """Memory on the CPU, whatever torch's defaults are."""
    return torch.empty(count, dtype=torch.uint8, device="cpu")


def _arena(batch: Batch, kept: Tensor) -> tuple[int, Tensor, bool]:
    """Parts to work in, the arena, and whether the forward pass has filled it."""
    if kept.numel():
        return 1, kept, True
    parts = compiled.parts_needed(batch)
    return parts, _bytes(compiled.arena_bytes(batch, parts)), False


def _state_targets(
    weights: Sequence[Tensor], batch: Batch, states: Sequence[Tensor], kind: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Addresses of the state of each core and each table's stored rows; any but UNWANTED where there is none."""
    anywhere = [weight if weight.requires_grad else None for weight in weights]
    if not states:
        return compiled.like_weights(batch, anywhere)
    wanted = [state if weight.requires_grad else None for state, weight in zip(states, weights, strict=True)]
    cores, rows = compiled.like_weights(batch, wanted)
    if kind != ROWWISE_ADAGRAD:
        return cores, rows
    # One number a slice: its place is the number of slices before it in the slot.
    for table, line in enumerate(batch.layout):
        if line[CORES] <= 0:
            if rows[table] != UNWANTED:
                rows[table] += 4 * (line[OFFSET] // batch.dim - line[OFFSET])
            continue
        for level in range(line[CORES]):
            if cores[table, level] != UNWANTED:
                offset = line[FIRST_CORE + CORE_COLUMNS * level + CORE_OFFSET]
                cores[table, level] += 4 * (_slices_before(batch, table, level) - offset)
    return cores, rows


def _slices_before(batch: Batch, table: int, level: int) -> int:
    """Slices of other cores that lie before this one in its slot."""
    column = FIRST_CORE + CORE_COLUMNS * level
    slot, offset = batch.layout[table, column + CORE_SLOT], batch.layout[table, column + CORE_OFFSET]
    return sum(
        int(line[other + P])
        for line in batch.layout
        for other in range(FIRST_CORE, FIRST_CORE + CORE_COLUMNS * max(0, int(line[CORES])), CORE_COLUMNS)
        if line[other + CORE_SLOT] == slot and line[other + CORE_OFFSET] < offset
    )


def _apply_stored(
    batch: Batch,
    stored: Sequence[Tensor | None],
    states: NDArray[np.int64],
    rule: compiled.Rule,
) -> None:
    for table, line in enumerate(batch.layout):
        for level in range(max(0, line[CORES])):
            column = FIRST_CORE + CORE_COLUMNS * level
            slot, offset = line[column + CORE_SLOT], line[column + CORE_OFFSET]
            gradient = stored[slot]
            if gradient is not None:
                size = slice_size(line, level)
                end = offset + size * line[column + P]
                weight = int(batch.bases[slot]) + 4 * offset
                flat = gradient.view(-1)[offset:end].numpy()
                passes.apply_stored(weight, flat, states[table, level], size, rule.as_tuple())
