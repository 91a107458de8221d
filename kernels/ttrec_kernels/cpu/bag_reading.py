"""From indices and bags to lookups, table by table: where each row comes from, its bag and its weight there."""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import compiled
from ttrec_kernels.layout import CACHE_CAPACITY, CACHE_ROW, CACHE_START, DENSE, KIND, NONE, PADDING, ROWS

FROM_CORES, LEFT_OUT = -1, -2
"""Sources of a row that is not stored: multiplied from cores, or not looked up at all (padding, out of range)."""

HASH_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@compiled
def cache_row(line: Any, row: int, cache_keys: Any, cache_slots: Any) -> Any:
    """Row of the cache's weight that holds `row` of this table, or FROM_CORES."""
    start, capacity = line[CACHE_START], line[CACHE_CAPACITY]
    if start == NONE:
        return np.int64(FROM_CORES)
    bits = 0
    while (1 << bits) < capacity:
        bits += 1
    entry = np.int64(0) if bits == 0 else np.int64((np.uint64(row) * HASH_MULTIPLIER) >> np.uint64(64 - bits))
    for _ in range(capacity):
        key = cache_keys[start + entry]
        if key == row:
            return line[CACHE_ROW] + np.int64(cache_slots[start + entry])
        if key == NONE:
            break
        entry = (entry + 1) & (capacity - 1)
    return np.int64(FROM_CORES)


@compiled
def _source(line: Any, row: int, cache: Any) -> Any:
    """Where a row comes from: a row of the dense or cache weight, FROM_CORES or LEFT_OUT."""
    if row < 0 or row >= line[ROWS] or row == line[PADDING]:
        return np.int64(LEFT_OUT)
    if line[KIND] == DENSE:
        return row
    return cache_row(line, row, cache[0], cache[1])


@compiled
def read_column(
    line: Any, table: int, tables: int, bags: int, indices: Any, weights: Any, cache: Any, lookups: Any
) -> Any:
    """Lookups of one table in a matrix of indices (bags, tables), one a bag; position of a bad index, or −1.

    `lookups` are rows, sources (as `_source` says), bags and scales, table after table.
    """
    first = table * bags
    rows, sources = lookups[0][first : first + bags], lookups[1][first : first + bags]
    bag_of, scales = lookups[2][first : first + bags], lookups[3][first : first + bags]
    column = indices[table::tables]
    # Loops of one thing each: what depends on the table alone is asked once, and the rest runs in vector units.
    total, lowest, highest = line[ROWS], np.int64(0), np.int64(0)
    for bag in range(bags):
        rows[bag], bag_of[bag], scales[bag] = column[bag], bag, np.float32(1)
        lowest, highest = min(lowest, rows[bag]), max(highest, rows[bag])
    is_plain = line[CACHE_START] == NONE and line[PADDING] == NONE and lowest >= 0 and highest < total
    for bag in range(bags):
        if is_plain:
            sources[bag] = rows[bag] if line[KIND] == DENSE else FROM_CORES
        else:
            sources[bag] = _source(line, rows[bag], cache)
    if len(weights) > 0:
        for bag in range(bags):
            scales[bag] = weights[bag * tables + table]
    if lowest >= 0 and highest < total:
        return np.int64(-1)
    for bag in range(bags):
        if rows[bag] < 0 or rows[bag] >= total:
            return np.int64(bag * tables + table)
    return np.int64(-1)


@compiled
def read_segments(
    line: Any, table: int, bags: int, indices: Any, offsets: Any, weights: Any, is_mean: bool, cache: Any, lookups: Any
) -> Any:
    """Lookups of one table whose bag b is indices[offsets[table·bags + b]] …; position of a bad index, or −1.

    Scales are the weights, or one over the number of lookups that count in a mean.
    """
    rows, sources, bag_of, scales = lookups
    bad = np.int64(-1)
    for bag in range(bags):
        first, last = offsets[table * bags + bag], offsets[table * bags + bag + 1]
        counted = 0
        for place in range(first, last):
            row = np.int64(indices[place])
            rows[place], bag_of[place] = row, bag
            scales[place] = weights[place] if len(weights) > 0 else np.float32(1)
            sources[place] = _source(line, row, cache)
            counted += sources[place] != LEFT_OUT
            if row < 0 or row >= line[ROWS]:
                bad = place
        if is_mean and counted > 1:
            for place in range(first, last):
                scales[place] = np.float32(1) / np.float32(counted)
    return bad
