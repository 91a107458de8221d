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


@compiled
def _find_sources(line: Any, rows: Any, sources: Any, is_inside: bool, keys: Any, slots: Any) -> Any:
    """Where each row comes from: a row of the dense or cache weight, FROM_CORES or LEFT_OUT.

    `keys` and `slots` are those of the caches' index; `is_inside` tells that no row lies outside the table.
    """
    if line[KIND] == DENSE:
        for i in range(len(rows)):
            sources[i] = rows[i]
    elif line[CACHE_START] == NONE:
        sources[:] = FROM_CORES
    else:
        _find_in_cache(line, rows, sources, keys, slots)
    if not is_inside or line[PADDING] != NONE:
        for i in range(len(rows)):
            if rows[i] < 0 or rows[i] >= line[ROWS] or rows[i] == line[PADDING]:
                sources[i] = LEFT_OUT


@compiled
def _find_in_cache(line: Any, rows: Any, sources: Any, keys: Any, slots: Any) -> Any:
    """Row of the cache's weight that holds each row, or FROM_CORES.

    All rows try their first entry, those that found another's key their second, and so on: without a branch that
    depends on what is found, which a processor guesses wrong every second time. The index has empty entries.
    """
    start, last, first_row = line[CACHE_START], line[CACHE_CAPACITY] - 1, line[CACHE_ROW]
    shift, pending = _probe_shift(line), np.arange(len(rows))
    count, distance = len(rows), 0
    while count > 0:
        left = 0
        for j in range(count):
            i = pending[j]
            home = np.int64(((np.uint64(rows[i]) * HASH_MULTIPLIER) >> shift) >> np.uint64(1))
            entry = start + ((home + distance) & last)
            is_found = np.int64(keys[entry] == rows[i])
            sources[i] = is_found * (first_row + slots[entry]) + (1 - is_found) * FROM_CORES
            pending[left] = i
            left += (1 - is_found) & np.int64(keys[entry] != NONE)
        count, distance = left, distance + 1


@compiled
def read_lookups(batch: Any, memory: Any, table: int, begin: int, end: int) -> Any:
    """Lookups of bags begin … end − 1 of a table; the position of a bad index, or −1."""
    if len(batch.offsets) == 0:
        return _read_column(batch, memory, table, begin, end)
    return _read_segments(batch, memory, table, begin, end)


@compiled
def _read_column(batch: Any, memory: Any, table: int, begin: int, end: int) -> Any:
    """`read_lookups` of a matrix of indices (bags, tables), one lookup a bag."""
    tables, count, line = len(batch.layout), end - begin, batch.layout[table]
    first, last = table * batch.bags + begin, table * batch.bags + end
    rows, bag_of, scales = memory.rows[first:last], memory.bags[first:last], memory.scales[first:last]
    column = batch.indices[begin * tables + table :: tables]
    # Loops of one thing each: they run in vector units.
    lowest, highest = np.int64(0), np.int64(0)
    for i in range(count):
        rows[i], bag_of[i], scales[i] = column[i], begin + i, np.float32(1)
        lowest, highest = min(lowest, rows[i]), max(highest, rows[i])
    is_inside = lowest >= 0 and highest < line[ROWS]
    _find_sources(line, rows, memory.sources[first:last], is_inside, batch.cache_keys, batch.cache_slots)
    if len(batch.weights) > 0:
        for i in range(count):
            scales[i] = batch.weights[(begin + i) * tables + table]
    if is_inside:
        return np.int64(-1)
    for i in range(count):
        if rows[i] < 0 or rows[i] >= line[ROWS]:
            return np.int64((begin + i) * tables + table)
    return np.int64(-1)


@compiled
def _read_segments(batch: Any, memory: Any, table: int, begin: int, end: int) -> Any:
    """`read_lookups` of bags of any number of lookups: `offsets` (tables · bags + 1) say where those of each bag begin.

    Scales are the weights, or one over the number of lookups that count in a mean.
    """
    line, segments = batch.layout[table], batch.offsets[table * batch.bags :]
    first, last = segments[begin], segments[end]
    rows, sources = memory.rows[first:last], memory.sources[first:last]
    bag_of, scales = memory.bags[first:last], memory.scales[first:last]
    lowest, highest = np.int64(0), np.int64(0)
    for i in range(last - first):
        rows[i] = batch.indices[first + i]
        lowest, highest = min(lowest, rows[i]), max(highest, rows[i])
    is_inside = lowest >= 0 and highest < line[ROWS]
    _find_sources(line, rows, sources, is_inside, batch.cache_keys, batch.cache_slots)
    for i in range(last - first):
        scales[i] = batch.weights[first + i] if len(batch.weights) > 0 else np.float32(1)
    for bag in range(begin, end):
        here, there = segments[bag] - first, segments[bag + 1] - first
        bag_of[here:there] = bag
        if batch.is_mean:
            _scale_to_mean(sources, scales, here, there)
    bad = np.int64(-1)
    for i in range(0 if is_inside else last - first):
        if rows[i] < 0 or rows[i] >= line[ROWS]:
            bad = first + i
    return bad


@inlined
def _scale_to_mean(sources: Any, scales: Any, first: int, last: int) -> Any:
    """One over the number of a bag's lookups that count."""
    counted = 0
    for i in range(first, last):
        counted += sources[i] != LEFT_OUT
    if counted > 1:
        for i in range(first, last):
            scales[i] = np.float32(1) / np.float32(counted)
