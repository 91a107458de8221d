"""How fast the popular values of a column settle: Figure 9 of the paper.

Values are counted from the start of training on; every 3 % of it, the share of the most frequent ones that
were not among them 3 % earlier. An i.i.d. power law settles much like that without any drift, so the rows
are taken in the order of time and in a random order: only the difference is drift.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog

STEP = 0.03
TOP = 10_000
LARGEST = 3


@dataclass(frozen=True)
class Settling:
    """One column: share of the top values replaced up to each point of training, in both orders of the rows."""

    name: str
    top: int
    progress: tuple[float, ...]
    time_order: tuple[float, ...]
    random_order: tuple[float, ...]


def settling(log: ClickLog, seed: int = 0) -> tuple[Settling, ...]:
    """The three largest columns. Rows of a shuffled log are put back in the order of days, not within them."""
    train = len(log.splits["train"])
    by_time = np.arange(train) if log.day is None else np.argsort(log.day[:train], kind="stable")
    random = np.random.RandomState(np.random.PCG64(seed))
    at_random = random.permutation(train)
    largest = sorted(range(len(log.columns)), key=lambda column: -log.cardinalities[column])[:LARGEST]
    points = np.arange(STEP, 1 + 1e-9, STEP)
    found = []
    for column in largest:
        # Ids tell who came first, and ties go to smaller ids: new names keep that from looking like a trend.
        names = random.permutation(log.cardinalities[column]).astype(np.int32)
        ids = log.ids(column)[:train]
        # A table with hardly more rows than the top never settles or always has; a tenth keeps it telling.
        top = min(TOP, max(1, log.cardinalities[column] // 10))
        orders = [_replaced(ids[order], names, top, points) for order in (by_time, at_random)]
        found.append(Settling(log.columns[column], top, tuple(points[1:].tolist()), *orders))
    return tuple(found)


def _replaced(
    ids: NDArray[np.int32], names: NDArray[np.int32], top: int, points: NDArray[np.float64]
) -> tuple[float, ...]:
    """Share replaced up to each point by ids (rows, slots), which go by other names."""
    counts = np.zeros(len(names), dtype=np.int64)
    before: NDArray[np.intp] | None = None
    start, shares = 0, []
    for point in points:
        stop = round(len(ids) * point)
        here = ids[start:stop]
        counts += np.bincount(names[here[here >= 0]], minlength=len(names))
        now = most_frequent(counts, top)
        if before is not None:
            shares.append(1.0 - len(np.intersect1d(before, now, assume_unique=True)) / top)
        before, start = now, stop
    return tuple(shares)


def most_frequent(counts: NDArray[np.int64], top: int) -> NDArray[np.intp]:
    """Ids of the `top` largest counts; among equal ones the smaller ids, so that ties do not look like change."""
    limit = np.partition(counts, -top)[-top]
    above = np.flatnonzero(counts > limit)
    return np.concatenate([above, np.flatnonzero(counts == limit)[: top - len(above)]])
