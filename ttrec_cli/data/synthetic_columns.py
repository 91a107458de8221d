"""The shape of real Criteo columns, and how it is carried over to tables of other sizes.

Shares were measured on a 0.3 % random sample of Criteo Kaggle in time order: the share of all rows that
hold a column's most frequent value, and its ten most frequent, missing ones not counted as a value.
Dense features follow plausible counts; of them, only the missing shares are measured.
"""

from dataclasses import dataclass
from typing import Literal

from ttrec_cli.planning import KAGGLE_ROWS, TERABYTE_ROWS

Like = Literal["kaggle", "terabyte"]

TABLE_ROWS: dict[Like, tuple[int, ...]] = {"kaggle": KAGGLE_ROWS, "terabyte": TERABYTE_ROWS}
CLICK_RATE = 0.256
SMALL_ROWS = 100
"""Tables are never scaled below this (or their own size): small ones carry signal and cost nothing."""

MLPERF_BAG_SIZES = (3, 2, 1, 2, 6, 1, 1, 1, 1, 7, 3, 8, 1, 6, 9, 5, 1, 1, 1, 12, 100, 27, 10, 3, 1, 1)
"""Values per row of C1 … C26 in MLPerf's DLRM v2, whose click log is Terabyte's made multi-hot."""

LARGE_TABLES = 7
"""How many of the largest tables the paper compresses at most."""


@dataclass(frozen=True)
class CategoryShape:
    """Share of all rows held by the most frequent value, by the ten most frequent, and by "missing"."""

    top1: float
    top10: float
    missing: float = 0.0


@dataclass(frozen=True)
class CountShape:
    """A log-logistic count: its median and the exponent of its spread; `shift` moves it below 0."""

    median: float
    spread: float
    missing: float = 0.0
    shift: int = 0


KAGGLE_SHAPES = (
    CategoryShape(0.500, 0.910),
    CategoryShape(0.114, 0.402),
    CategoryShape(0.025, 0.103, missing=0.035),
    CategoryShape(0.036, 0.167, missing=0.035),
    CategoryShape(0.674, 0.979),
    CategoryShape(0.396, 0.878, missing=0.12),
    CategoryShape(0.021, 0.088),
    CategoryShape(0.595, 0.956),
    CategoryShape(0.900, 1.000),
    CategoryShape(0.222, 0.277),
    CategoryShape(0.032, 0.132),
    CategoryShape(0.025, 0.118, missing=0.035),
    CategoryShape(0.032, 0.150),
    CategoryShape(0.349, 0.984),
    CategoryShape(0.016, 0.091),
    CategoryShape(0.025, 0.119, missing=0.035),
    CategoryShape(0.460, 1.000),
    CategoryShape(0.032, 0.215),
    CategoryShape(0.344, 0.405, missing=0.44),
    CategoryShape(0.190, 0.558, missing=0.44),
    CategoryShape(0.025, 0.119, missing=0.035),
    CategoryShape(0.136, 0.239, missing=0.76),
    CategoryShape(0.437, 0.995),
    CategoryShape(0.053, 0.297, missing=0.035),
    CategoryShape(0.142, 0.520, missing=0.44),
    CategoryShape(0.042, 0.145, missing=0.44),
)
"""C1 … C26 of Criteo Kaggle."""

COUNT_SHAPES = (
    CountShape(1, 0.9, missing=0.45),
    CountShape(5, 1.1, shift=-2),
    CountShape(6, 0.8, missing=0.21),
    CountShape(4, 0.6, missing=0.21),
    CountShape(2500, 1.1),
    CountShape(30, 0.9, missing=0.22),
    CountShape(3, 0.9),
    CountShape(8, 0.7),
    CountShape(40, 0.8),
    CountShape(0.9, 0.4, missing=0.45),
    CountShape(1.5, 0.7),
    CountShape(0.5, 0.7, missing=0.77),
    CountShape(4, 0.6, missing=0.21),
)
"""I1 … I13."""


def scaled_rows(like: Like, table_scale: float) -> tuple[int, ...]:
    """Rows of each table times `table_scale`, but never below the smaller of `SMALL_ROWS` and its own size."""
    return tuple(max(min(rows, SMALL_ROWS), round(rows * table_scale)) for rows in TABLE_ROWS[like])


def category_shapes(like: Like) -> tuple[CategoryShape, ...]:
    """The shape of each column. Of Terabyte's columns only sizes are known: the k-th largest table takes the
    shape of Kaggle's k-th largest."""
    by_size = [KAGGLE_SHAPES[column] for column in columns_by_size(KAGGLE_ROWS)]
    place = {column: size_rank for size_rank, column in enumerate(columns_by_size(TABLE_ROWS[like]))}
    return tuple(by_size[place[column]] for column in range(len(by_size)))


def columns_by_size(rows: tuple[int, ...]) -> list[int]:
    """Columns from the largest table to the smallest."""
    return sorted(range(len(rows)), key=lambda column: -rows[column])
