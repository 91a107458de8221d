"""The block parser against Python's own int() on good lines, and against the written rules on broken ones."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ttrec_cli.data.criteo_lines import FIELDS, broken_rule, parse_block
from ttrec_cli.data.raw_lines import LineBlock

RULES = re.compile(rb"[01](?:\t(?P<i>-?[0-9]+)?){13}(?:\t[0-9a-fA-F]{0,8}){26}")
BIGGEST, SMALLEST = 2**63 - 1, -(2**63)

integers = st.one_of(
    st.just(""),
    st.integers(-3, 10**9).map(str),
    st.integers(SMALLEST, BIGGEST).map(str),
    st.sampled_from([str(BIGGEST), str(SMALLEST), "00000000000000000000012", "-0", "99999999", "100000000"]),
)
categories = st.one_of(
    st.just(""),
    st.integers(0, 2**32 - 1).map("{:08x}".format),
    st.integers(0, 2**32 - 1).map("{:X}".format),
    st.integers(0, 300).map("{:x}".format),
)
rows = st.tuples(
    st.sampled_from("01"),
    st.lists(integers, min_size=13, max_size=13),
    st.lists(categories, min_size=26, max_size=26),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(rows, min_size=1, max_size=8))
def test_good_lines_are_what_python_reads(lines: list[tuple[str, list[str], list[str]]]) -> None:
    text = "".join("\t".join([label, *ints, *cats]) + "\n" for label, ints, cats in lines)
    parsed = parse_block(LineBlock(text.encode(), 1))
    assert parsed.first_bad is None
    assert parsed.bad_lines == 0
    assert parsed.label.tolist() == [int(label) for label, _, _ in lines]
    assert parsed.integers.tolist() == [[int(field or 0) for field in ints] for _, ints, _ in lines]
    assert parsed.categories.T.tolist() == [[int(field or "0", 16) for field in cats] for _, _, cats in lines]


def is_good(line: bytes) -> bool:
    """The rules as a regular expression, and 64 bits for integers."""
    if not RULES.fullmatch(line):
        return False
    return all(SMALLEST <= int(field) <= BIGGEST for field in line.split(b"\t")[1:14] if field)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_exactly_the_lines_that_keep_the_rules_are_taken(
    raw_lines: Callable[[int, int], list[str]], data: st.DataObject
) -> None:
    text = bytearray("\n".join(raw_lines(6, data.draw(st.integers(0, 5)))).encode() + b"\n")
    nasty = st.sampled_from([*b"\t\n\r\0-+ .019afgAFGx:/@`\x80\xff"])
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(text) - 2))
        change = data.draw(st.sampled_from(["replace", "insert", "delete"]))
        text[place : place + (change != "insert")] = b"" if change == "delete" else bytes([data.draw(nasty)])
    lines = bytes(text).split(b"\n")[:-1]
    good = [line for line in lines if is_good(line)]
    parsed = parse_block(LineBlock(bytes(text), 10))
    assert parsed.lines == len(lines)
    assert parsed.bad_lines == len(lines) - len(good)
    assert parsed.label.tolist() == [int(line[:1]) for line in good]
    assert parsed.categories.T.tolist() == [
        [int(field or b"0", 16) for field in line.split(b"\t")[14:]] for line in good
    ]
    bad_numbers = [10 + place for place, line in enumerate(lines) if not is_good(line)]
    assert (parsed.first_bad[0] if parsed.first_bad else None) == (bad_numbers[0] if bad_numbers else None)


def line_with(place: int, value: str) -> bytes:
    fields = ["1", *["7"] * 13, *["0a1b2c3d"] * 26]
    fields[place] = value
    return "\t".join(fields).encode()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (line_with(0, "2"), r"the label must be 0 or 1, is '2'; repair the line, or .* --skip-bad-lines"),
        (line_with(0, ""), r"the label must be 0 or 1, is ''"),
        (line_with(5, "1.5"), r"I5 must be empty or an integer of 64 bits, is '1\.5'"),
        (line_with(13, "-"), r"I13 must be .* is '-'"),
        (line_with(2, "9223372036854775808"), r"I2 must be .* 64 bits, is '9223372036854775808'"),
        (line_with(14, "zz"), r"C1 must be empty or 1 to 8 hex digits, is 'zz'"),
        (line_with(39, "123456789"), r"C26 must be empty or 1 to 8 hex digits, is '123456789'"),
        (line_with(20, "ab\0c"), r"C7 must be .* is 'ab\\x00c'"),
        (line_with(20, "ü"), r"C7 must be .* is '\\\\xc3\\\\xbc'"),
        (b"1\t2\t3", rf"must have {FIELDS} fields separated by TABs .*, has 3; repair it, or .* --skip-bad-lines"),
        (line_with(1, "1\t2"), rf"must have {FIELDS} fields .* has 41"),
        (b"", r"must have 40 fields .* has 1"),
        (line_with(39, "ab\r"), r"must end in LF, ends in CR LF; convert the file with: sed"),
        (b"\xef\xbb\xbf" + line_with(0, "1"), "must not start with a byte order mark; remove it with: sed"),
    ],
)
def test_the_rule_broken_is_named_with_its_value(line: bytes, message: str) -> None:
    parsed = parse_block(LineBlock(line + b"\n" + line_with(0, "0") + b"\n", 1))
    assert parsed.lines == 2
    assert parsed.label.tolist() == [0]
    assert parsed.first_bad is not None
    number, rule = parsed.first_bad
    assert number == 1
    assert re.search(message, rule)
    assert "\n" not in rule


def test_a_long_hostile_field_is_shown_short() -> None:
    assert len(broken_rule(line_with(3, "9" * 60_000), 7)) < 200


def test_values_at_the_edges_of_a_word_do_not_leak_into_each_other() -> None:
    fields = ["1", *["99999999", "", "1", "", "12345678"], *[""] * 8, "ffffffff", "", "1", *["fffffff0"] * 23]
    parsed = parse_block(LineBlock("\t".join(fields).encode() + b"\n", 1))
    assert parsed.integers[0, :5].tolist() == [99999999, 0, 1, 0, 12345678]
    assert parsed.categories[:4, 0].tolist() == [0xFFFFFFFF, 0, 1, 0xFFFFFFF0]
    assert parsed.categories.dtype == np.uint32
