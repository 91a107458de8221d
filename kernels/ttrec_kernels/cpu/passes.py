"""A whole forward and a whole backward pass, each one call from Python."""

from typing import Any

import numpy as np
from numba import literal_unroll

from ttrec_kernels.cpu.arena import (
    MESSAGES,
    PRODUCTS,
    ROW_GRADIENTS,
    arena_bytes,
    block_end,
    block_floats,
    fill_starts,
    header,
    most_levels,
    most_of_a_table,
    most_scratch,
)
from ttrec_kernels.cpu.compiled import ITEM, compiled
from ttrec_kernels.cpu.loops import run
from ttrec_kernels.cpu.pooling import stored_rows_at, stored_slot
from ttrec_kernels.cpu.records import MESSAGES_AT, OF_ROWS_AT, OUT, RANGES, STEP, Batch, memory_of, new_frame, tell
from ttrec_kernels.cpu.stored_rows import list_stored_rows
from ttrec_kernels.cpu.task_queue import TABLE, order_of_whole, share_out, shares_of, whole_tables
from ttrec_kernels.cpu.tasks import (
    BACKWARD,
    BUILD,
    DIFFERENTIATE,
    FILL,
    FORWARD,
    GATHER,
    MULTIPLY,
    POOL,
    READ,
    START,
    STORED,
    WEIGHTS,
)
from ttrec_kernels.cpu.update import UNWANTED, update
from ttrec_kernels.layout import CORE_COLUMNS, CORE_OFFSET, CORE_SLOT, CORES, FIRST_CORE


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
def arena_size(batch: Batch, parts: int) -> Any:
    """Bytes of the arena of a batch that is worked off in `parts`."""
    layout = batch.layout
    starts = np.empty((len(layout) + 1, 4), dtype=np.int64)
    fill_starts(layout, _capacities(_all_ranges(layout, batch.bags, batch.offsets), parts), batch.dim, starts)
    return arena_bytes(len(layout), most_levels(layout), len(batch.indices), starts[len(layout)])


@compiled
def _addresses(scratch: Any) -> Any:
    """Address of each line."""
    lines = np.empty(len(scratch), dtype=np.int64)
    for worker in range(len(scratch)):
        lines[worker] = scratch.ctypes.data + ITEM * scratch.shape[1] * worker
    return lines


@compiled
def _keep(mark: Any, *arrays: Any) -> None:
    """Use `arrays` once more: what is used by its address alone from here on would be freed before."""
    for array in literal_unroll(arrays):
        if array.size < 0:
            mark[0] = array.size


@compiled
def _start(batch: Batch, arena: int, capacities: Any) -> Any:
    """Fill the arena's head: where tries and products begin (tables + 1, 4), and the levels of the deepest trie."""
    levels = most_levels(batch.layout)
    starts, _ = header(arena, len(batch.layout), levels)
    fill_starts(batch.layout, capacities, batch.dim, starts)
    return starts, levels


@compiled
def _read(code: int, frame: Any, tables: int, workers: int, bad: Any) -> Any:
    """Read all lookups, in shares; `bad` (tables) gets positions of bad indices, −1 where there are none."""
    tasks = share_out(READ, 0, 0, tables, shares_of(tables, workers))
    found = np.empty(len(tasks), dtype=np.int64)
    run(code, frame, tasks, workers, found)
    for number in range(len(tasks)):
        table = tasks[number, TABLE]
        bad[table] = max(bad[table], found[number])


