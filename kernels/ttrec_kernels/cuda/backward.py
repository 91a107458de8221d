"""The backward pass: gradients of every core, of dense and cached rows, or their fused optimiser's step.

The batch is sorted by row once. In parts of bounded workspace, each distinct row's gradient is summed first, each
distinct prefix is multiplied once and its gradient made once, and each slice's gradient is summed before it is
written. All old weights of tensor trains are read before the first is changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from ttrec_kernels.cuda.arguments import Struct, levels_struct, optimizer_struct, slots_struct
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.geometry import part_size
from ttrec_kernels.cuda.prefix_gradients import prefix_gradients
from ttrec_kernels.cuda.prefix_products import prefix_products
from ttrec_kernels.cuda.row_gradients import StoredRows, row_gradients
from ttrec_kernels.cuda.slice_gradients import slice_gradients
from ttrec_kernels.cuda.slice_update import slice_update
from ttrec_kernels.cuda.sorted_lookups import build_trie, sort_lookups
from ttrec_kernels.cuda.tables import DeviceTables

WORKSPACE_BYTES = 256 * 10**6
"""Bound of what one part of a batch needs beside 28 bytes of sorted keys a lookup and the gradients themselves."""


class OptimizerKind(IntEnum):
    """Fused optimisers, as optimizer.cuh numbers them."""

    NONE = 0
    SGD = 1
    ADAGRAD = 2
    ROWWISE_ADAGRAD = 3


@dataclass(frozen=True)
class FusedStep:
    """One step of a fused optimiser. `learning_rate` (1), fp32, is read on the device when the kernels run.

    `states` per weight slot, fp32: none for SGD, of the slot's size for Adagrad; for row-wise Adagrad one number for
    each digit slice of the slot's cores, in the order in which they lie, or for each row.
    """

    kind: OptimizerKind
    learning_rate: Tensor
    eps: float = 1e-10
    states: Sequence[Tensor] = ()


def lookup_backward(
    call: Call,
    output_gradient: Tensor,
    wanted: Sequence[bool],
    *,
    deterministic: bool = False,
    workspace_bytes: int = WORKSPACE_BYTES,
) -> list[Tensor | None]:
    """Gradient of each wanted weight slot from that of the output (bags, tables, dim); None for the others.

    Gradients are of the slot's shape and dtype, zeros where nothing was looked up. Without `deterministic` the sums of
    core slices may differ in their last bits from run to run.
    """
    weights = call.batch.weights
    flat, sizes = _zeros(call, wanted)
    gradients = [part if part.numel() else None for part in torch.split(flat, sizes)]
    slots = slots_struct(gradients)
    stored = StoredRows(slots, slots_struct(()), optimizer_struct(OptimizerKind.NONE, None, 0.0))
    work = _Work(slots, stored, deterministic, workspace_bytes, any(wanted[slot] for slot in call.tables.train_slots))
    _run_parts(call, output_gradient, work)
    found = torch.split(flat.to(weights[0].dtype), sizes)
    return [
        part.view(weight.shape) if is_wanted else None
        for part, weight, is_wanted in zip(found, weights, wanted, strict=True)
    ]


def _zeros(call: Call, wanted: Sequence[bool]) -> tuple[Tensor, list[int]]:
    """Gradients of the wanted slots, zeros, one behind the other so that one launch clears them, and their sizes."""
    pairs = zip(call.batch.weights, wanted, strict=True)
    sizes = [weight.numel() if is_wanted else 0 for weight, is_wanted in pairs]
    return torch.zeros(sum(sizes), dtype=torch.float32, device=call.device), sizes


def dense_row_gradients(
    call: Call, output_gradient: Tensor, *, workspace_bytes: int = WORKSPACE_BYTES
) -> tuple[Tensor, Tensor]:
    """Sparse gradient of the dense tables, which must lie in one slot: rows (count) and values (count, dim) in fp32.

    Each row occurs once; there are as many pairs as there can be lookups, unused ones are row 0 and zeros.
    """
    rows, values = _new_pairs(call)
    nothing = slots_struct(())
    stored = StoredRows(nothing, nothing, optimizer_struct(OptimizerKind.NONE, None, 0.0), rows, values)
    _run_parts(call, output_gradient, _Work(nothing, stored, True, workspace_bytes, False))
    return rows, values


def fused_step(
    call: Call,
    output_gradient: Tensor,
    step: FusedStep,
    wanted: Sequence[bool],
    *,
    deterministic: bool = False,
    workspace_bytes: int = WORKSPACE_BYTES,
) -> None:
    """Apply the optimiser's step to wanted weights and their states in place, only to slices and rows in use."""
    tables, weights = call.tables, call.batch.weights
    trains = [is_wanted and slot in tables.train_slots for slot, is_wanted in enumerate(wanted)]
    flat, sizes = _zeros(call, trains)
    # Rows are stepped without a gradient in memory: their own address says that they are wanted.
    gradients = [
        (part if train else weight) if is_wanted else None
        for part, weight, train, is_wanted in zip(torch.split(flat, sizes), weights, trains, wanted, strict=True)
    ]
    slots, states = slots_struct(gradients), slots_struct(step.states)
    optimizer = optimizer_struct(step.kind, step.learning_rate, step.eps)
    stored = StoredRows(slots, states, optimizer)
    _run_parts(call, output_gradient, _Work(slots, stored, deterministic, workspace_bytes, any(trains)))
    if any(trains):
        slice_update(call, slots, states, optimizer)


