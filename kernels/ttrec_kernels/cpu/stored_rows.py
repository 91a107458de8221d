"""Gradients of rows that are stored as they are: those of dense tables and of caches."""

from typing import Any

import numpy as np
from numba import prange

from ttrec_kernels.cpu.bag_reading import HASH_MULTIPLIER
from ttrec_kernels.cpu.compiled import ITEM, compiled, compiled_parallel
from ttrec_kernels.cpu.digit_trie import sort_by_key
from ttrec_kernels.cpu.loops import AHEAD, shares_of
from ttrec_kernels.cpu.register_tiles import prefetch_line
from ttrec_kernels.cpu.small_products import add, clear
from ttrec_kernels.cpu.update import SGD, UNWANTED, update
from ttrec_kernels.layout import CACHE_SLOT, CORES, NONE, OFFSET, SLOT


@compiled_parallel
def update_stored_rows(
    layout: Any, bases: Any, dim: int, ranges: Any, lookups: Any, gradient: int, targets: Any, rule: Any, workers: int
) -> Any:
    """Hand the gradients of each stored row in use to `update`; `targets` (tables) are addresses.

    The rows of a table are shared out by a hash, so that each has one owner, who takes its lookups in order.
    """
    tables = len(layout)
    shares = shares_of(tables, workers)
    for work in prange(tables * shares):
        table, share = work // shares, work % shares
        line = layout[table]
        slot = line[SLOT] if line[CORES] <= 0 else line[CACHE_SLOT]
        if slot != NONE and targets[table] != UNWANTED:
            weight = bases[slot] + (ITEM * line[OFFSET] if line[CORES] <= 0 else 0)
            above = gradient + ITEM * dim * table
            first, last = ranges[table, 0], ranges[table, 1]
            if rule[0] == SGD:
                _step_at_once(weight, tables, dim, first, last, share, shares, lookups, above, rule[1])
            else:
                told = (targets[table], rule)
                _update_sums(weight, tables, dim, first, last, share, shares, lookups, above, told)


@compiled
def _step_at_once(
    weight: int,
    tables: int,
    dim: int,
    first: int,
    last: int,
    share: int,
    shares: int,
    lookups: Any,
    gradient: int,
    learning_rate: Any,
) -> Any:
    """SGD is linear: a row's steps, one for each of its lookups, are one step along their sum."""
    mine = np.empty(last - first, dtype=np.int32)
    count = _list_share(lookups[1], first, last, share, shares, mine)
    for i in range(count):
        place, ahead = first + mine[i], first + mine[min(i + AHEAD, count - 1)]
        prefetch_line(weight + ITEM * dim * lookups[1][ahead])
        prefetch_line(gradient + ITEM * dim * tables * np.int64(lookups[2][ahead]))
        above = gradient + ITEM * dim * tables * np.int64(lookups[2][place])
        add(above, weight + ITEM * dim * lookups[1][place], dim, -learning_rate * lookups[3][place])


@compiled
def _list_share(sources: Any, first: int, last: int, share: int, shares: int, mine: Any) -> int:
    """Lookups of stored rows whose rows are of this share, to `mine`; how many. Without a branch, which a processor
    would guess wrong every second time."""
    count = 0
    for i in range(last - first):
        row = sources[first + i]
        # The upper half of a hash, times the number of shares, has the share above its 32 bits.
        spread = ((np.uint64(row) * HASH_MULTIPLIER) >> np.uint64(32)) * np.uint64(shares)
        mine[count] = i
        count += np.int64((row >= 0) & (np.int64(spread >> np.uint64(32)) == share))
    return count


@compiled
def _update_sums(
    weight: int,
    tables: int,
    dim: int,
    first: int,
    last: int,
    share: int,
    shares: int,
    lookups: Any,
    gradient: int,
    told: Any,
) -> Any:
    """Sum the gradients of each row, and hand them to `update` with what it is `told`: target and rule."""
    keys, places = np.empty(last - first, dtype=np.int64), np.empty(last - first, dtype=np.int32)
    found, most = _list_share(lookups[1], first, last, share, shares, places), np.int64(0)
    for i in range(found):
        places[i] += first
        keys[i] = lookups[1][places[i]]
        most = max(most, keys[i])
    sort_by_key(keys, places, found, most + 1, np.empty(found, dtype=np.int64), np.empty(found, dtype=np.int32))
    sums = np.empty(dim, dtype=np.float32)
    total = sums.ctypes.data
    for i in range(found):
        if i == 0 or keys[i] != keys[i - 1]:
            clear(total, dim)
        above = gradient + ITEM * dim * tables * np.int64(lookups[2][places[i]])
        add(above, total, dim, lookups[3][places[i]])
        if i + 1 == found or keys[i + 1] != keys[i]:
            update(weight, told[0], keys[i], dim, total, told[1])
    return len(sums)  # used here, or its memory would be freed once its address is taken


@compiled
def list_stored_rows(
    layout: Any, slot: int, dim: int, ranges: Any, lookups: Any, gradient: int, rows: Any, values: int
) -> Any:
    """Rows of weight `slot` and their gradients (…, dim) at `values`, one pair a lookup; how many there are."""
    found, tables = 0, len(layout)
    for table in range(tables):
        line = layout[table]
        if slot != (line[SLOT] if line[CORES] <= 0 else line[CACHE_SLOT]):
            continue
        first_row = line[OFFSET] // dim if line[CORES] <= 0 else 0
        for place in range(ranges[table, 0], ranges[table, 1]):
            if lookups[1][place] >= 0:
                rows[found] = first_row + lookups[1][place]
                clear(values + ITEM * dim * found, dim)
                above = gradient + ITEM * dim * (np.int64(lookups[2][place]) * tables + table)
                add(above, values + ITEM * dim * found, dim, lookups[3][place])
                found += 1
    return found
