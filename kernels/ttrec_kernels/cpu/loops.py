"""The parallel loops of a lookup over all tables: read, build tries, multiply, pool, and back.

Every loop divides its work so that each output has one owner, whose sums run in a fixed order: results do not
depend on the number of threads. `lookups` are the arrays of `arena.lookup_arrays`; `ranges` (tables, 2) the places of
each table that this part of a batch covers; `capacities` (tables) the lookups its trie has room for; `starts` and
`counts` as in `arena`; `here` the first table and the one after the last.
"""

from typing import Any

import numpy as np
from numba import prange

from ttrec_kernels.cpu.arena import INTS, MESSAGES, PRODUCTS, ROW_GRADIENTS, most_levels
from ttrec_kernels.cpu.bag_reading import FROM_CORES, read_column, read_segments
from ttrec_kernels.cpu.compiled import ITEM, compiled, compiled_parallel, floats_at, inlined
from ttrec_kernels.cpu.digit_trie import FIRST_CHILD, PLACE, build_trie, level_array
from ttrec_kernels.cpu.register_tiles import prefetch_line
from ttrec_kernels.cpu.small_products import add, clear, collect
from ttrec_kernels.cpu.tt_levels import (
    differentiate_first_level,
    differentiate_level,
    multiply_level,
    products_at,
)
from ttrec_kernels.layout import CACHE_SLOT, CORES, NONE, OFFSET, SLOT

AHEAD = 16
"""Rows that are asked for before they are read: enough to hide the way to memory."""


@compiled
def shares_of(tables: int, workers: int) -> Any:
    """Into how many shares to cut the work of each table, so that all workers have some."""
    return 1 if tables >= 2 * workers else workers


@compiled_parallel
def read_tables(
    layout: Any,
    bags: int,
    indices: Any,
    offsets: Any,
    weights: Any,
    is_mean: bool,
    cache: Any,
    lookups: Any,
    bad: Any,
    workers: int,
) -> Any:
    """Lookups of every table, one a bag where `offsets` is empty; `bad` (tables) gets positions of bad indices."""
    tables = len(layout)
    shares = shares_of(tables, workers)
    found = np.full((tables, shares), -1, dtype=np.int64)
    for work in prange(tables * shares):
        table, share = work // shares, work % shares
        line, begin, end = layout[table], bags * share // shares, bags * (share + 1) // shares
        if len(offsets) == 0:
            position = read_column(line, table, tables, bags, begin, end, indices, weights, cache, lookups)
        else:
            position = read_segments(line, table, bags, begin, end, indices, offsets, weights, is_mean, cache, lookups)
        found[table, share] = position
    for table in range(tables):
        bad[table] = found[table].max()


@compiled_parallel
def start_tables(
    layout: Any,
    bases: Any,
    bags: int,
    dim: int,
    ranges: Any,
    capacities: Any,
    lookups: Any,
    ints: Any,
    starts: Any,
    counts: Any,
    out: int,
    is_added: bool,
    workers: int,
) -> Any:
    """What needs no products: a trie of each table's lookups that come from its cores; and the stored rows, added to
    `out` (bags, tables, dim) each times its scale, or written there where each bag has one lookup and nothing was
    before. One thread's trie goes well with another one's rows.
    """
    tables = len(layout)
    shares = max(1, shares_of(tables, workers) - 1)  # one thread is busy with the trie
    for work in prange(tables * (1 + shares)):
        table, share = work // (1 + shares), work % (1 + shares)
        if share == 0:
            if layout[table, CORES] > 0:
                _build(layout[table], ranges[table], capacities[table], lookups, ints, starts[table], counts[table])
        else:
            begin, end = bags * (share - 1) // shares, bags * share // shares
            _pool_stored(layout[table], bases, table, tables, begin, end, dim, ranges[table], lookups, out, is_added)


@compiled
def _build(line: Any, places: Any, capacity: int, lookups: Any, ints: Any, starts: Any, counts: Any) -> Any:
    """The trie of one table's lookups that come from its cores."""
    first, last = places
    keys, base = np.empty(last - first, dtype=np.int64), starts[INTS]
    found = 0
    for place in range(first, last):
        # No branch: a processor cannot guess which rows are cached.
        keys[found], ints[base + found] = lookups[0][place], place - first
        found += np.int64(lookups[1][place] == FROM_CORES)
    counts[0] = found
    build_trie(line, keys, found, capacity, ints, base, counts[1:])


@inlined
def _of_bags(places: Any, lookups: Any, begin: int, end: int) -> Any:
    """First and end place of the lookups of bags begin … end − 1."""
    bag_of = lookups[2][places[0] : places[1]]
    return places[0] + np.searchsorted(bag_of, begin), places[0] + np.searchsorted(bag_of, end)