@dataclass(frozen=True)
class _Work:
    """What a backward pass is to do."""

    gradients: Struct
    stored: StoredRows
    deterministic: bool
    workspace_bytes: int
    trains: bool
    """Whether gradients of cores are wanted at all."""


def _new_pairs(call: Call) -> tuple[Tensor, Tensor]:
    """Room for as many pairs as there can be lookups of dense tables; their keys sort first."""
    tables, batch = call.tables, call.batch
    count = batch.bags * tables.dense_tables if batch.offsets is None else call.lookups
    rows = torch.zeros(count, dtype=torch.int64, device=call.device)
    return rows, torch.zeros(count, tables.dim, dtype=torch.float32, device=call.device)


def _run_parts(call: Call, output_gradient: Tensor, work: _Work) -> None:
    """Gradients of all parts of the batch, one after the other on the stream."""
    if call.lookups == 0 or call.segments == 0:
        return
    tables = call.tables
    lookups = sort_lookups(call)
    size = part_size(call.lookups, _bytes_per_lookup(tables), work.workspace_bytes)
    heads = torch.empty(max(1, tables.most_cores), size, dtype=torch.int32, device=call.device)
    sums, levels = _workspace(tables, size)
    carries = torch.empty(2, tables.dim, device=call.device).unbind()
    for part, begin in enumerate(range(0, call.lookups, size)):
        trie = build_trie(call, lookups, begin, heads)
        turned = carries if part % 2 else carries[::-1]
        row_gradients(call, lookups, trie, output_gradient, work.stored, sums, (turned[0], turned[1]))
        if work.trains:
            prefix_products(call, trie, levels)
            prefix_gradients(call, trie, levels, work.gradients)
            slice_gradients(call, trie, levels, work.gradients, work.deterministic)


def _bytes_per_lookup(tables: DeviceTables) -> int:
    """Heads, row sums, products and gradients of prefixes, and slice keys with what sorting them needs."""
    floats = tables.dim + sum(tables.widths[1:]) + sum(tables.widths[2:])
    return 4 * (floats + max(1, tables.most_cores)) + 32 * max(0, tables.most_cores - 1)


def _workspace(tables: DeviceTables, size: int) -> tuple[Tensor, Struct]:
    """Row sums (size, dim) and `Levels`, whose memory lives as long as the sums: one tensor holds both."""
    widths = tables.widths
    counts = [widths[0], *widths[1:], *widths[2:]]
    buffers = torch.split(torch.empty(sum(counts) * size, device=tables.device), [count * size for count in counts])
    gradients = dict(enumerate(buffers[: len(widths)]))
    prefixes = dict(enumerate(buffers[len(widths) :], start=2))
    return buffers[0], levels_struct(prefixes, gradients, widths)
