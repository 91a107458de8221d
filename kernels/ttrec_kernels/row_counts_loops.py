"""Compiled loops of the row cache: counting in a bounded hash table, building and reading the probe index.

Both tables are open-addressing with linear probing; −1 marks an empty entry. A row's home is the top bits of
row · 0x9E3779B97F4A7C15 (Fibonacci hashing: Knuth, TAOCP 3, 6.4), so capacities are powers of two.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

EMPTY = -1
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
ENTRIES, ERROR, LOOKUPS = 0, 1, 2
"""Places in the facts of a count table."""


@numba.njit(cache=True)
def _shift(capacity: int) -> np.uint64:
    bits = 0
    while (1 << bits) < capacity:
        bits += 1
    return np.uint64(64 - bits)


@numba.njit(cache=True)
def _find(row: np.int64, keys: NDArray[np.int64], shift: np.uint64) -> np.int64:
    """Entry of a row, or the empty one where it would go."""
    mask = keys.size - 1
    at = np.int64((np.uint64(row) * MULTIPLIER) >> shift)
    while keys[at] != row and keys[at] != EMPTY:
        at = (at + 1) & mask
    return np.int64(at)


@numba.njit(cache=True, nogil=True)
def count_rows(
    rows: NDArray[np.integer[Any]],
    keys: NDArray[np.int64],
    counts: NDArray[np.int64],
    facts: NDArray[np.int64],
    limit: int,
) -> None:
    """Count `rows` (nnz) one by one in a table of at most `limit` entries, fewer than `keys` has."""
    shift = _shift(keys.size)
    for number in range(rows.size):
        row = np.int64(rows[number])
        at = _find(row, keys, shift)
        if keys[at] == row:
            counts[at] += 1
            continue
        if facts[ENTRIES] >= limit:
            _prune(keys, counts, facts, shift)
            at = _find(row, keys, shift)
        keys[at] = row
        counts[at] = 1
        facts[ENTRIES] += 1
    facts[LOOKUPS] += rows.size


@numba.njit(cache=True)
def _prune(keys: NDArray[np.int64], counts: NDArray[np.int64], facts: NDArray[np.int64], shift: np.uint64) -> None:
    """Subtract the median from all counts and drop those that fall to zero: at least half of the entries."""
    taken = np.flatnonzero(keys != EMPTY)
    old_keys, old_counts = keys[taken], counts[taken]
    median = np.sort(old_counts)[old_counts.size // 2]
    keys[:] = EMPTY
    counts[:] = 0
    entries = 0
    for number in range(old_keys.size):
        if old_counts[number] > median:
            at = _find(old_keys[number], keys, shift)
            keys[at] = old_keys[number]
            counts[at] = old_counts[number] - median
            entries += 1
    facts[ENTRIES] = entries
    facts[ERROR] += median


@numba.njit(cache=True)
def build_index(rows: NDArray[np.int64], keys: NDArray[np.int64], slots: NDArray[np.int32]) -> None:
    """Fill the probe index of one table: distinct `rows`, fewer than `keys` has entries, row number s in slot s."""
    keys[:] = EMPTY
    slots[:] = EMPTY
    shift = _shift(keys.size)
    for slot in range(rows.size):
        at = _find(rows[slot], keys, shift)
        keys[at] = rows[slot]
        slots[at] = slot


@numba.njit(cache=True, nogil=True)
def count_hits(rows: NDArray[np.integer[Any]], keys: NDArray[np.int64]) -> int:
    """How many of `rows` (nnz) are in a probe index."""
    shift = _shift(keys.size)
    hits = 0
    for number in range(rows.size):
        row = np.int64(rows[number])
        if keys[_find(row, keys, shift)] == row:
            hits += 1
    return hits