@compiled
def _pool_stored(
    line: Any,
    bases: Any,
    table: int,
    tables: int,
    begin: int,
    end: int,
    dim: int,
    places: Any,
    lookups: Any,
    out: int,
    is_added: bool,
) -> Any:
    """The stored rows of some bags of a table, added, or as they are where there is one lookup a bag."""
    slot = line[SLOT] if line[CORES] <= 0 else line[CACHE_SLOT]
    if slot == NONE and is_added:
        return
    stored = np.int64(0) if slot == NONE else bases[slot] + (ITEM * line[OFFSET] if line[CORES] <= 0 else 0)
    first, last = _of_bags(places, lookups, begin, end)
    # One that is not stored is a row of zeros: a processor cannot guess which they are.
    zeros, rows = np.zeros(dim, dtype=np.float32), np.empty(last - first, dtype=np.int64)
    scales = np.empty(last - first, dtype=np.float32)
    for i in range(last - first):
        source, scale = lookups[1][first + i], lookups[3][first + i]
        is_stored = np.int64(source >= 0)
        scales[i] = scale if source >= 0 else np.float32(0)  # infinity times zero would be no number
        rows[i] = is_stored * (stored + ITEM * dim * source) + (1 - is_stored) * zeros.ctypes.data
        prefetch_line(rows[i])
    place = first
    while place < last:
        bag, end = lookups[2][place], place + 1
        while end < last and lookups[2][end] == bag:
            end += 1
        total = out + ITEM * dim * (np.int64(bag) * tables + table)
        at_row, at_scale = rows.ctypes.data + 8 * (place - first), scales.ctypes.data + ITEM * (place - first)
        collect(at_row, at_scale, end - place, total, dim, is_added)
        place = end
    zeros[0] = len(rows) + len(scales)  # used here, or they would be freed once their addresses are taken


@compiled
def _share(level: int, counts: Any, worker: int, workers: int) -> Any:
    """First and end node of a worker's share of a level, and the level's groups."""
    nodes = counts[1 + 2 * level]
    return nodes * worker // workers, nodes * (worker + 1) // workers, counts[2 + 2 * level]


@compiled_parallel
def multiply_tries(
    layout: Any,
    here: Any,
    bases: Any,
    capacities: Any,
    ints: Any,
    starts: Any,
    counts: Any,
    products: int,
    scratch: Any,
) -> Any:
    """L_k of all nodes, level by level; `scratch` (workers) are addresses."""
    workers = len(scratch)
    for level in range(1, most_levels(layout[here[0] : here[1]])):
        for worker in prange(workers):
            for table in range(here[0], here[1]):
                line = layout[table]
                if line[CORES] > level:
                    multiply_level(
                        line,
                        bases,
                        level,
                        capacities[table],
                        ints,
                        starts[table, INTS],
                        _share(level, counts[table], worker, workers),
                        products + ITEM * starts[table, PRODUCTS],
                        scratch[worker],
                    )


@compiled
def row_addresses(line: Any, bases: Any, capacity: int, products: int, starts: Any) -> Any:
    """Where rows of this table lie: the stored ones, and those multiplied from cores, one a leaf."""
    cores = line[CORES]
    slot = line[SLOT] if cores <= 0 else line[CACHE_SLOT]
    stored = np.int64(0) if slot == NONE else bases[slot] + (ITEM * line[OFFSET] if cores <= 0 else 0)
    if cores <= 0:
        return stored, np.int64(0)
    return stored, np.int64(products_at(line, cores - 1, capacity, products + ITEM * starts[PRODUCTS]))


