"""Criteo's rows: label, 13 integers, 26 hashed categories, separated by TABs; parsed a block at a time.

Integers may be empty or negative and must fit 64 bits; categories are up to 8 hex digits or empty. Both
are read as the digits of one 64-bit word, eight at once; only integers of more digits, which are rare,
take a slower way. Lines that break a rule are reported with the rule, never guessed at.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.raw_lines import LineBlock

DENSE_COLUMNS = tuple(f"I{i}" for i in range(1, 14))
CATEGORY_COLUMNS = tuple(f"C{i}" for i in range(1, 27))
FIELDS = 1 + len(DENSE_COLUMNS) + len(CATEGORY_COLUMNS)
FIRST_CATEGORY = 1 + len(DENSE_COLUMNS)

TAB, NEWLINE, MINUS = b"\t"[0], b"\n"[0], b"-"[0]
WORD = 8
"""Bytes of a word: the most digits read at once."""

Words = NDArray[np.uint64]
Places = NDArray[np.intp]

_NO_DIGIT = 0x80
_DIGITS = bytes(int(chr(byte), 16) if chr(byte) in "0123456789abcdefABCDEF" else _NO_DIGIT for byte in range(256))
"""For `bytes.translate`: each hex digit becomes its value."""

_KEEP = np.array([(1 << 8 * length) - 1 for length in range(WORD + 1)], dtype=np.uint64)
"""Masks of the last 0 … 8 bytes of a word."""


@dataclass(frozen=True)
class RawRows:
    """Parsed rows in file order, and the first line that broke a rule.

    Attributes:
        label: (n,) uint8.
        integers: (n, 13) int64, 0 where empty.
        categories: (26, n) uint32, 0 where empty.
        lines: lines seen, bad ones included.
        first_bad: (line number, rule it broke), or None.
    """

    label: NDArray[np.uint8]
    integers: NDArray[np.int64]
    categories: NDArray[np.uint32]
    lines: int
    first_bad: tuple[int, str] | None

    @property
    def bad_lines(self) -> int:
        """Lines that were left out."""
        return self.lines - len(self.label)


def parse_block(block: LineBlock) -> RawRows:
    """Parse whole lines; bad ones are left out and counted."""
    text = np.frombuffer(block.text, dtype=np.uint8)
    newlines = np.flatnonzero(text == NEWLINE)
    well_cut, starts, ends = _cut(text, newlines)
    # Eight bytes in front, so that the word ending at any field's end lies inside the buffer.
    digits = bytes(WORD) + block.text.translate(_DIGITS)
    words = np.ndarray((len(digits) - WORD + 1,), dtype=np.dtype(">u8"), buffer=digits, strides=(1,))
    good = np.ones(starts.shape[1], dtype=np.bool_)
    label = _labels(text, starts[0], ends[0], good)
    integers = np.empty((len(good), len(DENSE_COLUMNS)), dtype=np.int64)
    for column in range(len(DENSE_COLUMNS)):
        integers[:, column] = _integers(block.text, words, starts[1 + column], ends[1 + column], good)
    categories = np.empty((len(CATEGORY_COLUMNS), len(good)), dtype=np.uint32)
    for column in range(len(CATEGORY_COLUMNS)):
        place = FIRST_CATEGORY + column
        categories[column] = _categories(words, starts[place], ends[place], good)
    if len(good) == len(newlines) and good.all():
        return RawRows(label, integers, categories, len(newlines), None)
    well_cut[well_cut] = good
    return RawRows(
        label[good], integers[good], categories[:, good], len(newlines), _first_bad(block, newlines, well_cut)
    )


def _cut(text: NDArray[np.uint8], newlines: Places) -> tuple[NDArray[np.bool_], Places, Places]:
    """Which lines have 40 fields, and (40, rows) starts and ends of the fields of those."""
    separators = np.flatnonzero((text == TAB) | (text == NEWLINE))
    last = np.searchsorted(separators, newlines)
    well_cut = np.diff(last, prepend=-1) == FIELDS
    if not well_cut.all():
        separators = separators[well_cut[np.searchsorted(newlines, separators)]]
    ends = np.ascontiguousarray(separators.reshape(-1, FIELDS).T)
    starts = np.empty_like(ends)
    starts[1:] = ends[:-1] + 1
    starts[0] = np.concatenate([[0], newlines[:-1] + 1])[well_cut]
    return well_cut, starts, ends


def _labels(text: NDArray[np.uint8], starts: Places, ends: Places, good: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """0 or 1; clears `good` where the field is anything else."""
    label = text[starts] - np.uint8(ord("0"))  # wraps around below "0"
    good &= (ends - starts == 1) & (label <= 1)
    return label


def _words(every: Words, ends: Places, lengths: Places) -> Words:
    """The last eight digits of each field in one number, zeros before its first."""
    return every[ends].astype(np.uint64) & _KEEP[np.minimum(lengths, WORD)]


def _bytes(value: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(value * 0x0101010101010101)


def _categories(every: Words, starts: Places, ends: Places, good: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Hexadecimal values; clears `good` where the field is more than 8 digits, or anything else."""
    lengths = ends - starts
    word = _words(every, ends, lengths)
    good &= (lengths <= WORD) & (word & _bytes(_NO_DIGIT) == 0)
    word = (word | word >> np.uint64(4)) & np.uint64(0x00FF00FF00FF00FF)
    word = (word | word >> np.uint64(8)) & np.uint64(0x0000FFFF0000FFFF)
    return (word | word >> np.uint64(16)).astype(np.uint32)


