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


class DenseDistribution(StrEnum):
    """What uncompressed rows are drawn from; n is the table's rows, `normal-V` has the variance V.

    The six rows of Table 1 of TT-Rec (MLSys 2021).
    """

    UNIFORM = "uniform"
    NORMAL_1 = "normal-1"
    NORMAL_HALF = "normal-1/2"
    NORMAL_EIGHTH = "normal-1/8"
    NORMAL_3N = "normal-1/3n"
    NORMAL_9N2 = "normal-1/9n2"

    def variance(self, rows: int) -> float:
        """Variance of an entry of a table of `rows` rows; Uniform(±1/sqrt(n)) has 1/3n too."""
        return {
            DenseDistribution.UNIFORM: 1 / (3 * rows),
            DenseDistribution.NORMAL_1: 1.0,
            DenseDistribution.NORMAL_HALF: 1 / 2,
            DenseDistribution.NORMAL_EIGHTH: 1 / 8,
            DenseDistribution.NORMAL_3N: 1 / (3 * rows),
            DenseDistribution.NORMAL_9N2: 1 / (9 * rows**2),
        }[self]


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
