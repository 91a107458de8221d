"""The shuffle of NumPy's `RandomState`, compiled: the same order from the same generator, without the interpreter."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

DRAWS = 1 << 16


def shuffle(numbers: NDArray[np.int32], random: np.random.RandomState) -> None:
    """What `random.shuffle(numbers)` does, for a generator of 64-bit words that has given no half of one yet."""
    last, bits = len(numbers) - 1, random._bit_generator
    while last > 0:
        halves = bits.random_raw(DRAWS).astype("<u8").view("<u4")  # the lower half is given first
        last = _swap(numbers, last, halves)


@compiled
def _swap(numbers: NDArray[np.int32], last: int, draws: NDArray[np.uint32]) -> int:
    """Exchange `last` and those below with one at or below them, until the draws are used up; the next one."""
    mask = np.uint32(last)
    for shift in (1, 2, 4, 8, 16):
        mask |= mask >> np.uint32(shift)
    for draw in draws:
        while (mask >> np.uint32(1)) >= np.uint32(last):
            mask >>= np.uint32(1)
        other = np.int64(draw & mask)
        if other <= last:
            numbers[last], numbers[other] = numbers[other], numbers[last]
            last -= 1
            if last == 0:
                break
    return last
