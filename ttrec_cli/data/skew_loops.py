"""Places of numbers among few edges, compiled."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled


@compiled
def places(edges: NDArray[np.float64], numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of the rising edges are not above each number: `np.searchsorted(…, side="right")` without branches."""
    found = np.zeros(len(numbers), dtype=np.int64)
    for edge in edges:
        for place in range(len(numbers)):
            found[place] += numbers[place] >= edge
    return found
