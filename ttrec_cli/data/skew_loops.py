"""Places of numbers among few edges, compiled."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

GUIDES = 1024
"""Equal parts of [0, 1) whose first place is known beforehand; a power of two, so that parts begin exactly."""


@compiled
def _guide(edges: NDArray[np.float64]) -> NDArray[np.int32]:
    """Of each part of [0, 1): how many edges are not above its beginning."""
    guide = np.empty(GUIDES + 1, dtype=np.int32)
    place = 0
    for part in range(GUIDES + 1):
        while place < len(edges) and edges[place] <= part / GUIDES:
            place += 1
        guide[part] = place
    return guide


@compiled
def places(edges: NDArray[np.float64], numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of the rising edges are not above each number in [0, 1]: `np.searchsorted(…, side="right")`."""
    guide = _guide(edges)
    found = np.empty(len(numbers), dtype=np.int64)
    for row in range(len(numbers)):
        place = guide[np.int64(numbers[row] * GUIDES)]
        while place < len(edges) and edges[place] <= numbers[row]:
            place += 1
        found[row] = place
    return found
