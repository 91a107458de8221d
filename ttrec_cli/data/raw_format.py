"""Writes rows in Criteo's raw layout, compiled: label, 13 integers, 26 hex values, separated by TABs."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

TAB, NEWLINE, MINUS, ZERO = 9, 10, 45, 48
MISSING_COUNT = -(2**62)
WIDEST_ROW = 2 + 13 * 21 + 26 * 9
HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


@compiled
def _write_integer(text: NDArray[np.uint8], place: int, value: int) -> int:
    if value < 0:
        text[place] = MINUS
        place += 1
        value = -value
    digits, rest = 1, value // 10
    while rest:
        digits += 1
        rest //= 10
    for digit in range(digits):
        text[place + digits - 1 - digit] = ZERO + value % 10
        value //= 10
    return place + digits


@compiled
def hex_value(column: int, number: int) -> np.uint32:
    """What value `number` of a column is called: different numbers have different names, none is 0."""
    bits = np.uint32(number + 1 + (column << 24))
    bits = np.uint32((bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    bits = np.uint32((bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(bits ^ (bits >> np.uint32(16)))


@compiled
def format_rows(
    label: NDArray[np.uint8], counts: NDArray[np.int64], ids: NDArray[np.int32], text: NDArray[np.uint8]
) -> int:
    """Write label (n,), counts (13, n), `MISSING_COUNT` for none, and ids (n, 26), −1 for none; the bytes used."""
    place = 0
    for row in range(len(label)):
        text[place] = ZERO + label[row]
        place += 1
        for column in range(len(counts)):
            text[place] = TAB
            place += 1
            if counts[column, row] != MISSING_COUNT:
                place = _write_integer(text, place, counts[column, row])
        for column in range(ids.shape[1]):
            text[place] = TAB
            place += 1
            if ids[row, column] >= 0:
                value = hex_value(column, ids[row, column])
                for digit in range(8):
                    text[place + digit] = HEX[(value >> np.uint32(28 - 4 * digit)) & np.uint32(15)]
                place += 8
        text[place] = NEWLINE
        place += 1
    return place