@compiled_parallel
def pool_computed(
    layout: Any,
    here: Any,
    bags: int,
    dim: int,
    ranges: Any,
    capacities: Any,
    lookups: Any,
    ints: Any,
    starts: Any,
    products: int,
    out: int,
    workers: int,
) -> Any:
    """Add the rows of this part that come from cores to `out` (bags, tables, dim), each times its scale."""
    tables = len(layout)
    for worker in prange(workers):
        for table in range(here[0], here[1]):
            cores = layout[table, CORES]
            if cores <= 0:
                continue
            begin, end = _of_bags(ranges[table], lookups, bags * worker // workers, bags * (worker + 1) // workers)
            computed = products_at(
                layout[table], cores - 1, capacities[table], products + ITEM * starts[table, PRODUCTS]
            )
            leaf = starts[table, INTS] + capacities[table] + 1 - ranges[table, 0]
            mine, count = np.empty(end - begin, dtype=np.int64), 0
            for place in range(begin, end):
                mine[count] = place
                count += np.int64(lookups[1][place] == FROM_CORES)
            for i in range(count):
                place = mine[i]
                total = out + ITEM * dim * (np.int64(lookups[2][place]) * tables + table)
                add(computed + ITEM * dim * ints[leaf + place], total, dim, lookups[3][place])


@compiled_parallel
def differentiate_weights(
    layout: Any,
    bases: Any,
    dim: int,
    ranges: Any,
    capacities: Any,
    lookups: Any,
    ints: Any,
    starts: Any,
    products: int,
    gradient: int,
    weight_gradients: Any,
) -> Any:
    """Gradient of each lookup's weight in a sum: its row times the gradient of its bag."""
    tables = len(layout)
    for table in prange(tables):
        stored, computed = row_addresses(layout[table], bases, capacities[table], products, starts[table])
        leaf = starts[table, INTS] + capacities[table] + 1 - ranges[table, 0]
        for place in range(ranges[table, 0], ranges[table, 1]):
            source = lookups[1][place]
            total = np.float32(0)
            if source >= 0 or source == FROM_CORES:
                at = stored + ITEM * dim * source if source >= 0 else computed + ITEM * dim * ints[leaf + place]
                row = floats_at(at, dim)
                above = floats_at(gradient + ITEM * dim * (np.int64(lookups[2][place]) * tables + table), dim)
                for j in range(dim):
                    total += row[j] * above[j]
            weight_gradients[place] = total


@compiled_parallel
def gather_row_gradients(
    layout: Any,
    here: Any,
    dim: int,
    ranges: Any,
    capacities: Any,
    lookups: Any,
    ints: Any,
    starts: Any,
    counts: Any,
    row_gradients: int,
    gradient: int,
    workers: int,
) -> Any:
    """Gradient of each leaf's row: those of its bags in `gradient` (bags, tables, dim), each times its scale."""
    tables = len(layout)
    for worker in prange(workers):
        for table in range(here[0], here[1]):
            cores = layout[table, CORES]
            if cores <= 0:
                continue
            order = starts[table, INTS]
            begin, end, _ = _share(cores - 1, counts[table], worker, workers)
            firsts = level_array(order, capacities[table], cores - 1, FIRST_CHILD)
            place_of = level_array(order, capacities[table], cores - 1, PLACE)
            first, last = ints[firsts + begin], ints[firsts + end]
            aboves = np.empty(last - first, dtype=np.int64)
            for i in range(last - first):
                bag = np.int64(lookups[2][ranges[table, 0] + ints[order + first + i]])
                aboves[i] = gradient + ITEM * dim * (bag * tables + table)
            for node in range(begin, end):
                total = row_gradients + ITEM * (starts[table, ROW_GRADIENTS] + dim * ints[place_of + node])
                clear(total, dim)
                for i in range(ints[firsts + node] - first, ints[firsts + node + 1] - first):
                    # Each lies on another page, far from the one before.
                    prefetch_line(aboves[min(i + AHEAD, last - first - 1)])
                    add(aboves[i], total, dim, lookups[3][ranges[table, 0] + ints[order + first + i]])


@compiled_parallel
def differentiate_tries(
    layout: Any,
    here: Any,
    bases: Any,
    capacities: Any,
    ints: Any,
    starts: Any,
    counts: Any,
    floats: Any,
    scratch: Any,
    targets: Any,
    rule: Any,
) -> Any:
    """Gradients of all slices in use, from the last level to the first, handed to `update`.

    `floats`: addresses of products, messages and row gradients; `targets` (tables, levels): addresses.
    """
    workers = len(scratch)
    for back in range(most_levels(layout[here[0] : here[1]])):
        for worker in prange(workers):
            for table in range(here[0], here[1]):
                line = layout[table]
                level = line[CORES] - 1 - back
                if level < 0:
                    continue
                places = (
                    floats[0] + ITEM * starts[table, PRODUCTS],
                    floats[1] + ITEM * starts[table, MESSAGES],
                    floats[2] + ITEM * starts[table, ROW_GRADIENTS],
                )
                share = _share(level, counts[table], worker, workers)
                base, told = starts[table, INTS], (targets[table, level], rule)
                if level == 0:
                    differentiate_first_level(
                        line, bases, capacities[table], ints, base, share, places, scratch[worker], told
                    )
                else:
                    differentiate_level(
                        line,
                        bases,
                        level,
                        capacities[table],
                        ints,
                        base,
                        share,
                        places,
                        scratch[worker],
                        told,
                    )
