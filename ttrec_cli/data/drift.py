"""Drift: how the set of popular values of a synthetic log changes from day to day.

With drift D, a share D of each column's values, picked at random at the start of every day but the first,
change places of popularity among themselves. So of the k most frequent values about a share D, times one
minus k over all values, are others on the next day, for every k, while the skew of each day stays the same.
"Missing" keeps its place, and what a value does to clicks stays with the value.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.days import day_sizes


@dataclass(frozen=True)
class DriftedDays:
    """Days of a log: rows up to the end of each, and who holds which rank on it.

    `moved[d][p]`: place in all columns' tables, ordered by rank on the first day, of the value that holds the
    rank at place p on day d; None on the first.
    """

    ends: NDArray[np.int64]
    moved: tuple[NDArray[np.int32] | None, ...]

    def move(self, ranks: NDArray[np.int64], starts: NDArray[np.int64], first_row: int) -> NDArray[np.int64]:
        """Ranks (slots, n) on the first day of the values that hold `ranks` on the days of rows `first_row`, …"""
        from ttrec_cli.data.synthetic_loops import move_ranks

        parts, rows = [], ranks.shape[1]
        bounds = np.clip(self.ends - first_row, 0, rows)
        for day, (start, stop) in enumerate(zip([0, *bounds[:-1]], bounds, strict=True)):
            part, moved = ranks[:, start:stop].copy(), self.moved[day]
            if moved is not None and stop > start:
                move_ranks(moved, starts, part)
            parts.append(part)
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Drift:
    """`share` of the values that change places each day, in a log of `rows`."""

    share: float
    rows: int

    def days(
        self,
        starts: NDArray[np.int64],
        sizes: NDArray[np.int64],
        has_missing: NDArray[np.bool_],
        random_of: Callable[[int], np.random.RandomState],
    ) -> DriftedDays:
        """The days of a log whose tables begin at `starts` and have `sizes` rows."""
        from ttrec_cli.data.shuffle_loops import shuffle

        days = day_sizes(self.rows)
        moved = [np.arange(int(sizes.sum()), dtype=np.int32)]
        moved += [np.empty_like(moved[0]) for _ in days[1:]]
        for column, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            random = random_of(column)
            own = slice(start + has_missing[column], start + size)
            for before, now in itertools.pairwise(moved):
                now[start : start + size] = before[start : start + size]
                picked = np.flatnonzero(random.random_sample(own.stop - own.start) < self.share)
                values = now[own][picked]
                shuffle(values, np.random.RandomState(np.random.PCG64(random.randint(2**63, dtype=np.int64))))
                now[own][picked] = values
        return DriftedDays(np.cumsum(days), (None, *moved[1:]))
