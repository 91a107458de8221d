"""What all settings are made of: frozen models, bounded numbers, amounts of bytes and time."""

import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

PositiveInt = Annotated[int, Field(ge=1, le=2**40, strict=True)]
WholeNumber = Annotated[int, Field(ge=0, le=2**40, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LayerWidths = Annotated[tuple[Annotated[int, Field(ge=1, le=2**16, strict=True)], ...], Field(max_length=32)]

_UNITS = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
LEAST_BYTES = 1000
"""What is below is a number whose unit was forgotten."""
_BYTES = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)\s*([A-Za-z]{1,3})")
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Frozen(BaseModel):
    """Immutable; unknown keys are errors; infinity is written as a string in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", use_attribute_docstrings=True)


def _bytes(value: Any) -> Any:
    if isinstance(value, int) and 0 < value < LEAST_BYTES:
        raise ValueError(f"must be at least {LEAST_BYTES} bytes, or have a unit, such as {value}GB")
    if not isinstance(value, str):
        return value
    units = {name.lower(): factor for name, factor in _UNITS.items()}
    match = _BYTES.fullmatch(value.strip())
    if match is None or match[2].lower() not in units:
        raise ValueError(f"must be bytes such as 16GB, 512MiB or 2000000 (units: {', '.join(_UNITS)})")
    return int(float(match[1]) * units[match[2].lower()])


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    parts = _SPAN.findall(text)
    if not parts or _SPAN.sub("", text).strip():
        raise ValueError("must be a time such as 90s, 30m, 8h, 1h30m or a number of seconds")
    return math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)


Bytes = Annotated[PositiveInt, BeforeValidator(_bytes, json_schema_input_type=int | str)]
"""A number of bytes, or one with a unit: MB = 10^6."""

Seconds = Annotated[
    float, Field(gt=0, le=10**9, allow_inf_nan=False), BeforeValidator(_seconds, json_schema_input_type=float | str)
]
"""A number of seconds, or a time such as `1h30m`."""
