"""What the columns of a dataset look like: sizes, missing values, skew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog
from ttrec_cli.errors import DataError

TOP = 10


@dataclass(frozen=True)
class ColumnSummary:
    """One categorical column over all rows of a log, as fractions of those rows.

    Attributes:
        cardinality: ids of the column, that of "missing" included.
        missing_fraction: rows without a value.
        top1_share: rows with the most frequent value; "missing" does not count as a value.
        top10_share: rows with one of the ten most frequent values.
    """

    name: str
    cardinality: int
    missing_fraction: float
    top1_share: float
    top10_share: float


def describe(log: ClickLog) -> tuple[ColumnSummary, ...]:
    """Every categorical column, counted over all rows of all splits.

    Raises:
        DataError: an id lies outside its table.
    """
    return tuple(_column(log, column) for column in range(len(log.columns)))


def _column(log: ClickLog, column: int) -> ColumnSummary:
    counts = _counts(log, column)
    rows = len(log.label)
    missing_id = log.missing_ids[column]
    missing = 0 if missing_id is None else int(counts[missing_id])
    if missing_id is not None:
        counts[missing_id] = 0
    top = np.sort(np.partition(counts, -TOP)[-TOP:] if len(counts) > TOP else counts)
    return ColumnSummary(
        name=log.columns[column],
        cardinality=log.cardinalities[column],
        missing_fraction=missing / rows,
        top1_share=int(top[-1]) / rows,
        top10_share=int(top.sum()) / rows,
    )


def _counts(log: ClickLog, column: int) -> NDArray[np.intp]:
    ids = np.ascontiguousarray(log.sparse[:, column])
    cardinality = log.cardinalities[column]
    if ids.min() < 0 or ids.max() >= cardinality:
        raise DataError(
            f"{log.path}: ids of {log.columns[column]} must be in [0, {cardinality}), "
            f"are {ids.min()} to {ids.max()}; prepare the dataset again"
        )
    return np.bincount(ids, minlength=cardinality)
