"""Ids of synthetic rows, compiled."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

PAD = -1


@compiled
def take_ids(tables: NDArray[np.int32], starts: NDArray[np.int64], ranks: NDArray[np.int64]) -> NDArray[np.int32]:
    """tables[starts[s] + ranks[s, i]] as (n, slots) of ranks (slots, n); `PAD` stays."""
    ids = np.empty((ranks.shape[1], len(starts)), dtype=np.int32)
    for row in range(ranks.shape[1]):
        for slot in range(len(starts)):
            rank = ranks[slot, row]
            ids[row, slot] = PAD if rank < 0 else tables[starts[slot] + rank]
    return ids


@compiled
def move_ranks(moved: NDArray[np.int32], starts: NDArray[np.int64], ranks: NDArray[np.int64]) -> None:
    """Replace ranks (slots, n) by those of the values that hold them, in place; `PAD` stays."""
    for slot in range(len(starts)):
        for row in range(ranks.shape[1]):
            if ranks[slot, row] >= 0:
                ranks[slot, row] = moved[starts[slot] + ranks[slot, row]] - starts[slot]


@compiled
def pad_bags(lengths: NDArray[np.int64], ranks: NDArray[np.int64]) -> None:
    """Put `PAD` behind the first `lengths` (n,) of a column's ranks (width, n)."""
    for slot in range(len(ranks)):
        for row in range(len(lengths)):
            if slot >= lengths[row]:
                ranks[slot, row] = PAD
