"""Rows into bags, and the gradients of bags back into those of rows and weights: one table, or some of its bags.

`table` is the number of a table; `gradient` the address of that of the bags' vectors (bags, tables, dim).
"""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.arena import INTS, PRODUCTS
from ttrec_kernels.cpu.bag_reading import FROM_CORES
from ttrec_kernels.cpu.compiled import ITEM, compiled, floats_at, inlined
from ttrec_kernels.cpu.digit_trie import FIRST_CHILD, PLACE, level_array
from ttrec_kernels.cpu.row_vectors import AHEAD, add, clear, collect, prefetch_line
from ttrec_kernels.cpu.tt_levels import products_at
from ttrec_kernels.layout import CACHE_SLOT, CORES, NONE, OFFSET, SLOT


@inlined
def stored_slot(line: Any) -> Any:
    """Slot of the weight with a table's stored rows, its own or those of its cache; NONE where it has none."""
    return line[SLOT] if line[CORES] <= 0 else line[CACHE_SLOT]


@inlined
def stored_rows_at(line: Any, bases: Any) -> Any:
    """Address that sources of a table's stored rows count from, 0 where it has none."""
    slot = stored_slot(line)
    return np.int64(0) if slot == NONE else bases[slot] + (ITEM * line[OFFSET] if line[CORES] <= 0 else 0)


@inlined
def _bag_at(vectors: int, batch: Any, table: int, bag: Any) -> Any:
    """Address of a bag's vector among (bags, tables, dim)."""
    return vectors + ITEM * batch.dim * (np.int64(bag) * len(batch.layout) + table)


@inlined
def _of_bags(memory: Any, table: int, begin: int, end: int) -> Any:
    """First and end place of the lookups of bags begin … end − 1."""
    first, last = memory.ranges[table]
    bag_of = memory.bags[first:last]
    return first + np.searchsorted(bag_of, begin), first + np.searchsorted(bag_of, end)


@compiled
def pool_stored(batch: Any, memory: Any, table: int, begin: int, end: int) -> Any:
    """Stored rows, each times its scale, added to bags begin … end − 1, or written there where each has one lookup."""
    is_added, dim = len(batch.offsets) > 0, batch.dim
    if is_added and stored_slot(batch.layout[table]) == NONE:
        return
    stored = stored_rows_at(batch.layout[table], batch.bases)
    first, last = _of_bags(memory, table, begin, end)
    # One that is not stored is a row of zeros: a processor cannot guess which they are.
    zeros, rows = np.zeros(dim, dtype=np.float32), np.empty(last - first, dtype=np.int64)
    scales = np.empty(last - first, dtype=np.float32)
    for i in range(last - first):
        source, scale = memory.sources[first + i], memory.scales[first + i]
        is_stored = np.int64(source >= 0)
        scales[i] = scale if source >= 0 else np.float32(0)  # infinity times zero would be no number
        rows[i] = is_stored * (stored + ITEM * dim * source) + (1 - is_stored) * zeros.ctypes.data
        prefetch_line(rows[i])
    place = first
    while place < last:
        bag, after = memory.bags[place], place + 1
        while after < last and memory.bags[after] == bag:
            after += 1
        at_row, at_scale = rows.ctypes.data + 8 * (place - first), scales.ctypes.data + ITEM * (place - first)
        collect(at_row, at_scale, after - place, _bag_at(memory.out, batch, table, bag), dim, is_added)
        place = after
    zeros[0] = len(rows) + len(scales)  # used here, or they would be freed once their addresses are taken


@inlined
def _computed_rows(batch: Any, memory: Any, table: int) -> Any:
    """Address of the rows multiplied from cores, one a leaf, and where the leaf of a place is told."""
    capacity, start = memory.capacities[table], memory.starts[table]
    products = memory.products + ITEM * start[PRODUCTS]
    rows = products_at(batch.layout[table], batch.layout[table, CORES] - 1, capacity, products)
    return np.int64(rows), start[INTS] + capacity + 1 - memory.ranges[table, 0]


@compiled
def pool_computed(batch: Any, memory: Any, table: int, begin: int, end: int) -> Any:
    """Rows from cores, each times its scale, added to bags begin … end − 1."""
    computed, leaf = _computed_rows(batch, memory, table)
    first, last = _of_bags(memory, table, begin, end)
    mine, count = np.empty(last - first, dtype=np.int64), 0
    for place in range(first, last):
        mine[count] = place
        count += np.int64(memory.sources[place] == FROM_CORES)
    for i in range(count):
        place = mine[i]
        row = computed + ITEM * batch.dim * memory.ints[leaf + place]
        add(row, _bag_at(memory.out, batch, table, memory.bags[place]), batch.dim, memory.scales[place])


@compiled
def differentiate_weights(batch: Any, memory: Any, table: int, gradient: int, of_weights: Any) -> Any:
    """Gradient of each lookup's weight in a sum: its row times the gradient of its bag."""
    line, dim = batch.layout[table], batch.dim
    stored, (computed, leaf) = stored_rows_at(line, batch.bases), (np.int64(0), np.int64(0))
    if line[CORES] > 0:
        computed, leaf = _computed_rows(batch, memory, table)
    for place in range(memory.ranges[table, 0], memory.ranges[table, 1]):
        source, total = memory.sources[place], np.float32(0)
        if source >= 0 or source == FROM_CORES:
            at = stored + ITEM * dim * source if source >= 0 else computed + ITEM * dim * memory.ints[leaf + place]
            row, above = floats_at(at, dim), floats_at(_bag_at(gradient, batch, table, memory.bags[place]), dim)
            for j in range(dim):
                total += row[j] * above[j]
        of_weights[place] = total


@compiled
def gather_row_gradients(batch: Any, memory: Any, table: int, begin: int, end: int, gradient: int, of_rows: int) -> Any:
    """Gradients of the rows of leaves begin … end − 1, of their bags in `gradient`, each times its scale; a leaf's
    lies by its place at `of_rows`."""
    ints, dim, level = memory.ints, batch.dim, batch.layout[table, CORES] - 1
    order, capacity, start = memory.starts[table, INTS], memory.capacities[table], memory.ranges[table, 0]
    firsts, place_of = level_array(order, capacity, level, FIRST_CHILD), level_array(order, capacity, level, PLACE)
    first, last = ints[firsts + begin], ints[firsts + end]
    aboves = np.empty(last - first, dtype=np.int64)
    for i in range(last - first):
        aboves[i] = _bag_at(gradient, batch, table, memory.bags[start + ints[order + first + i]])
    for node in range(begin, end):
        total = of_rows + ITEM * dim * ints[place_of + node]
        clear(total, dim)
        for i in range(ints[firsts + node] - first, ints[firsts + node + 1] - first):
            # Each lies on another page, far from the one before.
            prefetch_line(aboves[min(i + AHEAD, last - first - 1)])
            add(aboves[i], total, dim, memory.scales[start + ints[order + first + i]])
