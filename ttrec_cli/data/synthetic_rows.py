"""Rows of a synthetic click log, in fixed blocks, each from its own random stream.

A block depends on the specification and its own number alone: not on threads, not on the blocks before it,
not on how many rows there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.planted import click_probability, plant
from ttrec_cli.data.skew import column_skew
from ttrec_cli.data.synthetic_columns import COUNT_SHAPES, CategoryShape, CountShape

BLOCK_ROWS = 1 << 14
SAMPLE_BLOCKS = 4
"""Blocks of rows, of a stream of their own, on which the click model is set."""


class Stream(IntEnum):
    """What random numbers are drawn for; each purpose has streams of its own."""

    ROWS = 0
    SAMPLE = 1
    EFFECTS = 2
    IDS = 3


@dataclass(frozen=True)
class RowBlock:
    """Rows before they are written.

    Attributes:
        ranks: (26, n) popularity rank of each value, 0 where missing.
        dense: (13, n) features as stored.
        logit: (n,) of the planted model; label: (n,) drawn from it.
    """

    ranks: NDArray[np.int64]
    dense: NDArray[np.float32]
    logit: NDArray[np.float64]
    label: NDArray[np.uint8]


class RowSource:
    """All that is needed to make any block of rows of tables with these `rows` and `shapes`."""

    def __init__(self, rows: Sequence[int], shapes: Sequence[CategoryShape], seed: int) -> None:
        self._seed = seed
        self._first_rank = tuple(0 if shape.missing else 1 for shape in shapes)
        self._skews = tuple(
            column_skew(size - (first == 0), shape)
            for size, shape, first in zip(rows, shapes, self._first_rank, strict=True)
        )
        sample = [self._features(Stream.SAMPLE, block) for block in range(SAMPLE_BLOCKS)]
        keys = self._random(Stream.EFFECTS, 0).randint(2**64, size=len(rows), dtype=np.uint64)
        self.model = plant(
            rows, keys, np.hstack([ranks for ranks, _, _ in sample]), np.hstack([x for _, x, _ in sample])
        )
        self._ids = tuple(self._shuffled_ids(column, size) for column, size in enumerate(rows))
        self.missing_ids = tuple(
            int(ids[0]) if first == 0 else None for ids, first in zip(self._ids, self._first_rank, strict=True)
        )

    def block(self, number: int, rows: int = BLOCK_ROWS) -> RowBlock:
        """The first `rows` rows of block `number`."""
        ranks, dense, chance = self._features(Stream.ROWS, number)
        ranks, dense, chance = ranks[:, :rows], dense[:, :rows], chance[:rows]
        logit = self.model.logits(ranks, dense)
        return RowBlock(ranks, dense, logit, (chance < click_probability(logit)).astype(np.uint8))

    def ids(self, ranks: NDArray[np.int64]) -> NDArray[np.int32]:
        """(n, 26) ids of (26, n) ranks: popular values lie scattered over their table."""
        columns = zip(self._ids, self._first_rank, ranks, strict=True)
        return np.stack([ids[values - first] for ids, first, values in columns], axis=1)

    def raw_counts(self, number: int, rows: int = BLOCK_ROWS) -> NDArray[np.float64]:
        """(13, n) counts behind the dense features of `block`; NaN where missing."""
        uniform = self._uniform(Stream.ROWS, number)[len(self._skews) : -1, :rows]
        return np.stack([raw_count(shape, values) for shape, values in zip(COUNT_SHAPES, uniform, strict=True)])

    def _uniform(self, stream: Stream, number: int) -> NDArray[np.float64]:
        return self._random(stream, number).random_sample((len(self._skews) + len(COUNT_SHAPES) + 1, BLOCK_ROWS))

    def _features(
        self, stream: Stream, number: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
        """Ranks, dense features and one more uniform number for each row of a whole block."""
        columns = len(self._skews)
        uniform = self._uniform(stream, number)
        ranks = np.stack([skew.ranks(values) for skew, values in zip(self._skews, uniform[:columns], strict=True)])
        counts = zip(COUNT_SHAPES, uniform[columns:-1], strict=True)
        dense = np.stack([count_feature(shape, values) for shape, values in counts])
        return ranks, dense, uniform[-1]

    def _shuffled_ids(self, column: int, size: int) -> NDArray[np.int32]:
        ids = np.arange(size, dtype=np.int32)
        self._random(Stream.IDS, column).shuffle(ids)
        return ids

    def _random(self, stream: Stream, number: int) -> np.random.RandomState:
        # Of NumPy's two generators the one whose numbers are promised never to change.
        return np.random.RandomState(np.random.PCG64(np.random.SeedSequence(self._seed, spawn_key=(stream, number))))


def raw_count(shape: CountShape, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """A log-logistic count, NaN where missing, from uniform numbers in [0, 1)."""
    share = np.maximum(uniform - shape.missing, 0.0) / (1.0 - shape.missing)
    count = np.floor(shape.median * (share / (1.0 - share)) ** shape.spread) + shape.shift
    count[uniform < shape.missing] = np.nan
    return np.asarray(count)


def count_feature(shape: CountShape, uniform: NDArray[np.float64]) -> NDArray[np.float32]:
    """log(max(x, 0) + 1) of a log-logistic count x, 0 where missing, from uniform numbers in [0, 1)."""
    return np.asarray(np.log1p(np.fmax(raw_count(shape, uniform), 0.0)), dtype=np.float32)
