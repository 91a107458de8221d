"""Closed choices of the library as enums; plain strings of the same value are accepted everywhere."""

from enum import StrEnum
from typing import TypeVar

from ttrec_kernels.errors import UnsupportedError

Choice = TypeVar("Choice", bound=StrEnum)


class Backend(StrEnum):
    """What computes a lookup: the specification, compiled loops, GPU kernels, or what fits the device."""

    AUTO = "auto"
    REFERENCE = "reference"
    CPU = "cpu"
    CUDA = "cuda"


class BagMode(StrEnum):
    """How the rows of a bag become one vector."""

    SUM = "sum"
    MEAN = "mean"


class Distribution(StrEnum):
    """What the entries of TT cores are drawn from; all three are symmetric about zero."""

    UNIFORM = "uniform"
    GAUSSIAN = "gaussian"
    SAMPLED_GAUSSIAN = "sampled-gaussian"


class InitScale(StrEnum):
    """How drawn cores are scaled: to an exact root mean square of the table, or as Algorithm 3 was published."""

    CALIBRATED = "calibrated"
    PAPER = "paper"


def choose(choices: type[Choice], value: str, argument: str) -> Choice:
    """Member of `choices` with this value; `UnsupportedError` names the argument and the valid values."""
    try:
        return choices(value)
    except ValueError:
        valid = ", ".join(choices)
        raise UnsupportedError(f"{argument} must be one of {valid}, but is {value!r}") from None
