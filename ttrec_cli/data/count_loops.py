"""Counts of ids, compiled."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

PAD = -1
ALL_INSIDE = 2**40
"""No 32-bit id is that large."""


@compiled
def add_counts(ids: NDArray[np.int32], counts: NDArray[np.int64], padded: bool) -> int:
    """Add how often each id (n,) occurs; the first one outside the table, or `ALL_INSIDE`. `PAD` may be `padded`."""
    for id_ in ids:
        if 0 <= id_ < len(counts):
            counts[id_] += 1
        elif not (padded and id_ == PAD):
            return int(id_)
    return ALL_INSIDE
