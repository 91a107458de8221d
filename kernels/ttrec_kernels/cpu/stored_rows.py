"""Gradients of rows that are stored as they are: those of dense tables and of caches."""

from typing import Any

import numpy as np
from numba import prange

from ttrec_kernels.cpu.compiled import ITEM, compiled, compiled_parallel
from ttrec_kernels.cpu.digit_trie import sort_by_key
from ttrec_kernels.cpu.small_products import add, clear
from ttrec_kernels.cpu.update import update
from ttrec_kernels.layout import CACHE_SLOT, CORES, NONE, OFFSET, SLOT


@compiled_parallel
def update_stored_rows(
    layout: Any, bases: Any, dim: int, ranges: Any, lookups: Any, gradient: int, targets: Any, rule: Any
) -> Any:
    """Sum the gradients of each stored row in use and hand them to `update`; `targets` (tables) are addresses."""
    for table in prange(len(layout)):
        line = layout[table]
        slot = line[SLOT] if line[CORES] <= 0 else line[CACHE_SLOT]
        if slot != NONE:
            weight = bases[slot] + (ITEM * line[OFFSET] if line[CORES] <= 0 else 0)
            _update_table(
                table,
                len(layout),
                weight,
                dim,
                ranges[table, 0],
                ranges[table, 1],
                lookups,
                gradient,
                targets[table],
                rule,
            )


@compiled
def _update_table(
    table: int,
    tables: int,
    weight: int,
    dim: int,
    first: int,
    last: int,
    lookups: Any,
    gradient: int,
    target: int,
    rule: Any,
) -> Any:
    keys, places = np.empty(last - first, dtype=np.int64), np.empty(last - first, dtype=np.int32)
    found, most = 0, np.int64(0)
    for place in range(first, last):
        if lookups[1][place] >= 0:
            keys[found], places[found] = lookups[1][place], place
            most = max(most, lookups[1][place])
            found += 1
    sort_by_key(keys, places, found, most + 1, np.empty(found, dtype=np.int64), np.empty(found, dtype=np.int32))
    sums = np.empty(dim, dtype=np.float32)
    total = sums.ctypes.data
    for i in range(found):
        if i == 0 or keys[i] != keys[i - 1]:
            clear(total, dim)
        above = gradient + ITEM * dim * (np.int64(lookups[2][places[i]]) * tables + table)
        add(above, total, dim, lookups[3][places[i]])
        if i + 1 == found or keys[i + 1] != keys[i]:
            update(weight, target, keys[i], dim, total, rule)
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
