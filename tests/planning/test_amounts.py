"""Budgets as people write them."""

from fractions import Fraction

import pytest

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.amounts import parse_bytes, parse_compression


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2000000", 2_000_000),
        ("2MB", 2_000_000),
        ("2 mb", 2_000_000),
        ("1.5GB", 1_500_000_000),
        ("20kB", 20_000),
        ("1TB", 10**12),
        ("1MiB", 2**20),
        ("0.5 KiB", 512),
        ("2e6", 2_000_000),
        ("7B", 7),
        (".5kB", 500),
        ("0.1GB", 100_000_000),  # exact, though no float is
        ("1.9999B", 1),
    ],
)
def test_bytes(text, expected) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("100", 100), ("2.5", Fraction(5, 2)), ("117x", 117), ("4×", 4), ("1", 1)]
)
def test_compression(text, expected) -> None:
    assert parse_compression(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "MB", "nan", "inf", "-2MB", "0", "0MB", "0.4B", "2XB", "2 M B", "1e999", "1e-999999999", "9" * 5000, "١MB",
     "2MB; rm", "0x10", "1_000", "5EB", "9" * 25],
)  # fmt: skip
def test_impossible_bytes_are_one_short_line(text) -> None:
    with pytest.raises(ConfigError, match="--max-bytes must") as caught:
        parse_bytes(text)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["", "nan", "inf", "-100", "0", "0.5", "100MB", "1e999", "1e-999999999"])
def test_impossible_compressions_are_one_short_line(text) -> None:
    with pytest.raises(ConfigError, match="--compression must") as caught:
        parse_compression(text)
    assert len(str(caught.value)) < 200
