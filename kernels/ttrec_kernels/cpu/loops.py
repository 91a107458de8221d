"""The parallel loops of a lookup over all tables: read, build tries, multiply, pool, and back.

Every loop divides its work so that each output has one owner, whose sums run in a fixed order: results do not
depend on the number of threads. `lookups` are the arrays of `arena.lookup_arrays`; `ranges` (tables, 2) the places of
each table that this part of a batch covers; `capacities` (tables) the lookups its trie has room for; `starts` and
`counts` as in `arena`.
"""

from typing import Any

import numpy as np
from numba import prange

from ttrec_kernels.cpu.arena import INTS, MESSAGES, PRODUCTS, ROW_GRADIENTS, most_levels
from ttrec_kernels.cpu.bag_reading import FROM_CORES, read_column, read_segments
from ttrec_kernels.cpu.compiled import ITEM, compiled, compiled_parallel, floats_at
from ttrec_kernels.cpu.digit_trie import FIRST_CHILD, PLACE, build_trie, level_array
from ttrec_kernels.cpu.small_products import add, clear
from ttrec_kernels.cpu.tt_levels import (
    differentiate_first_level,
    differentiate_level,
    multiply_level,
    products_at,
)
from ttrec_kernels.layout import CACHE_SLOT, CORES, NONE, OFFSET, SLOT


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
def build_tries(layout: Any, ranges: Any, capacities: Any, lookups: Any, ints: Any, starts: Any, counts: Any) -> Any:
    """A trie of each table's lookups that come from its cores."""
    for table in prange(len(layout)):
        first, last = ranges[table, 0], ranges[table, 1]
        base = starts[table, INTS]
        if layout[table, CORES] > 0:
            keys = np.empty(last - first, dtype=np.int64)
            found = 0
            for place in range(first, last):
                if lookups[1][place] == FROM_CORES:
                    keys[found] = lookups[0][place]
                    ints[base + found] = place - first
                    found += 1
            counts[table, 0] = found
            build_trie(layout[table], keys, found, capacities[table], ints, base, counts[table, 1:])


@compiled
def _share(level: int, counts: Any, worker: int, workers: int) -> Any:
    """First and end node of a worker's share of a level, and the level's groups."""
    nodes = counts[1 + 2 * level]
    return nodes * worker // workers, nodes * (worker + 1) // workers, counts[2 + 2 * level]


@compiled_parallel
def multiply_tries(
    layout: Any, bases: Any, capacities: Any, ints: Any, starts: Any, counts: Any, products: int, scratch: Any
) -> Any:
    """L_k of all nodes, level by level; `scratch` (workers) are addresses."""
    workers = len(scratch)
    for level in range(1, most_levels(layout)):
        for worker in prange(workers):
            for table in range(len(layout)):
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
def pool_rows(
    layout: Any,
    bases: Any,
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
    """Add the rows of this part to `out` (bags, tables, dim), each times its scale."""
    tables = len(layout)
    for worker in prange(workers):
        begin, end = bags * worker // workers, bags * (worker + 1) // workers
        for table in range(tables):
            stored, computed = row_addresses(layout[table], bases, capacities[table], products, starts[table])
            first, last = ranges[table, 0], ranges[table, 1]
            leaf = starts[table, INTS] + capacities[table] + 1 - first
            bag_of = lookups[2][first:last]
            for place in range(first + np.searchsorted(bag_of, begin), first + np.searchsorted(bag_of, end)):
                source = lookups[1][place]
                total = out + ITEM * dim * (np.int64(lookups[2][place]) * tables + table)
                if source >= 0:
                    add(stored + ITEM * dim * source, total, dim, lookups[3][place])
                elif source == FROM_CORES:
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
        for table in range(tables):
            cores = layout[table, CORES]
            if cores <= 0:
                continue
            order = starts[table, INTS]
            begin, end, _ = _share(cores - 1, counts[table], worker, workers)
            firsts = level_array(order, capacities[table], cores - 1, FIRST_CHILD)
            place_of = level_array(order, capacities[table], cores - 1, PLACE)
            for node in range(begin, end):
                total = row_gradients + ITEM * (starts[table, ROW_GRADIENTS] + dim * ints[place_of + node])
                clear(total, dim)
                for i in range(ints[firsts + node], ints[firsts + node + 1]):
                    place = ranges[table, 0] + ints[order + i]
                    above = gradient + ITEM * dim * (np.int64(lookups[2][place]) * tables + table)
                    add(above, total, dim, lookups[3][place])


@compiled_parallel
def differentiate_tries(
    layout: Any,
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
    for back in range(most_levels(layout)):
        for worker in prange(workers):
            for table in range(len(layout)):
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
