"""Budgets as people write them: bytes with a unit, a compression factor, the size of a number."""

import re
from fractions import Fraction
from typing import Literal

from ttrec_cli.errors import ConfigError

DType = Literal["fp32", "fp16", "bf16"]
"""How the numbers of a table are stored, before and after compression alike."""

ITEM_BYTES: dict[DType, int] = {"fp32": 4, "fp16": 2, "bf16": 2}

UNITS = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
"""Bytes by unit, in lower case: MB = 10^6 bytes, MiB = 2^20."""

MOST = 2**62
_AMOUNT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)")


def parse_bytes(text: str, option: str = "--max-bytes") -> int:
    """Whole bytes of `2MB`, `1.5 GiB` or `2000000`; parts of a byte are dropped. Raises `ConfigError`."""
    number, unit = _split(text, option, "such as 2MB, 1.5GiB or 2000000")
    if unit not in UNITS:
        known = "kB, MB, GB, TB, KiB, MiB, GiB, TiB"
        raise ConfigError(f"{option} must be bytes, or in one of {known}, but is {_shown(text)}")
    bytes_ = int(_exact(number, text, option) * UNITS[unit])
    if not 1 <= bytes_ <= MOST:
        raise ConfigError(f"{option} must lie between 1 and 2^62 bytes, but is {_shown(text)}")
    return bytes_


def parse_compression(text: str) -> Fraction:
    """How many times smaller than uncompressed, at least 1: `100`, `2.5` or `100x`. Raises `ConfigError`."""
    option = "--compression"
    number, unit = _split(text.replace("×", "x"), option, "such as 100")
    factor = _exact(number, text, option)
    if unit not in ("", "x") or factor < 1:
        raise ConfigError(
            f"{option} must be a number of at least 1, how many times smaller than uncompressed, "
            f"but is {_shown(text)}; the nearest valid value is {1 if not unit else number}"
        )
    return factor


def _split(text: str, option: str, example: str) -> tuple[str, str]:
    match = _AMOUNT.fullmatch(text.strip().lower()) if text.isascii() else None
    if match is None:
        raise ConfigError(f"{option} must be a number, {example}, but is {_shown(text)}")
    return match[1], match[2]


def _exact(number: str, text: str, option: str) -> Fraction:
    """The number without rounding; a float first, because an exponent could ask for endless digits."""
    if not 0 < float(number) < float("inf"):
        raise ConfigError(f"{option} must be above 0 and finite, but is {_shown(text)}")
    return Fraction(number)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
