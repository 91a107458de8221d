"""Where the tables of one lookup lie: a matrix of whole numbers that compiled kernels read."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from ttrec_kernels.shapes import TTShape

# Columns of the matrix, one line per table.
KIND, ROWS, CORES, PADDING, CACHE_START, CACHE_CAPACITY, CACHE_ROW, CACHE_SLOT, SLOT, OFFSET, FIRST_CORE = range(11)
# Columns of core k begin at FIRST_CORE + CORE_COLUMNS · k.
P, Q, RANK_LEFT, CORE_SLOT, CORE_OFFSET, CORE_COLUMNS = range(6)

DENSE, TT = 0, 1
NONE = -1

TRIE_ARRAYS = 6
"""Numbers that the CPU's trie of a batch keeps for each lookup and core, see `cpu.digit_trie`."""


@dataclass(frozen=True)
class CachePlace:
    """The uncompressed rows of one table: entries `start` … `start + capacity` of the hash index hold row ids and
    the cache row of each; its first cache row is row `first_row` of weight slot `slot`."""

    start: int
    capacity: int
    first_row: int
    slot: int


@dataclass(frozen=True)
class TablePlace:
    """One table: its numbers begin `offsets[k]` numbers into `slots[k]` of the weights, one pair per core.

    A dense table has no `shape` and one pair. `padding_idx` is left out of every bag, −1 if there is none.
    """

    rows: int
    dim: int
    shape: TTShape | None
    slots: tuple[int, ...]
    offsets: tuple[int, ...]
    padding_idx: int = NONE
    cache: CachePlace | None = None

    @property
    def cores(self) -> int:
        """Number of cores, 0 for a dense table."""
        return 0 if self.shape is None else self.shape.cores


def layout_matrix(tables: Sequence[TablePlace]) -> NDArray[np.int64]:
    """Matrix (tables, columns) that describes `tables` to compiled kernels; columns as named in this file."""
    most_cores = max(table.cores for table in tables)
    matrix = np.full((len(tables), FIRST_CORE + CORE_COLUMNS * most_cores), NONE, dtype=np.int64)
    for line, table in zip(matrix, tables, strict=True):
        line[[ROWS, CORES, PADDING]] = table.rows, table.cores, table.padding_idx
        if table.cache is not None:
            cache = table.cache
            line[CACHE_START : CACHE_SLOT + 1] = cache.start, cache.capacity, cache.first_row, cache.slot
        if table.shape is None:
            line[[KIND, SLOT, OFFSET]] = DENSE, table.slots[0], table.offsets[0]
        else:
            line[KIND] = TT
            line[FIRST_CORE : FIRST_CORE + CORE_COLUMNS * table.cores] = _core_columns(table, table.shape)
    return matrix


def _core_columns(table: TablePlace, shape: TTShape) -> list[int]:
    """p, q, left rank, slot and offset of every core, one after the other."""
    cores = zip(shape.row_factors, shape.dim_factors, shape.ranks[:-1], table.slots, table.offsets, strict=True)
    return [number for core in cores for number in core]


def flat_offsets(shapes: Sequence[TTShape]) -> tuple[tuple[int, ...], ...]:
    """Offsets of all cores of several tables that lie one behind the other in one flat weight."""
    start, offsets = 0, []
    for shape in shapes:
        sizes = [prod(core) for core in shape.core_shapes]
        offsets.append(tuple(start + sum(sizes[:k]) for k in range(shape.cores)))
        start += sum(sizes)
    return tuple(offsets)
