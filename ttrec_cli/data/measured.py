"""A prepared dataset measured, to be imitated: its columns' sizes, skew, missing rates and bags, its features.

What is kept of a column is its popularity curve: the share of its values that the r most frequent ones hold,
exactly for the first ranks, then at ranks 5 % apart, between which popularity counts as equal. Dense features
are kept as quantiles of what is stored, one by one: how features and columns go together is not imitated.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog
from ttrec_cli.data.counts import bag_sizes, value_counts
from ttrec_cli.data.synthetic_columns import SMALL_ROWS

EXACT_RANKS = 32
RANK_STEP = 1.05
KEPT_HEAD = 10
"""Ranks that a scaled table keeps as they are; those behind are squeezed on their logarithm."""

QUANTILES = 1 << 10
QUANTILE_ROWS = 1 << 22
"""Quantiles are those of about so many rows, evenly spaced."""

LEAST_RATE = 1e-4


@dataclass(frozen=True)
class MeasuredSkew:
    """Share `shares[i]` of a column's values is "missing" or of a rank up to `ranks[i]`; the first is "missing"."""

    ranks_upto: tuple[int, ...]
    shares: tuple[float, ...]

    def ranks(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """The rank of each uniform number in [0, 1); 0 where missing."""
        from ttrec_cli.data.skew_loops import places

        step = places(self._edges, uniform)
        below, width = self._below[step], self._width[step]
        part = (uniform - np.concatenate([[0.0], self._edges])[step]) / self._mass[step]
        return np.asarray(below + np.minimum((part * width).astype(np.int64), width - 1))

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        return np.array(self.shares[:-1])

    @cached_property
    def _mass(self) -> NDArray[np.float64]:
        return np.maximum(np.diff(self.shares, prepend=0.0), np.finfo(np.float64).tiny)

    @cached_property
    def _below(self) -> NDArray[np.int64]:
        return np.array([0, *(rank + 1 for rank in self.ranks_upto[:-1])])

    @cached_property
    def _width(self) -> NDArray[np.int64]:
        return np.array(self.ranks_upto) + 1 - self._below


@dataclass(frozen=True)
class MeasuredColumn:
    """A column: its name, rows of its table, popularity curve and, where it holds bags, their sizes."""

    name: str
    rows: int
    has_missing: bool
    skew: MeasuredSkew
    lengths: tuple[float, ...] | None = None


@dataclass(frozen=True)
class MeasuredFeature:
    """A dense feature by its quantiles, evenly spaced from the least to the largest value."""

    name: str
    quantiles: tuple[float, ...]

    def values(self, uniform: NDArray[np.float64]) -> NDArray[np.float32]:
        """The feature of each uniform number in [0, 1)."""
        places = np.linspace(0.0, 1.0, len(self.quantiles))
        return np.interp(uniform, places, self.quantiles).astype(np.float32)


@dataclass(frozen=True)
class LogModel:
    """A dataset as it is imitated."""

    name: str
    columns: tuple[MeasuredColumn, ...]
    features: tuple[MeasuredFeature, ...]
    click_rate: float

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that was measured, in hex."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def measure(log: ClickLog) -> LogModel:
    """The model of a dataset. Raises `DataError` when an id lies outside its table."""
    columns = tuple(_column(log, column) for column in range(len(log.columns)))
    step = max(1, len(log.dense) // QUANTILE_ROWS)
    features = tuple(_feature(name, log.dense[::step, place]) for place, name in enumerate(log.dense_columns))
    click_rate = min(max(float(log.label.mean(dtype=np.float64)), LEAST_RATE), 1 - LEAST_RATE)
    return LogModel(log.name.removeprefix("synthetic-"), columns, features, click_rate)


def _column(log: ClickLog, column: int) -> MeasuredColumn:
    counts = value_counts(log, column)
    missing_id = log.missing_ids[column]
    missing = 0
    if missing_id is not None:
        missing, counts[missing_id] = int(counts[missing_id]), 0
    ordered = np.sort(counts[counts > 0])[::-1]
    total = max(1, missing + int(ordered.sum()))
    grid = np.arange(min(EXACT_RANKS, len(ordered))) + 1
    if len(ordered) > EXACT_RANKS:
        steps = int(np.log(len(ordered) / EXACT_RANKS) / np.log(RANK_STEP)) + 2
        grid = np.unique([*grid, *np.geomspace(EXACT_RANKS, len(ordered), steps).round().astype(np.int64)])
    shares = (missing + np.cumsum(ordered)[grid - 1]) / total if len(grid) else np.zeros(0)
    edges = [missing / total, *shares.tolist()]
    edges[-1] = 1.0
    lengths = None
    if log.bag_widths[column]:
        sizes = bag_sizes(log, column)
        lengths = tuple((np.cumsum(sizes)[:-1] / sizes.sum()).tolist())
    skew = MeasuredSkew((0, *grid.tolist()), tuple(edges))
    return MeasuredColumn(log.columns[column], log.cardinalities[column], missing_id is not None, skew, lengths)


def _feature(name: str, values: NDArray[np.float32]) -> MeasuredFeature:
    return MeasuredFeature(name, tuple(np.quantile(values, np.linspace(0, 1, QUANTILES + 1)).astype(float).tolist()))


def scaled_column(column: MeasuredColumn, table_scale: float) -> MeasuredColumn:
    """The column with `table_scale` times the rows, but never below the smaller of `SMALL_ROWS` and its own.

    The ten most frequent values keep their shares; rank r behind them goes to 10·(r/10)^g, with g such that the
    last one comes to the end of the table.
    """
    rows = max(min(column.rows, SMALL_ROWS), round(column.rows * table_scale))
    values, last = rows - column.has_missing, column.skew.ranks_upto[-1]
    if values >= last:
        return replace(column, rows=rows)
    power = np.log(values / KEPT_HEAD) / np.log(last / KEPT_HEAD)
    ranks = np.array(column.skew.ranks_upto)
    squeezed = np.where(
        ranks <= KEPT_HEAD, ranks, np.rint(KEPT_HEAD * (np.maximum(ranks, 1) / KEPT_HEAD) ** power)
    ).astype(np.int64)
    kept = np.append(squeezed[1:] > squeezed[:-1], True)
    shares = np.array(column.skew.shares)[kept]
    return replace(column, rows=rows, skew=MeasuredSkew(tuple(squeezed[kept].tolist()), tuple(shares.tolist())))
