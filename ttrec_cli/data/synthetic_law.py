"""What the rows of a synthetic log are drawn from: one law per column and dense feature."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.skew import column_skew
from ttrec_cli.data.synthetic_columns import CLICK_RATE, COUNT_SHAPES, CountShape, Like, category_shapes, scaled_rows


class Skew(Protocol):
    """How often the values of a column occur, by rank; rank 0 is "missing"."""

    def ranks(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """The rank of each uniform number in [0, 1)."""


class Feature(Protocol):
    """A dense feature."""

    def values(self, uniform: NDArray[np.float64]) -> NDArray[np.float32]:
        """The feature as it is stored, of each uniform number in [0, 1)."""


@dataclass(frozen=True)
class ColumnLaw:
    """A column: rows of its table, whether "missing" is one of them, how often each occurs.

    `lengths`, of a column of bags: share of bags of length 0, of at most 1, … of at most the longest but one.
    """

    rows: int
    has_missing: bool
    skew: Skew
    lengths: tuple[float, ...] | None = None

    @property
    def width(self) -> int:
        """Values of the longest bag."""
        return 1 if self.lengths is None else len(self.lengths)


@dataclass(frozen=True)
class LogLaw:
    """All columns, all dense features, and the share of clicks."""

    columns: tuple[ColumnLaw, ...]
    features: tuple[Feature, ...]
    click_rate: float = CLICK_RATE


@dataclass(frozen=True)
class CountFeature:
    """log(max(x, 0) + 1) of a log-logistic count x, 0 where missing."""

    shape: CountShape

    def values(self, uniform: NDArray[np.float64]) -> NDArray[np.float32]:
        """The feature of each uniform number in [0, 1)."""
        counts = raw_count(self.shape, uniform)
        np.fmax(counts, 0.0, out=counts)
        return np.asarray(np.log1p(counts, out=counts), dtype=np.float32)


def raw_count(shape: CountShape, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """A log-logistic count, NaN where missing, from uniform numbers in [0, 1)."""
    share = np.maximum(uniform - shape.missing, 0.0) / (1.0 - shape.missing)
    count = np.floor(shape.median * (share / (1.0 - share)) ** shape.spread) + shape.shift
    count[uniform < shape.missing] = np.nan
    return np.asarray(count)


def criteo_law(like: Like, table_scale: float) -> LogLaw:
    """That of a public Criteo log, its tables' rows times `table_scale`."""
    columns = tuple(
        ColumnLaw(rows, shape.missing > 0, column_skew(rows - (shape.missing > 0), shape))
        for rows, shape in zip(scaled_rows(like, table_scale), category_shapes(like), strict=True)
    )
    return LogLaw(columns, tuple(CountFeature(shape) for shape in COUNT_SHAPES))


def bag_lengths(size: int) -> tuple[float, ...] | None:
    """`ColumnLaw.lengths` of bags that all have `size` values; None for one value, which is no bag."""
    return None if size == 1 else (0.0,) * size
