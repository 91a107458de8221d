"""What the columns of a dataset look like: sizes, missing values, skew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog
from ttrec_cli.data.counts import missing_rows, value_counts
from ttrec_cli.data.days import day_sizes

TOPS = (1, 10, 100)
TAIL_FROM_RANK = 10
TAIL_MIN_COUNT = 5
"""Rarer values say more of chance than of the tail."""

TAIL_POINTS = 50
FLOAT_BYTES = 4


@dataclass(frozen=True)
class ColumnSummary:
    """One categorical column of a log; shares are fractions of its lookups: of all rows, or of all values in bags.

    Attributes:
        cardinality: ids of the column, that of "missing" included.
        missing_fraction: share of rows without a value, or whose bag is empty or begins with none.
        top1_share: of the most frequent value; "missing" does not count as a value. top10_share and
            top100_share: of the ten, or hundred, most frequent.
        tail_exponent: b where counts fall like rank^-b behind the tenth value, by least squares between the
            logarithms; None where too few values are frequent enough to tell.
        unseen_last_day: of the different values of the last day, the share that no earlier day had.
        embedding_bytes: of the column's uncompressed fp32 table.
    """

    name: str
    cardinality: int
    missing_fraction: float
    top1_share: float
    top10_share: float
    top100_share: float
    tail_exponent: float | None
    unseen_last_day: float
    embedding_bytes: int


def describe(log: ClickLog, dim: int = 16) -> tuple[ColumnSummary, ...]:
    """Every categorical column, counted over all rows of all splits; tables have rows of `dim` numbers.

    Raises:
        DataError: an id lies outside its table.
    """
    last_day = rows_of_last_day(log)
    return tuple(_column(log, column, dim, last_day) for column in range(len(log.columns)))


def rows_of_last_day(log: ClickLog) -> NDArray[np.bool_]:
    """Which rows are of the last day; without recorded days the rows lie in the order of time."""
    if log.day is not None:
        return np.asarray(log.day == log.days - 1)
    rows = len(log.label)
    return np.arange(rows) >= rows - day_sizes(rows)[-1]


def _column(log: ClickLog, column: int, dim: int, last_day: NDArray[np.bool_]) -> ColumnSummary:
    counts, late = value_counts(log, column), value_counts(log, column, last_day)
    lookups = max(1, int(counts.sum()))
    missing_id = log.missing_ids[column]
    if missing_id is not None:
        counts[missing_id] = late[missing_id] = 0
    there_late = late > 0
    ordered = np.sort(counts[counts > 0])[::-1]
    shares = [int(ordered[:top].sum()) / lookups for top in TOPS]
    return ColumnSummary(
        name=log.columns[column],
        cardinality=log.cardinalities[column],
        missing_fraction=missing_rows(log, column) / len(log.label),
        top1_share=shares[0],
        top10_share=shares[1],
        top100_share=shares[2],
        tail_exponent=tail_exponent(ordered),
        unseen_last_day=float((late == counts)[there_late].mean()) if there_late.any() else 0.0,
        embedding_bytes=log.cardinalities[column] * dim * FLOAT_BYTES,
    )


def tail_exponent(ordered: NDArray[np.intp]) -> float | None:
    """b of counts ~ rank^-b, from counts in falling order, at ranks evenly spaced in their logarithm."""
    last = int((ordered >= TAIL_MIN_COUNT).sum())
    if last < 2 * TAIL_FROM_RANK:
        return None
    ranks = np.unique(np.geomspace(TAIL_FROM_RANK, last, TAIL_POINTS).astype(np.int64))
    slope, _ = np.polyfit(np.log(ranks), np.log(ordered[ranks - 1]), 1)
    return -float(slope)
