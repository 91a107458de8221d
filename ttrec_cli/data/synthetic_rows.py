"""Rows of a synthetic click log, in fixed blocks, each from its own random stream.

A block depends on the specification and its own number alone: not on threads, not on the blocks before it,
and without drift not on how many rows there are.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.drift import Drift
from ttrec_cli.data.planted import click_probability, plant
from ttrec_cli.data.synthetic_columns import COUNT_SHAPES
from ttrec_cli.data.synthetic_law import LogLaw, raw_count

BLOCK_ROWS = 1 << 14
SAMPLE_BLOCKS = 4
"""Blocks of rows, of a stream of their own, on which the click model is set."""


class Stream(IntEnum):
    """What random numbers are drawn for; each purpose has streams of its own."""

    ROWS = 0
    SAMPLE = 1
    EFFECTS = 2
    IDS = 3
    ROW_BAGS = 4
    SAMPLE_BAGS = 5
    DRIFT = 6


@dataclass(frozen=True)
class RowBlock:
    """Rows before they are written.

    Attributes:
        ranks: (slots, n) value of each place as its rank of popularity on the first day, 0 where missing, −1
            behind the end of a bag. A column has one slot, or as many as its longest bag has values.
        dense: (features, n) as stored.
        logit: (n,) of the planted model; label: (n,) drawn from it.
    """

    ranks: NDArray[np.int64]
    dense: NDArray[np.float32]
    logit: NDArray[np.float64]
    label: NDArray[np.uint8]


class RowSource:
    """Makes any block of the rows of a log with this law; clicks depend on the first value of a bag alone."""

    def __init__(self, law: LogLaw, seed: int, drift: Drift | None = None) -> None:
        self._law = law
        self._seed = seed
        sizes = np.array([column.rows for column in law.columns])
        first_ranks = np.array([0 if column.has_missing else 1 for column in law.columns])
        starts = np.cumsum(sizes) - sizes
        widths = [column.width for column in law.columns]
        self._starts = np.repeat(starts - first_ranks, widths)
        """Of each slot: where the value of rank 0 is, or would be, in `_tables`."""
        self._first_slots = np.cumsum(widths) - widths
        sample = [self._features(Stream.SAMPLE, block) for block in range(SAMPLE_BLOCKS)]
        keys = self._random(Stream.EFFECTS, 0).randint(2**64, size=len(sizes), dtype=np.uint64)
        ranks = np.hstack([ranks for ranks, _, _ in sample])
        dense = np.hstack([dense for _, dense, _ in sample])
        self.model = plant(sizes.tolist(), keys, self.first_values(ranks), dense, click_rate=law.click_rate)
        self._tables = self._shuffled_ids(starts, sizes)
        self.missing_ids = tuple(
            int(self._tables[start]) if column.has_missing else None
            for start, column in zip(starts, law.columns, strict=True)
        )
        self._days = None if drift is None else drift.days(starts, sizes, first_ranks == 0, self._drift_random)

    def block(self, number: int, rows: int = BLOCK_ROWS) -> RowBlock:
        """The first `rows` rows of block `number`."""
        ranks, dense, chance = self._features(Stream.ROWS, number)
        ranks, dense, chance = ranks[:, :rows], dense[:, :rows], chance[:rows]
        if self._days is not None:
            ranks = self._days.move(ranks, self._starts, number * BLOCK_ROWS)
        logit = self.model.logits(self.first_values(ranks), dense)
        return RowBlock(ranks, dense, logit, (chance < click_probability(logit)).astype(np.uint8))

    def ids(self, ranks: NDArray[np.int64]) -> NDArray[np.int32]:
        """(n, slots) ids of (slots, n) ranks: popular values lie scattered over their table."""
        from ttrec_cli.data.synthetic_loops import take_ids

        return take_ids(self._tables, self._starts, ranks)

    def first_values(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """(columns, n) ranks of the first value of each bag, 0 for an empty one, from ranks (slots, n)."""
        if len(ranks) == len(self._law.columns):
            return ranks
        return np.asarray(np.maximum(ranks[self._first_slots], 0))

    def raw_counts(self, number: int, rows: int = BLOCK_ROWS) -> NDArray[np.float64]:
        """(13, n) counts behind the dense features of `block`, where they are Criteo's; NaN where missing."""
        uniform = self._uniform(Stream.ROWS, number)[len(self._law.columns) : -1, :rows]
        return np.stack([raw_count(shape, values) for shape, values in zip(COUNT_SHAPES, uniform, strict=True)])

    def _uniform(self, stream: Stream, number: int) -> NDArray[np.float64]:
        count = len(self._law.columns) + len(self._law.features) + 1
        return self._random(stream, number).random_sample((count, BLOCK_ROWS))

    def _features(
        self, stream: Stream, number: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
        """Ranks, dense features and one more uniform number for each row of a whole block."""
        columns = len(self._law.columns)
        uniform = self._uniform(stream, number)
        ranks = np.empty((len(self._starts), BLOCK_ROWS), dtype=np.int64)
        for law, slot, values in zip(self._law.columns, self._first_slots, uniform[:columns], strict=True):
            ranks[slot] = law.skew.ranks(values)
        if len(ranks) > columns:
            bags = Stream.ROW_BAGS if stream is Stream.ROWS else Stream.SAMPLE_BAGS
            self._fill_bags(ranks, self._random(bags, number))
        dense = np.empty((len(self._law.features), BLOCK_ROWS), dtype=np.float32)
        for place, (feature, values) in enumerate(zip(self._law.features, uniform[columns:-1], strict=True)):
            dense[place] = feature.values(values)
        return ranks, dense, uniform[-1]

    def _fill_bags(self, ranks: NDArray[np.int64], random: np.random.RandomState) -> None:
        """The values of bags behind the first, drawn from their column's law each, and where bags end."""
        from ttrec_cli.data.synthetic_loops import pad_bags

        for law, slot in zip(self._law.columns, self._first_slots, strict=True):
            if law.lengths is None:
                continue
            for place in range(slot + 1, slot + law.width):
                ranks[place] = law.skew.ranks(random.random_sample(BLOCK_ROWS))
            if law.lengths[-1] > 0:
                lengths = np.searchsorted(law.lengths, random.random_sample(BLOCK_ROWS), side="right")
                pad_bags(lengths, ranks[slot : slot + law.width])

    def _shuffled_ids(self, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int32]:
        """Ids of all columns behind one another, each in a random order of its own."""
        from ttrec_cli.data.shuffle_loops import shuffle

        tables = np.empty(int(sizes.sum()), dtype=np.int32)

        def fill(column: int) -> None:
            ids = tables[starts[column] : starts[column] + sizes[column]]
            ids[:] = np.arange(len(ids), dtype=np.int32)
            shuffle(ids, self._random(Stream.IDS, column))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, np.argsort(-sizes)))
        return tables

    def _drift_random(self, column: int) -> np.random.RandomState:
        return self._random(Stream.DRIFT, column)

    def _random(self, stream: Stream, number: int) -> np.random.RandomState:
        # Of NumPy's two generators the one whose numbers are promised never to change.
        return np.random.RandomState(np.random.PCG64(np.random.SeedSequence(self._seed, spawn_key=(stream, number))))