@compiled
def forward_pass(code: int, batch: Batch, parts: int, workers: int, arena: int, out: int) -> Any:
    """Bags' vectors (bags, tables, dim) added to `out`, or written there where `offsets` is empty.

    `code` is the address of `tasks`' way forward. Returns positions (tables) of bad indices, −1 where there are none.
    """
    tables, ranges = len(batch.layout), _all_ranges(batch.layout, batch.bags, batch.offsets)
    capacities, bad = _capacities(ranges, parts), np.full(tables, -1, dtype=np.int64)
    starts, levels = _start(batch, arena, capacities)
    scratch = np.empty((workers, most_scratch(batch.layout)), dtype=np.float32)
    lines = _addresses(scratch)
    frame = new_frame(batch, arena, levels, ranges, capacities, lines)
    frame[OUT] = out
    order = order_of_whole(batch.layout, ranges, workers)
    if parts == 1 and len(order) > 0:
        found = np.empty(tables, dtype=np.int64)
        run(code, frame, whole_tables(FORWARD, order), workers, found)
        for number in range(tables):
            bad[order[number]] = found[number]
    else:
        _read(code, frame, tables, workers, bad)
        for part in range(parts):
            now = _part(ranges, capacities, part)
            frame[RANGES] = now.ctypes.data
            _pool_part(code, frame, starts, levels, workers)
            _keep(bad, now)
    _keep(bad, scratch, ranges, capacities, lines)
    return bad


@compiled
def _pool_part(code: int, frame: Any, starts: Any, levels: int, workers: int) -> Any:
    """Vectors of the lookups of a part that have been read, each table divided."""
    tables = len(starts) - 1
    found = np.empty(tables * (1 + workers), dtype=np.int64)
    shares = 1 + max(1, shares_of(tables, workers) - 1)  # one thread is busy with the trie
    run(code, frame, share_out(START, 0, 0, tables, shares), workers, found)
    first = tables if levels == 0 else 0
    while first < tables:
        end = block_end(starts, first, PRODUCTS)
        for level in range(1, levels):
            run(code, frame, share_out(MULTIPLY, level, first, end, workers), workers, found)
        run(code, frame, share_out(POOL, 0, first, end, workers), workers, found)
        first = end


@compiled
def backward_pass(
    codes: Any,
    batch: Batch,
    parts: int,
    workers: int,
    arena: int,
    is_kept: bool,
    gradient: int,
    core_targets: Any,
    row_targets: Any,
    rule: Any,
    of_weights: Any,
) -> Any:
    """Hand all gradients to `update`, from the arena of the forward pass if it `is_kept`, else from the start.

    `codes` are the addresses of `tasks`; `core_targets` (tables, levels) and `row_targets` (tables) are addresses or
    UNWANTED; `of_weights` (places) is empty or filled. With more than one part, gradients of cores must be stored:
    `rule` is then STORE's.
    """
    ranges = _all_ranges(batch.layout, batch.bags, batch.offsets)
    capacities, rates = _capacities(ranges, parts), np.array([rule[1], rule[2]], dtype=np.float32)
    starts, levels = _start(batch, arena, capacities)
    scratch = np.empty((workers, most_scratch(batch.layout)), dtype=np.float32)
    lines = _addresses(scratch)
    frame = new_frame(batch, arena, levels, ranges, capacities, lines)
    tell(frame, gradient, core_targets, row_targets, rule[0], rates, of_weights)
    order = order_of_whole(batch.layout, ranges, workers)
    if parts == 1 and len(order) > 0:
        _go_back_whole(codes, frame, starts, order, workers, is_kept)
    else:
        wants_cores = levels > 0 and core_targets.max() != UNWANTED
        _go_back_divided(codes, frame, starts, levels, ranges, capacities, parts, workers, is_kept, wants_cores)
    _keep(ranges, scratch, capacities, lines, rates)


@compiled
def _go_back_whole(codes: Any, frame: Any, starts: Any, order: Any, workers: int, is_kept: bool) -> Any:
    """A backward pass in which each table has one worker, who keeps messages of one table at a time."""
    most, found = most_of_a_table(starts, MESSAGES), np.empty(len(order), dtype=np.int64)
    frame[STEP] = max(1, most + most_of_a_table(starts, ROW_GRADIENTS))
    messages = np.empty(workers * frame[STEP], dtype=np.float32)
    frame[MESSAGES_AT], frame[OF_ROWS_AT] = messages.ctypes.data, messages.ctypes.data + ITEM * most
    if not is_kept:
        run(codes[0], frame, whole_tables(FILL, order), workers, found)
    run(codes[1], frame, whole_tables(BACKWARD, order), workers, found)
    _keep(found, messages)


