"""Reads Criteo's rows byte by byte, compiled: see `criteo_lines`, which says what the rules are."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

TAB, NEWLINE, MINUS, ZERO, ONE = 9, 10, 45, 48, 49
INTEGERS, CATEGORIES = 13, 26
HEX_DIGITS = 8
MAX_DIGITS = 99
NO_DIGIT = 255
HEX = np.array(
    [int(chr(byte), 16) if chr(byte) in "0123456789abcdefABCDEF" else NO_DIGIT for byte in range(256)], dtype=np.uint8
)
NEAR_OVERFLOW = (2**64 - 1) // 10


@compiled
def _integer(text: NDArray[np.uint8], place: int) -> tuple[int, np.int64, bool]:
    """Where the digits from `place` on end, their value, and whether it fits 64 bits; 0 where there are none."""
    negative = text[place] == MINUS
    if negative:
        place += 1
    start = place
    value = np.uint64(0)
    fits = True
    while True:
        digit = np.int64(text[place]) - ZERO
        if digit < 0 or digit > 9:
            break
        if value > np.uint64(NEAR_OVERFLOW):
            fits = False
        value = value * np.uint64(10) + np.uint64(digit)
        if value > np.uint64(2**63):
            fits = False
        place += 1
    digits = place - start
    if digits > MAX_DIGITS or (negative and digits == 0) or (not negative and value == np.uint64(2**63)):
        fits = False
    signed = np.int64(value)
    return place, -signed if negative else signed, fits


@compiled
def _category(text: NDArray[np.uint8], place: int) -> tuple[int, np.uint32, int]:
    """Where the hex digits from `place` on end, their value (of eight at most), and how many there are."""
    start = place
    value = np.uint32(0)
    while True:
        digit = HEX[text[place]]
        if digit == NO_DIGIT:
            break
        value = np.uint32(value << np.uint32(4)) | np.uint32(digit)
        place += 1
    return place, value, place - start


@compiled
def scan(
    text: NDArray[np.uint8],
    label: NDArray[np.uint8],
    integers: NDArray[np.int64],
    categories: NDArray[np.uint32],
    missing: NDArray[np.uint32],
    good: NDArray[np.bool_],
) -> None:
    """Parse lines that each end in a line feed; outputs have one entry per line, see `RawRows`."""
    place = 0
    for row in range(len(good)):
        okay = (text[place] == ZERO or text[place] == ONE) and text[place + 1] == TAB
        if okay:
            label[row] = text[place] - ZERO
            place += 2
            for column in range(INTEGERS):
                place, value, fits = _integer(text, place)
                if not fits or text[place] != TAB:
                    okay = False
                    break
                integers[row, column] = value
                place += 1
        empty = np.uint32(0)
        if okay:
            for column in range(CATEGORIES):
                place, category, digits = _category(text, place)
                end = NEWLINE if column == CATEGORIES - 1 else TAB
                if digits > HEX_DIGITS or text[place] != end:
                    okay = False
                    break
                if digits == 0:
                    empty |= np.uint32(1) << np.uint32(column)
                categories[column, row] = category
                place += 1
        good[row] = okay
        missing[row] = empty
        if not okay:
            while text[place] != NEWLINE:
                place += 1
            place += 1
