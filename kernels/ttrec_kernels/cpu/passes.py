"""A whole forward and a whole backward pass, each one call from Python."""

from typing import Any

import numpy as np

from ttrec_kernels.cpu import loops
from ttrec_kernels.cpu.arena import (
    MESSAGES,
    PRODUCTS,
    ROW_GRADIENTS,
    arena_bytes,
    block_end,
    block_floats,
    fill_starts,
    header,
    lookup_arrays,
    most_levels,
    trie_memory,
)
from ttrec_kernels.cpu.compiled import ITEM, compiled
from ttrec_kernels.cpu.stored_rows import list_stored_rows, update_stored_rows
from ttrec_kernels.cpu.tt_levels import slice_size
from ttrec_kernels.cpu.update import UNWANTED, update
from ttrec_kernels.layout import CACHE_SLOT, CORE_COLUMNS, CORE_OFFSET, CORE_SLOT, CORES, FIRST_CORE, OFFSET, SLOT


@compiled
def _all_ranges(layout: Any, bags: int, offsets: Any) -> Any:
    """Places (tables, 2) of each table's lookups."""
    ranges = np.empty((len(layout), 2), dtype=np.int64)
    for table in range(len(layout)):
        if len(offsets) == 0:
            ranges[table, 0], ranges[table, 1] = table * bags, (table + 1) * bags
        else:
            ranges[table, 0], ranges[table, 1] = offsets[table * bags], offsets[(table + 1) * bags]
    return ranges


@compiled
def _capacities(ranges: Any, parts: int) -> Any:
    """Most lookups of each table in one of `parts`."""
    return (ranges[:, 1] - ranges[:, 0] + parts - 1) // parts


@compiled
def _part(ranges: Any, capacities: Any, part: int) -> Any:
    """Ranges of one part."""
    places = np.empty_like(ranges)
    for table in range(len(ranges)):
        places[table, 0] = min(ranges[table, 0] + part * capacities[table], ranges[table, 1])
        places[table, 1] = min(places[table, 0] + capacities[table], ranges[table, 1])
    return places


@compiled
def arena_size(layout: Any, bags: int, places: int, offsets: Any, parts: int, dim: int) -> Any:
    """Bytes of the arena of a batch of `places` lookups that is worked off in `parts`."""
    starts = np.empty((len(layout) + 1, 4), dtype=np.int64)
    fill_starts(layout, _capacities(_all_ranges(layout, bags, offsets), parts), dim, starts)
    return arena_bytes(len(layout), most_levels(layout), places, starts[len(layout)])


@compiled
def forward_pass(
    layout: Any,
    bases: Any,
    indices: Any,
    offsets: Any,
    weights: Any,
    cache: Any,
    bags: int,
    dim: int,
    is_mean: bool,
    parts: int,
    workers: int,
    arena: int,
    out: int,
) -> Any:
    """Bags' vectors (bags, tables, dim) added to `out`, or written there where `offsets` is empty.

    Returns positions (tables) of bad indices, −1 where there are none.
    """
    tables, levels, places = len(layout), most_levels(layout), len(indices)
    ranges = _all_ranges(layout, bags, offsets)
    capacities = _capacities(ranges, parts)
    starts, counts = header(arena, tables, levels)
    scratch_floats = fill_starts(layout, capacities, dim, starts)
    lookups = lookup_arrays(arena, tables, levels, places)
    ints, products = trie_memory(arena, tables, levels, places, starts[tables])
    bad = np.full(tables, -1, dtype=np.int64)
    loops.read_tables(layout, bags, indices, offsets, weights, is_mean, cache, lookups, bad, workers)
    scratch = np.empty((workers, scratch_floats), dtype=np.float32)
    addresses = _addresses(scratch)
    for part in range(parts):
        now = _part(ranges, capacities, part)
        loops.start_tables(
            layout, bases, bags, dim, now, capacities, lookups, ints, starts, counts, out, len(offsets) > 0, workers
        )
        first = tables if levels == 0 else 0
        while first < tables:
            here = (first, block_end(starts, first, PRODUCTS))
            loops.multiply_tries(layout, here, bases, capacities, ints, starts, counts, products, addresses)
            loops.pool_computed(layout, here, bags, dim, now, capacities, lookups, ints, starts, products, out, workers)
            first = here[1]
    _keep(scratch, bad)
    return bad


@compiled
def _block_floats(products: int, messages: Any, starts: Any, here: Any) -> Any:
    """Addresses where products, messages and gradients of rows of table 0 would lie, if `here` begins `messages`."""
    of_messages = messages.ctypes.data - ITEM * starts[here[0], MESSAGES]
    behind = messages.ctypes.data + ITEM * (starts[here[1], MESSAGES] - starts[here[0], MESSAGES])
    return products, of_messages, behind - ITEM * starts[here[0], ROW_GRADIENTS]


@compiled
def _addresses(scratch: Any) -> Any:
    """Address of each line."""
    lines = np.empty(len(scratch), dtype=np.int64)
    for worker in range(len(scratch)):
        lines[worker] = scratch.ctypes.data + ITEM * scratch.shape[1] * worker
    return lines


