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

from ttrec_kernels.cuda.arguments import Argument, levels_struct, optimizer_struct, slots_struct
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


@dataclass(frozen=True)
class RowPairs:
    """A sparse gradient: `values` (count, dim) to the `rows` (count) of a slot; unused pairs are row 0 and zeros."""

    rows: Tensor
    values: Tensor


def lookup_backward(
    call: Call,
    output_gradient: Tensor,
    *,
    sparse: bool = False,
    deterministic: bool = False,
    workspace_bytes: int = WORKSPACE_BYTES,
) -> list[Tensor | RowPairs | None]:
    """Gradient of each weight slot from that of the output (bags, tables, dim); None for slots of no table.

    Gradients are of the slot's shape and dtype, zeros where nothing was looked up. With `sparse`, that of the dense
    tables' one slot is `RowPairs` in fp32, each row once. Without `deterministic` the sums of core slices may differ
    in their last bits from run to run.
    """
    tables, batch = call.tables, call.batch
    pairs = _new_pairs(call) if sparse and len(tables.row_slots) == 1 else None
    dense_slots = tables.train_slots | tables.cache_slots | (frozenset() if pairs else tables.row_slots)
    gradients = [
        torch.zeros(weight.shape, dtype=torch.float32, device=call.device) if slot in dense_slots else None
        for slot, weight in enumerate(batch.weights)
    ]
    slots = slots_struct(gradients)
    stored = StoredRows(slots, slots_struct(()), optimizer_struct(OptimizerKind.NONE, None, 0.0))
    if pairs is not None:
        stored = StoredRows(stored.gradients, stored.states, stored.optimizer, pairs.rows, pairs.values)
    _run_parts(call, output_gradient, slots, stored, deterministic, workspace_bytes)
    found: list[Tensor | RowPairs | None] = [
        None if gradient is None else gradient.to(weight.dtype)
        for gradient, weight in zip(gradients, batch.weights, strict=True)
    ]
    if pairs is not None:
        found[min(tables.row_slots)] = pairs
    return found


def fused_step(
    call: Call,
    output_gradient: Tensor,
    step: FusedStep,
    *,
    deterministic: bool = False,
    workspace_bytes: int = WORKSPACE_BYTES,
) -> None:
    """Apply the optimiser's step to weights and states in place, only to slices and rows in use."""
    tables = call.tables
    gradients = [
        torch.zeros(weight.numel(), dtype=torch.float32, device=call.device) if slot in tables.train_slots else None
        for slot, weight in enumerate(call.batch.weights)
    ]
    slots, states = slots_struct(gradients), slots_struct(step.states)
    optimizer = optimizer_struct(step.kind, step.learning_rate, step.eps)
    _run_parts(call, output_gradient, slots, StoredRows(slots, states, optimizer), deterministic, workspace_bytes)
    if tables.slices:
        slice_update(call, slots, states, optimizer)


def _new_pairs(call: Call) -> RowPairs:
    """Room for as many pairs as there can be lookups of dense tables; their keys sort first."""
    tables, batch = call.tables, call.batch
    count = batch.bags * tables.dense_tables if batch.offsets is None else call.lookups
    rows = torch.zeros(count, dtype=torch.int64, device=call.device)
    return RowPairs(rows, torch.zeros(count, tables.dim, dtype=torch.float32, device=call.device))


def _run_parts(  # noqa: PLR0917
    call: Call,
    output_gradient: Tensor,
    gradients: Argument,
    stored: StoredRows,
    deterministic: bool,
    workspace_bytes: int,
) -> None:
    """Gradients of all parts of the batch, one after the other on the stream."""
    if call.lookups == 0 or call.segments == 0:
        return
    tables = call.tables
    lookups = sort_lookups(call)
    size = part_size(call.lookups, _bytes_per_lookup(tables), workspace_bytes)
    heads = torch.empty(max(1, tables.most_cores), size, dtype=torch.int32, device=call.device)
    sums, levels = _workspace(tables, size)
    carries = torch.empty(2, tables.dim, device=call.device).unbind()
    for part, begin in enumerate(range(0, call.lookups, size)):
        trie = build_trie(call, lookups, begin, heads)
        turned = carries if part % 2 else carries[::-1]
        row_gradients(call, lookups, trie, output_gradient, stored, sums, (turned[0], turned[1]))
        if tables.slices:
            prefix_products(call, trie, levels)
            prefix_gradients(call, trie, levels, gradients)
            slice_gradients(call, trie, levels, gradients, deterministic)


def _bytes_per_lookup(tables: DeviceTables) -> int:
    """Heads, row sums, products and gradients of prefixes, and slice keys with what sorting them needs."""
    floats = tables.dim + sum(tables.widths[1:]) + sum(tables.widths[2:])
    return 4 * (floats + max(1, tables.most_cores)) + 32 * max(0, tables.most_cores - 1)


def _workspace(tables: DeviceTables, size: int) -> tuple[Tensor, Argument]:
    """Row sums (size, dim) and `Levels`, whose memory lives as long as the sums: one tensor holds both."""
    widths = tables.widths
    counts = [widths[0], *widths[1:], *widths[2:]]
    buffers = torch.empty(sum(counts) * size, device=tables.device).split([count * size for count in counts])
    gradients = dict(enumerate(buffers[: len(widths)]))
    prefixes = dict(enumerate(buffers[len(widths) :], start=2))
    return buffers[0], levels_struct(prefixes, gradients, widths)
