"""Two independent 64-bit hashes of texts, compiled: one stands for a text, the other tells collisions."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled


@compiled
def _mixed(bits: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def hash_texts(
    offsets: NDArray[np.int64], data: NDArray[np.uint8], keys: NDArray[np.uint64], checks: NDArray[np.uint64]
) -> None:
    """Hashes of the texts data[offsets[i] : offsets[i + 1]]."""
    for text in range(len(offsets) - 1):
        key, check = np.uint64(0xCBF29CE484222325), np.uint64(0x6C62272E07BB0142)
        for place in range(offsets[text], offsets[text + 1]):
            byte = np.uint64(data[place])
            key = (key ^ byte) * np.uint64(0x100000001B3)
            check = (check + byte + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93)
        length = np.uint64(offsets[text + 1] - offsets[text])
        keys[text] = _mixed(key + length)
        checks[text] = _mixed(check ^ length)