@compiled
def _keep(memory: Any, mark: Any) -> None:
    """Use `memory` once more: an array whose address alone is used from here on would be freed before."""
    if memory.size < 0:
        mark[0] = memory.size


@compiled
def backward_pass(
    layout: Any,
    bases: Any,
    indices: Any,
    offsets: Any,
    weights: Any,
    cache: Any,
    bags: int,
    dim: int,
    is_mean: bool,
    parts: int,
    workers: int,
    arena: int,
    is_kept: bool,
    gradient: int,
    core_targets: Any,
    row_targets: Any,
    rule: Any,
    weight_gradients: Any,
) -> Any:
    """Hand all gradients to `update`, from the arena of the forward pass if it `is_kept`, else from the start.

    `core_targets` (tables, levels) and `row_targets` (tables) are addresses or UNWANTED; `weight_gradients` (places)
    is empty or filled. With more than one part, gradients of cores must be stored: `rule` is then STORE's.
    """
    tables, levels, places = len(layout), most_levels(layout), len(indices)
    ranges = _all_ranges(layout, bags, offsets)
    capacities = _capacities(ranges, parts)
    starts, counts = header(arena, tables, levels)
    scratch_floats = fill_starts(layout, capacities, dim, starts)
    lookups = lookup_arrays(arena, tables, levels, places)
    ints, products = trie_memory(arena, tables, levels, places, starts[tables])
    scratch = np.empty((workers, scratch_floats), dtype=np.float32)
    messages, addresses = np.empty(block_floats(starts), dtype=np.float32), _addresses(scratch)
    if not is_kept:
        bad = np.empty(tables, dtype=np.int64)
        loops.read_tables(layout, bags, indices, offsets, weights, is_mean, cache, lookups, bad, workers)
    for part in range(parts):
        now = _part(ranges, capacities, part)
        if not is_kept and levels > 0:
            loops.start_tables(layout, bases, 0, dim, now, capacities, lookups, ints, starts, counts, 0, True, workers)
            everything = (0, tables)
            loops.multiply_tries(layout, everything, bases, capacities, ints, starts, counts, products, addresses)
        if len(weight_gradients) > 0:
            loops.differentiate_weights(
                layout, bases, dim, now, capacities, lookups, ints, starts, products, gradient, weight_gradients
            )
        if levels > 0 and core_targets.max() != UNWANTED:
            first = 0
            while first < tables:
                here = (first, block_end(starts, first, MESSAGES))
                floats = _block_floats(products, messages, starts, here)
                loops.gather_row_gradients(
                    layout, here, dim, now, capacities, lookups, ints, starts, counts, floats[2], gradient, workers
                )
                loops.differentiate_tries(
                    layout, here, bases, capacities, ints, starts, counts, floats, addresses, core_targets, rule
                )
                first = here[1]
    if row_targets.max() != UNWANTED:
        update_stored_rows(layout, bases, dim, ranges, lookups, gradient, row_targets, rule, workers)
    _keep(scratch, ranges)
    _keep(messages, ranges)


@compiled
def addresses_like(layout: Any, bases: Any, unwanted: int) -> Any:
    """Address of each core (tables, levels) and of each table's stored rows (tables) in arrays like the weights.

    `bases` has one address a weight slot, or `unwanted`, which is passed on.
    """
    cores = np.full((len(layout), max(1, most_levels(layout))), unwanted, dtype=np.int64)
    rows = np.full(len(layout), unwanted, dtype=np.int64)
    for table in range(len(layout)):
        line = layout[table]
        for level in range(max(0, line[CORES])):
            column = FIRST_CORE + CORE_COLUMNS * level
            base = bases[line[column + CORE_SLOT]]
            cores[table, level] = unwanted if base == unwanted else base + ITEM * line[column + CORE_OFFSET]
        slot = line[SLOT] if line[CORES] <= 0 else line[CACHE_SLOT]
        if slot >= 0 and bases[slot] != unwanted:
            rows[table] = bases[slot] + (ITEM * line[OFFSET] if line[CORES] <= 0 else 0)
    return cores, rows


@compiled
def apply_stored(weight: int, stored: Any, state: int, size: int, rule: Any) -> Any:
    """Hand each slice of `size` floats of a stored gradient that is not zero to `update`."""
    for index in range(len(stored) // size):
        begin = index * size
        for i in range(size):
            if stored[begin + i] != 0:
                update(weight, state, index, size, stored.ctypes.data + ITEM * begin, rule)
                break


@compiled
def stored_row_gradients(
    layout: Any,
    arena: int,
    bags: int,
    offsets: Any,
    places: int,
    slot: int,
    dim: int,
    gradient: int,
    rows: Any,
    values: int,
) -> Any:
    """`list_stored_rows` of the batch whose forward pass left `arena`."""
    tables, levels = len(layout), most_levels(layout)
    lookups = lookup_arrays(arena, tables, levels, places)
    ranges = _all_ranges(layout, bags, offsets)
    return list_stored_rows(layout, slot, dim, ranges, lookups, gradient, rows, values)


@compiled
def size_of_slice(line: Any, level: int) -> Any:
    """Floats of one slice of a core."""
    return slice_size(line, level)
