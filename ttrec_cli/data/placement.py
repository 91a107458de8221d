"""Where every row of a log goes: its day, its split, and the bucket of the training rows' shuffle.

The shuffle is Rao's: each training row is thrown into a bucket at random, and each bucket, small enough for
memory, is shuffled in itself. Every order of the rows is equally likely, and the disk is read and written
in long runs. All of it depends on the seed and the row's number alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices, Order, SplitBy
from ttrec_cli.data.chunks import Chunk, ChunkRows, read_rows
from ttrec_cli.data.days import day_sizes
from ttrec_cli.data.random_streams import Stream, choice, random_state, uniform
from ttrec_cli.data.raw_log import RawLog
from ttrec_cli.data.work_folder import WorkFolder

BUCKET_ROWS = 1 << 19
BUCKET_IDS = 1 << 25
"""Buckets of rows with many slots have fewer rows: they must fit into memory."""

TRAIN, TEST, VALIDATION = 0, 1, 2


@dataclass(frozen=True)
class Placement:
    """The plan for the chunks of a log.

    `bag_widths` are those of `ClickLog`.
    Buckets 0 … `buckets` − 1 are training rows, then come test and validation; they lie on disk in this order.
    """

    log: RawLog
    choices: Choices
    chunks: Sequence[Chunk]
    work: WorkFolder
    bag_widths: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Rows of the dataset."""
        return sum(chunk.rows for chunk in self.chunks)

    @cached_property
    def split_rows(self) -> tuple[int, int, int]:
        """Rows of train, test and validation."""
        counts = np.zeros(3, dtype=np.int64)
        for codes, _ in self._splits():
            counts += np.bincount(codes, minlength=3)
        train, test, validation = (int(count) for count in counts)
        return train, test, validation

    @cached_property
    def buckets(self) -> int:
        """Buckets of training rows."""
        if self.choices.order is not Order.SHUFFLED:
            return 1
        rows = min(BUCKET_ROWS, max(1, BUCKET_IDS // sum(self.slots)))
        return max(1, -(-self.split_rows[TRAIN] // rows))

    @property
    def slots(self) -> tuple[int, ...]:
        """Numbers of each column in a row of ids."""
        return tuple(max(1, width) for width in self.bag_widths)

    @cached_property
    def bucket_starts(self) -> NDArray[np.int64]:
        """First row of each bucket on disk, and the end of the last."""
        counts = np.zeros(self.buckets + 2, dtype=np.int64)
        for buckets, _ in self.of_chunks():
            counts += np.bincount(buckets, minlength=self.buckets + 2)
        return np.concatenate([[0], np.cumsum(counts)])

    def of_chunks(self) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint8]]]:
        """Bucket and day of every row, chunk by chunk."""
        row = 0
        for codes, days in self._splits():
            buckets = (codes.astype(np.int64) + self.buckets - 1).astype(np.uint16)
            train = codes == TRAIN
            if self.buckets == 1:
                buckets[train] = 0
            else:
                drawn = choice(self.choices.seed, Stream.BUCKET, row, row + len(codes), self.buckets)
                buckets[train] = drawn[train]
            row += len(codes)
            yield buckets, days

    def _splits(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        """Split and day of every row, chunk by chunk."""
        last_day_seen = 0
        for chunk in self.chunks:
            rows = read_rows(self.work, chunk, len(self.log.dense_columns), self.choices, facts_only=True)
            days = self._days(chunk, rows.origin)
            yield self._split(rows, days, last_day_seen), days
            last_day_seen += int((days == self.log.days - 1).sum())

    def _days(self, chunk: Chunk, origin: NDArray[np.int64]) -> NDArray[np.uint8]:
        if self.log.files_are_days:
            return np.full(len(origin), chunk.file, dtype=np.uint8)
        return np.searchsorted(self._day_ends, origin, side="right").astype(np.uint8)

    @cached_property
    def _day_ends(self) -> NDArray[np.int64]:
        return np.cumsum(day_sizes(sum(chunk.seen for chunk in self.chunks)))

    def _split(self, rows: ChunkRows, days: NDArray[np.uint8], last_day_seen: int) -> NDArray[np.uint8]:
        if rows.split is not None:
            return rows.split
        if self.choices.split is SplitBy.RANDOM:
            held_out = self.choices.held_out
            first, last = (int(rows.origin[0]), int(rows.origin[-1])) if len(rows.origin) else (0, -1)
            drawn = uniform(self.choices.seed, Stream.SPLIT, first, last + 1)[rows.origin - first]
            return np.where(drawn < held_out, TEST, np.where(drawn < 2 * held_out, VALIDATION, TRAIN)).astype(np.uint8)
        is_last = days == self.log.days - 1
        place = last_day_seen + np.cumsum(is_last) - 1
        last_day = np.where(place < self._last_day_half, TEST, VALIDATION)
        return np.where(is_last, last_day, TRAIN).astype(np.uint8)

    @cached_property
    def _last_day_half(self) -> int:
        """Rows of the larger half of the last day."""
        rows = 0
        for chunk in self.chunks:
            origin = read_rows(self.work, chunk, len(self.log.dense_columns), self.choices, facts_only=True).origin
            rows += int((self._days(chunk, origin) == self.log.days - 1).sum())
        return (rows + 1) // 2


def order_within(choices: Choices, bucket: int, rows: int) -> NDArray[np.int64]:
    """The order of the rows of a shuffled bucket."""
    return random_state(choices.seed, Stream.WITHIN_BUCKET, bucket).permutation(rows)
