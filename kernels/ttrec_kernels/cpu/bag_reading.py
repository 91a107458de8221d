"""From indices and bags to lookups, table by table: where each row comes from, its bag and its weight there."""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import compiled, inlined
from ttrec_kernels.layout import CACHE_CAPACITY, CACHE_ROW, CACHE_START, DENSE, KIND, NONE, PADDING, ROWS

FROM_CORES, LEFT_OUT = -1, -2
"""Sources of a row that is not stored: multiplied from cores, or not looked up at all (padding, out of range)."""

HASH_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@inlined
def _probe_shift(line: Any) -> Any:
    """63 − log2 of the entries of a table's index: a hash shifted by it and once more is a row's home."""
    shift = 63
    while (1 << (63 - shift)) < line[CACHE_CAPACITY]:
        shift -= 1
    return np.uint64(shift)


@inlined
def _cache_row(line: Any, row: int, shift: Any, cache: Any) -> Any:
    """Row of the cache's weight that holds `row` of this table, or FROM_CORES; `cache` is its keys and slots."""
    start, capacity = line[CACHE_START], line[CACHE_CAPACITY]
    if start == NONE:
        return np.int64(FROM_CORES)
    entry = np.int64(((np.uint64(row) * HASH_MULTIPLIER) >> shift) >> np.uint64(1))
    # Not a loop over range(capacity), which takes seven times as long; the index has an empty entry.
    key = cache[0][start + entry]
    while key != row and key != NONE:  # noqa: PLR1714
        entry = (entry + 1) & (capacity - 1)
        key = cache[0][start + entry]
    return line[CACHE_ROW] + np.int64(cache[1][start + entry]) if key == row else np.int64(FROM_CORES)


@inlined
def _source(line: Any, row: int, shift: Any, cache: Any) -> Any:
    """Where a row comes from: a row of the dense or cache weight, FROM_CORES or LEFT_OUT."""
    if row < 0 or row >= line[ROWS] or row == line[PADDING]:
        return np.int64(LEFT_OUT)
    if line[KIND] == DENSE:
        return row
    return _cache_row(line, row, shift, cache)


@compiled
def read_column(
    line: Any,
    table: int,
    tables: int,
    bags: int,
    begin: int,
    end: int,
    indices: Any,
    weights: Any,
    cache: Any,
    lookups: Any,
) -> Any:
    """Lookups of bags begin … end − 1 of a table in a matrix of indices (bags, tables), one a bag.

    `lookups` are rows, sources (as `_source` says), bags and scales, table after table. Returns the position of a bad
    index, or −1.
    """
    first, last, count = table * bags + begin, table * bags + end, end - begin
    rows, sources = lookups[0][first:last], lookups[1][first:last]
    bag_of, scales = lookups[2][first:last], lookups[3][first:last]
    column = indices[begin * tables + table :: tables]
    # Loops of one thing each: what depends on the table alone is asked once, and the rest runs in vector units.
    total, lowest, highest = line[ROWS], np.int64(0), np.int64(0)
    for i in range(count):
        rows[i], bag_of[i], scales[i] = column[i], begin + i, np.float32(1)
        lowest, highest = min(lowest, rows[i]), max(highest, rows[i])
    is_plain = line[CACHE_START] == NONE and line[PADDING] == NONE and lowest >= 0 and highest < total
    shift = _probe_shift(line)
    for i in range(count):
        if is_plain:
            sources[i] = rows[i] if line[KIND] == DENSE else FROM_CORES
        else:
            sources[i] = _source(line, rows[i], shift, cache)
    if len(weights) > 0:
        for i in range(count):
            scales[i] = weights[(begin + i) * tables + table]
    if lowest >= 0 and highest < total:
        return np.int64(-1)
    for i in range(count):
        if rows[i] < 0 or rows[i] >= total:
            return np.int64((begin + i) * tables + table)
    return np.int64(-1)


@compiled
def read_segments(
    line: Any,
    table: int,
    bags: int,
    begin: int,
    end: int,
    indices: Any,
    offsets: Any,
    weights: Any,
    is_mean: bool,
    cache: Any,
    lookups: Any,
) -> Any:
    """Lookups of bags begin … end − 1 of a table, whose bag b is indices[offsets[table·bags + b]] …; as `read_column`.

    Scales are the weights, or one over the number of lookups that count in a mean.
    """
    rows, sources, bag_of, scales = lookups
    bad, shift = np.int64(-1), _probe_shift(line)
    for bag in range(begin, end):
        first, last = offsets[table * bags + bag], offsets[table * bags + bag + 1]
        counted = 0
        for place in range(first, last):
            row = np.int64(indices[place])
            rows[place], bag_of[place] = row, bag
            scales[place] = weights[place] if len(weights) > 0 else np.float32(1)
            sources[place] = _source(line, row, shift, cache)
            counted += sources[place] != LEFT_OUT
            if row < 0 or row >= line[ROWS]:
                bad = place
        if is_mean and counted > 1:
            for place in range(first, last):
                scales[place] = np.float32(1) / np.float32(counted)
    return bad
