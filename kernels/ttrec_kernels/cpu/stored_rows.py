"""Gradients of rows that are stored as they are: those of dense tables and of caches."""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.bag_reading import HASH_MULTIPLIER
from ttrec_kernels.cpu.compiled import ITEM, compiled
from ttrec_kernels.cpu.digit_trie import sort_by_key
from ttrec_kernels.cpu.pooling import stored_rows_at, stored_slot
from ttrec_kernels.cpu.row_vectors import AHEAD, add, clear, prefetch_line
from ttrec_kernels.cpu.update import SGD, UNWANTED, update
from ttrec_kernels.layout import CORES, NONE, OFFSET


@compiled
def update_stored_rows(batch: Any, memory: Any, gradients: Any, table: int, share: int, shares: int) -> Any:
    """Hand the gradients of each stored row in use of a table to `update`.

    The rows of a table are shared out by a hash, so that each has one owner, who takes its lookups in order.
    """
    line, target = batch.layout[table], gradients.row_targets[table]
    if stored_slot(line) == NONE or target == UNWANTED:
        return
    weight, above = stored_rows_at(line, batch.bases), gradients.of_bags + ITEM * batch.dim * table
    mine = np.empty(memory.ranges[table, 1] - memory.ranges[table, 0], dtype=np.int32)
    count = _list_share(memory, table, share, shares, mine)
    if gradients.rule[0] == SGD:
        _step_at_once(batch, memory, table, weight, mine[:count], above, gradients.rule[1])
    else:
        _update_sums(batch, memory, table, weight, mine[:count], above, target, gradients.rule)


@compiled
def _list_share(memory: Any, table: int, share: int, shares: int, mine: Any) -> int:
    """Lookups of stored rows whose rows are of this share, to `mine`; how many. Without a branch, which a processor
    would guess wrong every second time."""
    count, first = 0, memory.ranges[table, 0]
    for i in range(len(mine)):
        row = memory.sources[first + i]
        # The upper half of a hash, times the number of shares, has the share above its 32 bits.
        spread = ((np.uint64(row) * HASH_MULTIPLIER) >> np.uint64(32)) * np.uint64(shares)
        mine[count] = i
        count += np.int64((row >= 0) & (np.int64(spread >> np.uint64(32)) == share))
    return count


@compiled
def _step_at_once(
    batch: Any, memory: Any, table: int, weight: int, mine: Any, gradient: int, learning_rate: Any
) -> Any:
    """SGD is linear: a row's steps, one for each of its lookups, are one step along their sum."""
    first, row_bytes, step = memory.ranges[table, 0], ITEM * batch.dim, ITEM * batch.dim * len(batch.layout)
    for i in range(len(mine)):
        place, ahead = first + mine[i], first + mine[min(i + AHEAD, len(mine) - 1)]
        prefetch_line(weight + row_bytes * memory.sources[ahead])
        prefetch_line(gradient + step * np.int64(memory.bags[ahead]))
        above, row = gradient + step * np.int64(memory.bags[place]), weight + row_bytes * memory.sources[place]
        add(above, row, batch.dim, -learning_rate * memory.scales[place])


@compiled
def _update_sums(
    batch: Any, memory: Any, table: int, weight: int, mine: Any, gradient: int, target: int, rule: Any
) -> Any:
    """Sum the gradients of each row, and hand them to `update`."""
    found, most, first, dim = len(mine), np.int64(0), memory.ranges[table, 0], batch.dim
    keys, places = np.empty(found, dtype=np.int64), np.empty(found, dtype=np.int32)
    for i in range(found):
        places[i] = first + mine[i]
        keys[i] = memory.sources[places[i]]
        most = max(most, keys[i])
    sort_by_key(keys, places, found, most + 1, np.empty(found, dtype=np.int64), np.empty(found, dtype=np.int32))
    sums = np.empty(dim, dtype=np.float32)
    total = sums.ctypes.data
    for i in range(found):
        if i == 0 or keys[i] != keys[i - 1]:
            clear(total, dim)
        above = gradient + ITEM * dim * len(batch.layout) * np.int64(memory.bags[places[i]])
        add(above, total, dim, memory.scales[places[i]])
        if i + 1 == found or keys[i + 1] != keys[i]:
            update(weight, target, keys[i], dim, total, rule)
    return len(sums)  # used here, or its memory would be freed once its address is taken


@compiled
def list_stored_rows(batch: Any, memory: Any, slot: int, gradient: int, rows: Any, values: int) -> Any:
    """Rows of weight `slot` and their gradients (…, dim) at `values`, one pair a lookup; how many there are."""
    found, tables, dim = 0, len(batch.layout), batch.dim
    for table in range(tables):
        line = batch.layout[table]
        if slot != stored_slot(line):
            continue
        first_row = line[OFFSET] // dim if line[CORES] <= 0 else 0
        for place in range(memory.ranges[table, 0], memory.ranges[table, 1]):
            if memory.sources[place] >= 0:
                rows[found] = first_row + memory.sources[place]
                clear(values + ITEM * dim * found, dim)
                above = gradient + ITEM * dim * (np.int64(memory.bags[place]) * tables + table)
                add(above, values + ITEM * dim * found, dim, memory.scales[place])
                found += 1
    return found
