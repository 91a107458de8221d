"""Random numbers of a preparation: each row's depend on the seed, the purpose and the row's number alone."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 16


class Stream(IntEnum):
    """What random numbers are drawn for; each purpose has streams of its own."""

    NEGATIVES = 0
    SPLIT = 1
    BUCKET = 2
    WITHIN_BUCKET = 3


def random_state(seed: int, stream: Stream, number: int) -> np.random.RandomState:
    """Generator number `number` of a stream."""
    # Of NumPy's two generators the one whose numbers are promised never to change.
    return np.random.RandomState(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(stream, number))))


def uniform(seed: int, stream: Stream, start: int, stop: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) of rows start … stop − 1."""
    return _of_rows(start, stop, lambda block: random_state(seed, stream, block).random_sample(BLOCK))


def choice(seed: int, stream: Stream, start: int, stop: int, options: int) -> NDArray[np.int64]:
    """Equally likely numbers in [0, options) of rows start … stop − 1."""
    return _of_rows(start, stop, lambda block: random_state(seed, stream, block).randint(options, size=BLOCK))


def _of_rows(start: int, stop: int, draw: Callable[[int], NDArray[Any]]) -> NDArray[Any]:
    first, last = start // BLOCK, -(-stop // BLOCK)
    drawn = [draw(block) for block in range(first, max(last, first + 1))]
    return np.concatenate(drawn)[start - first * BLOCK : stop - first * BLOCK]
