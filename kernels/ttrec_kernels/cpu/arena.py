"""The memory of one call: what a forward pass writes and its backward pass reads again, in one block of bytes.

The block holds, each for all tables behind each other and for `places` lookups in all: rows (int64), sources (int64),
bags (int32), scales (float32), then the tries (int32) and their products (float32) of one part of the batch, and
before them `starts` and `counts` (int64), which say where they begin and how many nodes they have.
"""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import ITEM, compiled, floats_at, ints_at, longs_at
from ttrec_kernels.cpu.digit_trie import trie_size
from ttrec_kernels.cpu.tt_levels import message_size, product_size, scratch_size
from ttrec_kernels.layout import CORES

INTS, PRODUCTS, MESSAGES, ROW_GRADIENTS = range(4)
"""Columns of `starts` (tables + 1, 4), the totals in its last line: numbers of int32 or float32."""

BLOCK_FLOATS = 1 << 19
"""Floats of products or messages of one block of tables: 2 MB, the L2 caches of two cores."""


@compiled
def most_levels(layout: Any) -> Any:
    """Levels of the deepest trie."""
    most = np.int64(0)
    for table in range(len(layout)):
        most = max(most, layout[table, CORES])
    return most


@compiled
def fill_starts(layout: Any, capacities: Any, dim: int, starts: Any) -> Any:
    """Places of tries of `capacities` (tables) lookups."""
    starts[0, :] = 0
    for table in range(len(layout)):
        line, capacity = layout[table], capacities[table]
        starts[table + 1, :] = starts[table, :]
        if line[CORES] > 0:
            starts[table + 1, INTS] += trie_size(capacity, line[CORES])
            starts[table + 1, ROW_GRADIENTS] += capacity * dim
        for level in range(1, line[CORES]):
            starts[table + 1, PRODUCTS] += capacity * product_size(line, level)
            starts[table + 1, MESSAGES] += capacity * message_size(line, level)


@compiled
def most_scratch(layout: Any) -> Any:
    """Floats of scratch that a thread needs."""
    most = np.int64(1)
    for table in range(len(layout)):
        line = layout[table]
        if line[CORES] > 0:
            most = max(most, product_size(line, 0))
        for level in range(1, line[CORES]):
            most = max(most, scratch_size(line, level))
    return most


@compiled
def most_of_a_table(starts: Any, column: int) -> Any:
    """Most numbers that one table has."""
    most = np.int64(0)
    for table in range(len(starts) - 1):
        most = max(most, starts[table + 1, column] - starts[table, column])
    return most


@compiled
def block_end(starts: Any, first: int, column: int) -> Any:
    """Table behind the last of a block that begins with `first`: as many as have BLOCK_FLOATS, at least one.

    Tables go through all their levels block by block, so that what one level writes is near when the next one reads it.
    """
    end = first + 1
    while end + 1 < len(starts) and starts[end + 1, column] - starts[first, column] <= BLOCK_FLOATS:
        end += 1
    return end


@compiled
def block_floats(starts: Any) -> Any:
    """Messages and gradients of rows of the largest block."""
    most, first = np.int64(0), 0
    while first + 1 < len(starts):
        end = block_end(starts, first, MESSAGES)
        messages = starts[end, MESSAGES] - starts[first, MESSAGES]
        most = max(most, messages + starts[end, ROW_GRADIENTS] - starts[first, ROW_GRADIENTS])
        first = end
    return most


@compiled
def header_bytes(tables: int, levels: int) -> Any:
    """Bytes of `starts` and `counts`."""
    return 8 * (4 * (tables + 1) + tables * (1 + 2 * levels))


@compiled
def arena_bytes(tables: int, levels: int, places: int, totals: Any) -> Any:
    """Bytes of the whole block; `totals` is the last line of `starts`. Parts begin at multiples of 8."""
    return header_bytes(tables, levels) + 24 * places + ITEM * (totals[INTS] + totals[INTS] % 2 + totals[PRODUCTS]) + 16


@compiled
def header(arena: int, tables: int, levels: int) -> Any:
    """`starts` (tables + 1, 4) and `counts` (tables, 1 + 2·levels)."""
    starts = longs_at(arena, 4 * (tables + 1)).reshape((tables + 1, 4))
    counts = longs_at(arena + 32 * (tables + 1), tables * (1 + 2 * levels)).reshape((tables, 1 + 2 * levels))
    return starts, counts


@compiled
def lookup_arrays(arena: int, tables: int, levels: int, places: int) -> Any:
    """Rows, sources, bags and scales of all lookups."""
    first = arena + header_bytes(tables, levels)
    rows, sources = longs_at(first, places), longs_at(first + 8 * places, places)
    return rows, sources, ints_at(first + 16 * places, places), floats_at(first + 20 * places, places)


@compiled
def trie_memory(arena: int, tables: int, levels: int, places: int, totals: Any) -> Any:
    """The tries' array and the address of their products."""
    first = arena + header_bytes(tables, levels) + 24 * places
    count = totals[INTS] + totals[INTS] % 2
    return ints_at(first, count), first + ITEM * count
