"""A cache of the most frequent rows of tensor trains, uncompressed: the paper's answer to lost time.

Rows are counted during a warm-up. At its end the most frequent ones are decompressed from the cores into rows of
their own. From then on a lookup goes to the cached row or to the cores, and so does its gradient: the two are learned
separately. At a refresh a row that stays keeps what it learned, optimiser state included; one that leaves is
forgotten; one that enters starts from the cores.

Source: TT-Rec (MLSys 2021), §4.2. Unlike there, W' = W − η ∂L/∂W (see the errata), and a refresh keeps learned rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_kernels.cache_plan import RowCacheSettings, cache_segments
from ttrec_kernels.errors import PlanError
from ttrec_kernels.row_counts import HostModule, RowCounts
from ttrec_kernels.table_plan import TablePlan

HITS_EVERY = 64
"""Steps between batches whose hits are counted, where looking at one waits for a GPU."""

Decompress = Callable[[int, Tensor], Tensor]
"""`decompress(column, rows)`: values (n, dim) of rows (n) of the table in this column, from its cores."""


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

    def after_step(
        self,
        indices: Tensor | NDArray[np.integer[Any]],
        samples_done: int,
        decompress: Decompress,
        optimizers: Sequence[torch.optim.Optimizer] = (),
        states: Sequence[Tensor] = (),
    ) -> None:
        """To be called after each training step with its valid `indices` (bags, tables) and the samples done so far.

        Counts, and fills the cache when it is due. State that `optimizers` keep for the rows moves along with them,
        and so do `states`, tensors that run like the rows. Indices in a GPU's memory are copied while rows are counted;
        later only every 64th batch, for the hit rate.
        """
        if self._looks_at(indices):
            host = indices.cpu().numpy() if isinstance(indices, Tensor) else indices
            for number, segment in enumerate(self.segments):
                self.observe(number, host[:, segment.column])
        if self.is_due(samples_done):
            self.refresh(decompress, (*row_states(self.weight, optimizers), *states))

    def _looks_at(self, indices: Tensor | NDArray[np.integer[Any]]) -> bool:
        on_host = not isinstance(indices, Tensor) or indices.device.type == "cpu"
        return on_host or self.counting or int(self.clock.ticks[1].item()) % HITS_EVERY == 0

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

    def hits(self) -> tuple[tuple[int, int], ...]:
        """Hits and lookups of each segment since the cache was first filled or they were last forgotten."""
        return tuple((hits, lookups) for hits, lookups in self.clock.hits.tolist())

    def forget_hits(self) -> None:
        """Count hits from nothing again."""
        self.clock.hits.zero_()

    def _counts(self, segment: int) -> RowCounts:
        counts = self.row_counts[segment]
        if not isinstance(counts, RowCounts):
            raise TypeError(f"segment {segment} has no RowCounts but {type(counts).__name__}")
        return counts

    def extra_repr(self) -> str:
        """Size and rhythm."""
        return f"{len(self.weight)} rows of {len(self.segments)} tables, {self.settings}"


def row_states(weight: nn.Parameter, optimizers: Sequence[torch.optim.Optimizer]) -> list[Tensor]:
    """What optimisers keep for each row of `weight`, such as Adagrad's sums."""
    states = [optimizer.state[weight] for optimizer in optimizers if weight in optimizer.state]
    values = [value for state in states for value in state.values()]
    return [value for value in values if isinstance(value, Tensor) and value.shape[:1] == weight.shape[:1]]


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
