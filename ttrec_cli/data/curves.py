"""Curves of a column's skew: how often its values occur by rank, and what share of lookups the top ones cover."""

from dataclasses import dataclass

import numpy as np

from ttrec_cli.data.click_log import ClickLog
from ttrec_cli.data.counts import value_counts

POINTS = 80


@dataclass(frozen=True)
class SkewCurve:
    """One column, "missing" left out, at ranks evenly spaced in their logarithm.

    Attributes:
        rank: from 1 for the most frequent value. share: of lookups that go to the value of that rank.
        rows_fraction: ranks over the rows of the table. access_share: of lookups that go to that rank or above.
    """

    name: str
    cardinality: int
    rank: tuple[int, ...]
    share: tuple[float, ...]
    rows_fraction: tuple[float, ...]
    access_share: tuple[float, ...]


def skew_curves(log: ClickLog, largest: int) -> tuple[SkewCurve, ...]:
    """The curves of the largest columns. Raises `DataError` when an id lies outside its table."""
    by_size = sorted(range(len(log.columns)), key=lambda column: -log.cardinalities[column])
    return tuple(_curve(log, column) for column in by_size[:largest])


def _curve(log: ClickLog, column: int) -> SkewCurve:
    counts = value_counts(log, column)
    lookups = max(1, int(counts.sum()))
    missing = log.missing_ids[column]
    if missing is not None:
        counts[missing] = 0
    ordered = np.sort(counts[counts > 0])[::-1]
    if len(ordered) == 0:
        ordered = np.zeros(1, dtype=np.int64)
    total = max(1, int(ordered.sum()))
    ranks = np.unique(np.geomspace(1, len(ordered), POINTS).round().astype(np.int64))
    covered = np.cumsum(ordered)[ranks - 1] / total
    return SkewCurve(
        name=log.columns[column],
        cardinality=log.cardinalities[column],
        rank=tuple(ranks.tolist()),
        share=tuple((ordered[ranks - 1] / lookups).tolist()),
        rows_fraction=tuple((ranks / log.cardinalities[column]).tolist()),
        access_share=tuple(covered.tolist()),
    )
