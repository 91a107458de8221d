"""Values to ids in first-seen order: an open-addressing hash table, compiled.

A slot holds a value and its id + 1; 0 marks an empty one. Tables are powers of two, never more than
two thirds full.
"""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

MULTIPLIER = 0x9E3779B97F4A7C15


@compiled
def _slot(key: np.uint64, slots: int) -> np.int64:
    mixed = np.uint64(key) ^ (np.uint64(key) >> np.uint64(32))
    mixed = mixed * np.uint64(MULTIPLIER)
    return np.int64((mixed ^ (mixed >> np.uint64(29))) & np.uint64(slots - 1))


@compiled
def number_keys(
    keys: NDArray[np.unsignedinteger],
    start: int,
    ids: NDArray[np.int32],
    slot_keys: NDArray[np.unsignedinteger],
    slot_ids: NDArray[np.int32],
    values: NDArray[np.unsignedinteger],
    counts: NDArray[np.int64],
    used: int,
) -> tuple[int, int]:
    """Give `keys[start:]` their ids, new ones from `used` on; where it stopped and how many ids are used then.

    It stops early when `values` is full and the table has to grow.
    """
    slots = len(slot_ids)
    for place in range(start, len(keys)):
        key = keys[place]
        slot = _slot(np.uint64(key), slots)
        while slot_ids[slot] != 0 and slot_keys[slot] != key:
            slot = (slot + 1) & (slots - 1)
        if slot_ids[slot] == 0:
            if used == len(values):
                return place, used
            slot_keys[slot] = key
            slot_ids[slot] = used + 1
            values[used] = key
            counts[used] = 0
            used += 1
        found = slot_ids[slot] - 1
        counts[found] += 1
        ids[place] = found
    return len(keys), used


@compiled
def insert_all(
    values: NDArray[np.unsignedinteger], slot_keys: NDArray[np.unsignedinteger], slot_ids: NDArray[np.int32]
) -> None:
    """Enter values that differ, with ids 0, 1, …, into an empty table."""
    slots = len(slot_ids)
    for number in range(len(values)):
        slot = _slot(np.uint64(values[number]), slots)
        while slot_ids[slot] != 0:
            slot = (slot + 1) & (slots - 1)
        slot_keys[slot] = values[number]
        slot_ids[slot] = number + 1


@compiled
def look_up(
    keys: NDArray[np.unsignedinteger], slot_keys: NDArray[np.unsignedinteger], slot_ids: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Ids of keys, −1 for those that are not there."""
    slots = len(slot_ids)
    ids = np.empty(len(keys), dtype=np.int32)
    for place in range(len(keys)):
        slot = _slot(np.uint64(keys[place]), slots)
        while slot_ids[slot] != 0 and slot_keys[slot] != keys[place]:
            slot = (slot + 1) & (slots - 1)
        ids[place] = slot_ids[slot] - 1
    return ids


@compiled
def interleave(columns: NDArray[np.int32], order: NDArray[np.intp], rows: NDArray[np.int32]) -> None:
    """rows[i, c] = columns[c, order[i]]."""
    for row in range(len(order)):
        place = order[row]
        for column in range(len(columns)):
            rows[row, column] = columns[column, place]
