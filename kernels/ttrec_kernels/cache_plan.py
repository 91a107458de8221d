"""Row caches planned: settings, where each table's cached rows lie, and what they cost; pure arithmetic, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from ttrec_kernels.errors import PlanError
from ttrec_kernels.table_plan import TableKind, TablePlan

ENTRY_BYTES = 12
"""Of the probe index: a 64-bit row and a 32-bit slot."""

COUNT_BYTES = 16
"""Of an entry of the counts: a 64-bit row and a 64-bit count."""

COUNTED_PER_CACHED = 4
"""Rows counted for each row that will be cached: enough that the rare ones cannot push out the frequent."""

LEAST_COUNTED = 4096
FULLEST = 0.75
"""Share of the count table's entries in use: beyond it, linear probing gets slow."""


@dataclass(frozen=True)
class RowCacheSettings:
    """How large a cache is and when it is filled.

    `rows_fraction`: cached rows of each tensor train over its rows, above 0 to 1. `warmup_samples`: samples counted
    before the cache is filled, at least one step's. `refresh_every`: steps between refreshes; None: filled once. The
    paper's are 0.0001 and a tenth of the training samples. Raises `PlanError`.
    """

    rows_fraction: float = 0.0001
    warmup_samples: int = 0
    refresh_every: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rows_fraction <= 1:
            raise PlanError(f"rows_fraction of a row cache must lie above 0 and up to 1, but is {self.rows_fraction}")
        if self.warmup_samples < 0:
            raise PlanError(f"warmup_samples of a row cache must be at least 0, but is {self.warmup_samples}")
        if self.refresh_every is not None and self.refresh_every < 1:
            raise PlanError(f"refresh_every of a row cache must be at least 1 step, but is {self.refresh_every}")

    def cached_rows(self, rows: int) -> int:
        """Rows cached of a table: rounded up, so at least 1 and at most all."""
        return min(rows, ceil(self.rows_fraction * rows))


@dataclass(frozen=True)
class CacheSegment:
    """Where one table's cache lies: rows row_start … + rows − 1 of the weight, entries start … + capacity − 1 of the
    probe index. `column` is the table's place among the plans."""

    column: int
    row_start: int
    rows: int
    start: int
    capacity: int


def cache_segments(plans: Sequence[TablePlan], settings: RowCacheSettings) -> tuple[CacheSegment, ...]:
    """A segment for each tensor train, in the order of the plans; the probe index is at most half full."""
    segments: list[CacheSegment] = []
    row_start = start = 0
    for column, plan in enumerate(plans):
        if plan.kind == TableKind.TT:
            rows = settings.cached_rows(plan.rows)
            segments.append(CacheSegment(column, row_start, rows, start, power_of_two(2 * rows)))
            row_start, start = row_start + rows, start + segments[-1].capacity
    return tuple(segments)


def cache_bytes(plans: Sequence[TablePlan], settings: RowCacheSettings, item_bytes: int = 4) -> tuple[int, int, int]:
    """Bytes of cached rows, of their probe index, and of the counts, which training alone needs."""
    segments = cache_segments(plans, settings)
    rows = sum(segment.rows * plans[segment.column].dim for segment in segments) * item_bytes
    index = sum(segment.capacity for segment in segments) * ENTRY_BYTES
    counts = sum(count_capacity(plans[segment.column].rows, segment.rows) for segment in segments) * COUNT_BYTES
    return rows, index, counts


def count_capacity(rows: int, cached: int) -> int:
    """Entries of a table's counts, a power of two: for all rows of a small table, else by what will be cached."""
    wanted = min(rows, max(LEAST_COUNTED, COUNTED_PER_CACHED * cached))
    return power_of_two(int(wanted / FULLEST) + 2)


def power_of_two(least: int) -> int:
    """The smallest power of two that is at least `least`, and at least 2."""
    return max(2, 1 << (least - 1).bit_length())