def _integers(text: bytes, every: Words, starts: Places, ends: Places, good: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Decimal values; clears `good` where the field does not fit 64 bits, or is anything else."""
    negative = np.frombuffer(text, dtype=np.uint8)[starts] == MINUS
    lengths = ends - starts - negative
    word = _words(every, ends, lengths)
    # Adding 0x76 carries into the top bit from 10 on, so the letters of hex are refused as well.
    good &= ((word | (word + _bytes(0x76))) & _bytes(0x80) == 0) & ~(negative & (lengths == 0))
    low = np.uint64(0x000F000F000F000F)
    word = (word >> np.uint64(8) & low) * np.uint64(10) + (word & low)
    low = np.uint64(0x0000007F0000007F)
    word = (word >> np.uint64(16) & low) * np.uint64(100) + (word & low)
    word = (word >> np.uint64(32)) * np.uint64(10_000) + (word & np.uint64(0xFFFFFFFF))
    values = np.where(negative, -1, 1) * word.astype(np.int64)
    for row in np.flatnonzero(lengths > WORD):
        field = text[starts[row] : ends[row]]
        fits = is_integer(field)
        values[row] = int(field) if fits else 0
        good[row] &= fits
    return values


def is_integer(field: bytes) -> bool:
    """Whether the field holds a decimal number, perhaps negative, of 64 bits."""
    digits = field.removeprefix(b"-")
    return digits.isdigit() and len(digits) < 100 and -(2**63) <= int(field) < 2**63


def _first_bad(block: LineBlock, newlines: Places, good: NDArray[np.bool_]) -> tuple[int, str]:
    line = int(np.argmin(good))
    start = 0 if line == 0 else int(newlines[line - 1]) + 1
    number = block.first_line + line
    return number, broken_rule(block.text[start : int(newlines[line])], number)


def broken_rule(line: bytes, number: int) -> str:
    """Which rule the line breaks, its value, and what to do; the line is without its line feed."""
    if number == 1 and line.startswith(b"\xef\xbb\xbf"):
        return "the file must not start with a byte order mark; remove it with: sed -i '1s/^\\xEF\\xBB\\xBF//' FILE"
    if line.endswith(b"\r"):
        return "a line must end in LF, ends in CR LF; convert the file with: sed -i 's/\\r$//' FILE"
    fields = line.split(b"\t")
    if len(fields) != FIELDS:
        return (
            f"a line must have {FIELDS} fields separated by TABs (label, I1 … I13, C1 … C26), has {len(fields)}; "
            "repair it, or leave such lines out with --skip-bad-lines"
        )
    names = ("the label", *DENSE_COLUMNS, *CATEGORY_COLUMNS)
    rules = ("be 0 or 1", *["be empty or an integer of 64 bits"] * 13, *["be empty or 1 to 8 hex digits"] * 26)
    for place, (name, rule, field) in enumerate(zip(names, rules, fields, strict=True)):
        if not _keeps(place, field):
            shown = ascii(field[:40].decode("ascii", "backslashreplace"))
            return f"{name} must {rule}, is {shown}; repair the line, or leave such lines out with --skip-bad-lines"
    raise RuntimeError(f"line {number} was left out, but no rule says why")


def _keeps(place: int, field: bytes) -> bool:
    if place == 0:
        return field in (b"0", b"1")
    if place < FIRST_CATEGORY:
        return not field or is_integer(field)
    return len(field) <= WORD and all(_DIGITS[byte] < _NO_DIGIT for byte in field)
