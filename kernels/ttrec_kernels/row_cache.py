"""A cache of the most frequent rows of tensor trains, uncompressed: the paper's answer to lost time.

Rows are counted during a warm-up. At its end the most frequent ones are decompressed from the cores into rows of
their own. From then on a lookup goes to the cached row or to the cores, and so does its gradient: the two are learned
separately. At a refresh a row that stays keeps what it learned, optimiser state included; one that leaves is
forgotten; one that enters starts from the cores.

Source: TT-Rec (MLSys 2021), §4.2. Unlike there, W' = W − η ∂L/∂W (see the errata), and a refresh keeps learned rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_kernels.errors import PlanError
from ttrec_kernels.row_counts import HostModule, RowCounts, count_bytes, power_of_two
from ttrec_kernels.table_plan import TablePlan

ENTRY_BYTES = 12
"""Of the probe index: a 64-bit row and a 32-bit slot."""

Decompress = Callable[[int, Tensor], Tensor]
"""`decompress(column, rows)`: values (n, dim) of rows (n) of the table in this column, from its cores."""


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
        if plan.shape is not None:
            rows = settings.cached_rows(plan.rows)
            segments.append(CacheSegment(column, row_start, rows, start, power_of_two(2 * rows)))
            row_start, start = row_start + rows, start + segments[-1].capacity
    return tuple(segments)


def cache_bytes(plans: Sequence[TablePlan], settings: RowCacheSettings, item_bytes: int = 4) -> tuple[int, int, int]:
    """Bytes of cached rows, of their probe index, and of the counts, which training alone needs."""
    segments = cache_segments(plans, settings)
    rows = sum(segment.rows * plans[segment.column].dim for segment in segments) * item_bytes
    index = sum(segment.capacity for segment in segments) * ENTRY_BYTES
    counts = sum(count_bytes(plans[segment.column].rows, segment.rows) for segment in segments)
    return rows, index, counts


class _Clock(HostModule):
    """`ticks`: whether the cache is filled, steps since then. `hits`: hits and lookups of each segment since they were
    last taken. Part of checkpoints."""

    ticks: Tensor
    hits: Tensor

    def __init__(self, segments: int) -> None:
        super().__init__()
        self.register_buffer("ticks", torch.zeros(2, dtype=torch.int64))
        self.register_buffer("hits", torch.zeros(segments, 2, dtype=torch.int64))


class RowCache(nn.Module):
    """Cached rows of all tensor trains of a model, their probe index and their counts.

    `weight` (rows of all segments, dim) is a Parameter. `cached_rows` holds the row behind each of its rows, rising
    within a segment; −1 where a segment has room left, because fewer rows were ever looked up. `keys` and `slots`
    are the probe index that lookups read. All keep their memory when the cache is filled anew, so a captured CUDA
    graph sees the new rows. Counting and choosing happen on the CPU. `state_dict` holds all that training needs to
    go on with the same bits.
    """

    cached_rows: Tensor
    keys: Tensor
    slots: Tensor

    def __init__(
        self,
        plans: Sequence[TablePlan],
        settings: RowCacheSettings,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.segments = cache_segments(plans, settings)
        if not self.segments:
            raise PlanError("a row cache needs a tensor train among the tables, but all are dense; leave it out")
        rows = sum(segment.rows for segment in self.segments)
        entries = sum(segment.capacity for segment in self.segments)
        self.weight = nn.Parameter(torch.zeros(rows, plans[0].dim, device=device, dtype=dtype))
        self.row_counts = nn.ModuleList(RowCounts(plans[s.column].rows, s.rows) for s in self.segments)
        self.clock = _Clock(len(self.segments))
        self._host_keys = np.full(entries, -1, dtype=np.int64)
        self.register_buffer("cached_rows", torch.full((rows,), -1, dtype=torch.int64, device=device))
        for name, kind in (("keys", torch.int64), ("slots", torch.int32)):
            self.register_buffer(name, torch.full((entries,), -1, dtype=kind, device=device), persistent=False)
        self.register_load_state_dict_post_hook(_index_again)  # type: ignore[no-untyped-call]

    @property
    def filled(self) -> bool:
        """Whether the warm-up is over."""
        return bool(self.clock.ticks[0].item())

    @property
    def counting(self) -> bool:
        """Whether counts are still needed: before the cache is filled, and where it will be filled again."""
        return not self.filled or self.settings.refresh_every is not None

    def observe(self, segment: int, rows: NDArray[np.integer[Any]]) -> None:
        """Count a step's lookups of segment number `segment`, valid `rows` (nnz), and how many the cache served."""
        from ttrec_kernels.row_counts_loops import count_hits

        if self.filled:
            here = self.segments[segment]
            hits = count_hits(rows, self._host_keys[here.start : here.start + here.capacity])
            self.clock.hits[segment] += torch.tensor((hits, rows.size))
        if self.counting:
            self._counts(segment).count(rows)

    def is_due(self, samples_done: int) -> bool:
        """To be asked once after each step: whether the cache is to be filled (again) now."""
        if not self.filled:
            return samples_done >= self.settings.warmup_samples
        self.clock.ticks[1] += 1
        every = self.settings.refresh_every
        return every is not None and int(self.clock.ticks[1].item()) >= every

    @torch.no_grad()
    def refresh(self, decompress: Decompress, row_states: Sequence[Tensor] = ()) -> None:
        """Cache the most frequent rows counted so far.

        `row_states` are tensors whose first dimension runs like `weight`'s, such as an optimiser's state: they
        move with the rows that stay and are zero for the others.
        """
        for number, segment in enumerate(self.segments):
            part = slice(segment.row_start, segment.row_start + segment.rows)
            rows = self._counts(number).most_frequent(segment.rows)
            before = self.cached_rows[part].cpu().numpy()
            self._move(part, _places_before(before, rows), (self.weight, *row_states))
            entering = torch.from_numpy(np.flatnonzero(~np.isin(rows, before))).to(self.weight.device)
            if len(entering):
                wanted = torch.from_numpy(rows).to(self.weight.device)[entering]
                self.weight[part][entering] = decompress(segment.column, wanted).to(self.weight.dtype)
            padded = np.full(segment.rows, -1, dtype=np.int64)
            padded[: len(rows)] = rows
            self.cached_rows[part].copy_(torch.from_numpy(padded))
        self._build_index()
        self.clock.ticks.copy_(torch.tensor([1, 0]))

    def _move(self, part: slice, places: NDArray[np.int64], tensors: Sequence[Tensor]) -> None:
        """Row s of the part becomes what was row places[s] of it, or zeros where that is −1."""
        order = torch.from_numpy(places).to(self.weight.device)
        for tensor in tensors:
            moved = tensor[part].index_select(0, order.clamp(min=0))
            moved[order < 0] = 0
            tensor[part].copy_(moved)

    def _build_index(self) -> None:
        from ttrec_kernels.row_counts_loops import build_index

        cached = self.cached_rows.cpu().numpy()
        slots = np.full(len(self._host_keys), -1, dtype=np.int32)
        for segment in self.segments:
            rows = cached[segment.row_start : segment.row_start + segment.rows]
            entries = slice(segment.start, segment.start + segment.capacity)
            build_index(rows[rows >= 0], self._host_keys[entries], slots[entries])
        self.keys.copy_(torch.from_numpy(self._host_keys))
        self.slots.copy_(torch.from_numpy(slots))

    def take_hits(self) -> tuple[tuple[int, int], ...]:
        """Hits and lookups of each segment since the cache was filled or this was last called."""
        found = tuple((hits, lookups) for hits, lookups in self.clock.hits.tolist())
        self.clock.hits.zero_()
        return found

    def _counts(self, segment: int) -> RowCounts:
        counts = self.row_counts[segment]
        if not isinstance(counts, RowCounts):
            raise TypeError(f"segment {segment} has no RowCounts but {type(counts).__name__}")
        return counts

    def extra_repr(self) -> str:
        """Size and rhythm."""
        return f"{len(self.weight)} rows of {len(self.segments)} tables, {self.settings}"


def _places_before(before: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each place of the new cache the place where its row was, −1 if it was not there or the place stays free."""
    places = np.full(len(before), -1, dtype=np.int64)
    known = before[before >= 0]
    found = np.searchsorted(known, rows)
    stays = found < len(known)
    stays[stays] = known[found[stays]] == rows[stays]
    places[: len(rows)][stays] = found[stays]
    return places


def _index_again(module: nn.Module, incompatible_keys: object) -> None:  # noqa: ARG001
    """After loading a state: the probe index follows from the cached rows, so files cannot contradict themselves."""
    if isinstance(module, RowCache):
        module._build_index()