@compiled
def _go_back_divided(
    codes: Any,
    frame: Any,
    starts: Any,
    levels: int,
    ranges: Any,
    capacities: Any,
    parts: int,
    workers: int,
    is_kept: bool,
    wants_cores: bool,
) -> Any:
    """A backward pass part by part, each table divided."""
    tables = len(starts) - 1
    found, bad = np.empty(tables * workers, dtype=np.int64), np.empty(tables, dtype=np.int64)
    messages = np.empty(max(1, block_floats(starts)), dtype=np.float32)
    if not is_kept:
        _read(codes[0], frame, tables, workers, bad)
    for part in range(parts):
        now = _part(ranges, capacities, part)
        frame[RANGES] = now.ctypes.data
        if not is_kept:
            run(codes[0], frame, share_out(BUILD, 0, 0, tables, 1), workers, found)
            for level in range(1, levels):
                run(codes[0], frame, share_out(MULTIPLY, level, 0, tables, workers), workers, found)
        run(codes[1], frame, share_out(WEIGHTS, 0, 0, tables, 1), workers, found)
        first = 0 if wants_cores else tables
        while first < tables:
            end = block_end(starts, first, MESSAGES)
            _place_messages(frame, messages, starts, first, end)
            run(codes[1], frame, share_out(GATHER, 0, first, end, workers), workers, found)
            for level in range(levels):
                run(codes[1], frame, share_out(DIFFERENTIATE, level, first, end, workers), workers, found)
            first = end
        _keep(found, now)
    frame[RANGES] = ranges.ctypes.data
    run(codes[1], frame, share_out(STORED, 0, 0, tables, shares_of(tables, workers)), workers, found)
    _keep(found, messages)


@compiled
def _place_messages(frame: Any, messages: Any, starts: Any, first: int, end: int) -> Any:
    """Where messages and gradients of rows of table 0 would lie, if table `first` begins `messages`."""
    begin = messages.ctypes.data - ITEM * starts[first, MESSAGES]
    frame[MESSAGES_AT] = begin
    frame[OF_ROWS_AT] = begin + ITEM * (starts[end, MESSAGES] - starts[first, ROW_GRADIENTS])


@compiled
def addresses_like(layout: Any, bases: Any) -> Any:
    """Address of each core (tables, levels) and of each table's stored rows (tables) in arrays like the weights.

    `bases` has one address a weight slot, or UNWANTED, which is passed on.
    """
    cores = np.full((len(layout), max(1, most_levels(layout))), UNWANTED, dtype=np.int64)
    rows = np.full(len(layout), UNWANTED, dtype=np.int64)
    for table in range(len(layout)):
        line = layout[table]
        for level in range(max(0, line[CORES])):
            column = FIRST_CORE + CORE_COLUMNS * level
            base = bases[line[column + CORE_SLOT]]
            cores[table, level] = UNWANTED if base == UNWANTED else base + ITEM * line[column + CORE_OFFSET]
        slot = stored_slot(line)
        if slot >= 0 and bases[slot] != UNWANTED:
            rows[table] = stored_rows_at(line, bases)
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
def stored_row_gradients(batch: Batch, arena: int, slot: int, gradient: int, rows: Any, values: int) -> Any:
    """`list_stored_rows` of the batch whose forward pass left `arena`."""
    levels, ranges = most_levels(batch.layout), _all_ranges(batch.layout, batch.bags, batch.offsets)
    frame = new_frame(batch, arena, levels, ranges, ranges, ranges[:0, 0].copy())
    memory = memory_of(frame.ctypes.data)
    found = list_stored_rows(batch, memory, slot, gradient, rows, values)
    _keep(ranges, frame)
    return found
