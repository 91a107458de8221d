"""Criteo's rows: label, 13 integers, 26 hashed categories, separated by TABs; parsed a block at a time.

Integers may be empty or negative and must fit 64 bits; categories are up to 8 hex digits or empty. Lines
that break a rule are reported with the rule, never guessed at.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.raw_lines import LineBlock

DENSE_COLUMNS = tuple(f"I{i}" for i in range(1, 14))
CATEGORY_COLUMNS = tuple(f"C{i}" for i in range(1, 27))
FIELDS = 1 + len(DENSE_COLUMNS) + len(CATEGORY_COLUMNS)
FIRST_CATEGORY = 1 + len(DENSE_COLUMNS)

MAX_HEX_DIGITS = 8


@dataclass(frozen=True)
class RawRows:
    """Parsed rows in file order, and the first line that broke a rule.

    Attributes:
        label: (n,) uint8.
        integers: (n, 13) int64, 0 where empty.
        categories: (26, n) uint32, 0 where empty.
        missing: (n,) uint32, bit c set where category c is empty.
        lines: lines seen, bad ones included.
        first_bad: (line number, rule it broke), or None.
    """

    label: NDArray[np.uint8]
    integers: NDArray[np.int64]
    categories: NDArray[np.uint32]
    missing: NDArray[np.uint32]
    lines: int
    first_bad: tuple[int, str] | None

    @property
    def bad_lines(self) -> int:
        """Lines that were left out."""
        return self.lines - len(self.label)


def parse_block(block: LineBlock) -> RawRows:
    """Parse whole lines; bad ones are left out and counted."""
    from ttrec_cli.data.criteo_scan import scan

    lines = block.text.count(b"\n")
    label = np.empty(lines, dtype=np.uint8)
    integers = np.empty((lines, len(DENSE_COLUMNS)), dtype=np.int64)
    categories = np.empty((len(CATEGORY_COLUMNS), lines), dtype=np.uint32)
    missing = np.empty(lines, dtype=np.uint32)
    good = np.empty(lines, dtype=np.bool_)
    scan(np.frombuffer(block.text, dtype=np.uint8), label, integers, categories, missing, good)
    if good.all():
        return RawRows(label, integers, categories, missing, lines, None)
    bad = _first_bad(block, int(np.argmin(good)))
    return RawRows(label[good], integers[good], categories[:, good], missing[good], lines, bad)


def is_integer(field: bytes) -> bool:
    """Whether the field holds a decimal number, perhaps negative, of 64 bits."""
    digits = field.removeprefix(b"-")
    return digits.isdigit() and len(digits) < 100 and -(2**63) <= int(field) < 2**63


def _first_bad(block: LineBlock, line: int) -> tuple[int, str]:
    number = block.first_line + line
    text = block.text.split(b"\n", line + 1)[line]
    return number, broken_rule(text, number)


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
    return len(field) <= MAX_HEX_DIGITS and all(byte in b"0123456789abcdefABCDEF" for byte in field)
