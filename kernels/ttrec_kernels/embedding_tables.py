"""EmbeddingTables: all tables of a model, dense and tensor trains, looked up together."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_kernels import ops
from ttrec_kernels.bags import check_offsets
from ttrec_kernels.cache_plan import RowCacheSettings
from ttrec_kernels.choices import DenseDistribution, Distribution, InitScale
from ttrec_kernels.errors import BagError, PlanError, UnsupportedError
from ttrec_kernels.fused_optimizer import FusedOptimizer
from ttrec_kernels.fused_states import FusedStates, WithFusedOptimizer
from ttrec_kernels.index_check import check_columns, check_indices, check_integers
from ttrec_kernels.initialize import initialize_cores, initialize_dense, table_generator
from ttrec_kernels.lookup_tables import lookup_tables_of
from ttrec_kernels.reference.row_cache import find_slots, lookup_cached_rows
from ttrec_kernels.rivals import RIVAL_KINDS, RivalTable, make_rival
from ttrec_kernels.row_cache import RowCache
from ttrec_kernels.table_plan import TableKind, TablePlan


class EmbeddingTables(WithFusedOptimizer, nn.Module):
    """The tables of `plans`, in their order; all have the same dim.

    Dense tables lie below each other in one Parameter and are looked up together; their gradient is sparse
    unless `sparse_gradients` is off, so that a step costs what its batch touches. Each tensor train has its own
    cores. A table's initial values depend on `seed` and its name alone, not on how other tables are stored:
    dense rows from `dense_distribution`, by default Uniform(±1/sqrt(rows)), cores from `distribution` and `scale` (see
    `initialize_cores`). With `cache` each tensor train gets a cache of its most frequent rows; then call `after_step`
    after each training step.

    Raises `PlanError` for plans that do not go together, `BackendError` for a backend that is not there.
    """

    def __init__(  # noqa: PLR0913 - storage, initial values, cache and what torch's modules take
        self,
        plans: Sequence[TablePlan],
        *,
        distribution: str = Distribution.SAMPLED_GAUSSIAN,
        scale: str = InitScale.CALIBRATED,
        dense_distribution: str = DenseDistribution.UNIFORM,
        seed: int = 0,
        cache: RowCacheSettings | None = None,
        sparse_gradients: bool = True,
        fused_optimizer: FusedOptimizer | None = None,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        _check_plans(plans)
        self.plans = tuple(plans)
        self.dim = plans[0].dim
        self.sparse_gradients = sparse_gradients
        self.backend = ops.choose_backend(backend)
        self._dense_columns = [column for column, plan in enumerate(plans) if plan.kind == TableKind.DENSE]
        self._tt_columns = [column for column, plan in enumerate(plans) if plan.kind == TableKind.TT]
        self._rival_columns = [column for column, plan in enumerate(plans) if plan.kind in RIVAL_KINDS]
        dense_rows = sum(plans[column].rows for column in self._dense_columns)
        self.dense_weight = (
            nn.Parameter(torch.empty(dense_rows, self.dim, device=device, dtype=dtype)) if dense_rows else None
        )
        """(rows of all dense tables, dim), in the order of the plans; None if there are no dense tables."""
        self.tt_tables = nn.ModuleList(
            nn.ParameterList(torch.empty(size, device=device, dtype=dtype) for size in plan.shape.core_shapes)
            for plan in plans
            if plan.kind == TableKind.TT and plan.shape is not None
        )
        """Cores (p_k, r_{k-1}, q_k, r_k) of each tensor train, in the order of the plans."""
        self.row_cache = None if cache is None else RowCache(plans, cache, device=device, dtype=dtype)
        """Cached rows of the tensor trains, or None."""
        self.rival_tables = nn.ModuleList(
            make_rival(plans[column], sparse_gradients=sparse_gradients, device=device, dtype=dtype)
            for column in self._rival_columns
        )
        """Tables of all other kinds, in the order of the plans."""
        self._add_buffers(device)
        segments = () if self.row_cache is None else self.row_cache.segments
        self._lookup = lookup_tables_of(self.plans, segments)
        self.fused = None if fused_optimizer is None else FusedStates(fused_optimizer, self._weights())
        """What the fused optimiser keeps, or None."""
        self.reset_parameters(seed, distribution=distribution, scale=scale, dense_distribution=dense_distribution)

    def _add_buffers(self, device: torch.device | str | None) -> None:
        """What a lookup needs beside the indices; follows the module to its device, not part of its state."""
        rows = torch.tensor([plan.rows for plan in self.plans])
        dense_columns = torch.tensor(self._dense_columns, dtype=torch.int64)
        dense_rows = rows[dense_columns]
        for name, values in (
            ("_rows", rows),
            ("_dense_index", dense_columns),
            ("_dense_start", dense_rows.cumsum(0) - dense_rows),
        ):
            self.register_buffer(name, values.to(device), persistent=False)

    def reset_parameters(
        self,
        seed: int,
        *,
        distribution: str = Distribution.SAMPLED_GAUSSIAN,
        scale: str = InitScale.CALIBRATED,
        dense_distribution: str = DenseDistribution.UNIFORM,
    ) -> None:
        """Draw all tables anew."""
        start = 0
        for plan in self.plans:
            generator = table_generator(seed, plan.name)
            if plan.kind == TableKind.TT:
                cores = self.tt_cores[plan.name]
                initialize_cores(cores, plan.rows, distribution=distribution, scale=scale, generator=generator)
            elif plan.kind in RIVAL_KINDS:
                self.rivals[plan.name].reset_parameters(generator, distribution=distribution, scale=scale)
            elif self.dense_weight is not None:
                initialize_dense(self.dense_weight[start : start + plan.rows], generator, dense_distribution)
                start += plan.rows

    def forward(self, indices: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Vectors (bags, tables, dim) at integer `indices`: (bags, tables), one row each.

        With `offsets` (tables · bags + 1) bags are sums: `indices` (nnz) run table by table, and bag b of table t
        holds those from offsets[t · bags + b] on, as in torchrec's KeyedJaggedTensor.
        Raises `IndexRangeError`, which names table, index and rows, and `BagError` for indices of another form.
        """
        bags = self._check(indices, offsets)
        weights = self._weights()
        if ops.is_compiled(self.backend, weights[0] if weights else next(self.parameters())):
            return self._look_up_compiled(weights, indices, offsets, bags)
        if self.fused is not None:
            raise UnsupportedError("a fused optimiser needs compiled kernels: float32 weights and backend='auto'")
        if offsets is not None:
            return self._look_up_bags(indices, offsets, bags)
        check_columns(indices, self.get_buffer("_rows"), [plan.name for plan in self.plans])
        if len(self._dense_columns) == len(self.plans):
            return self._look_up_dense(indices)
        vectors: dict[int, Tensor] = {}
        if self._dense_columns:
            dense = self._look_up_dense(indices.index_select(1, self.get_buffer("_dense_index")))
            vectors.update(zip(self._dense_columns, dense.unbind(1), strict=True))
        for number, (column, cores) in enumerate(zip(self._tt_columns, self.tt_tables, strict=True)):
            vectors[column] = self._look_up_tt(number, list(cores.parameters()), indices[:, column])
        for column, table in zip(self._rival_columns, self.rival_tables, strict=True):
            vectors[column] = table(indices[:, column])
        return torch.stack([vectors[column] for column in range(len(self.plans))], dim=1)

    def _check(self, indices: Tensor, offsets: Tensor | None) -> int:
        """Number of bags. Raises `BagError` for indices or offsets of another form."""
        check_integers(indices, "indices")
        tables = len(self.plans)
        if offsets is None:
            if indices.dim() != 2 or indices.shape[1] != tables:
                raise BagError(f"indices must be (bags, tables) for {tables} tables, but are {tuple(indices.shape)}")
            return indices.shape[0]
        return check_offsets(indices, offsets, tables)

    def _look_up_compiled(self, weights: list[Tensor], indices: Tensor, offsets: Tensor | None, bags: int) -> Tensor:
        """One op for dense tables and tensor trains, and a module each for tables of other kinds."""
        if not self._rival_columns:
            return self._call_op(weights, indices, offsets, bags)
        if offsets is not None:
            raise UnsupportedError("bags of many rows are for dense and TT tables; other kinds take one row each")
        check_columns(indices, self.get_buffer("_rows"), [plan.name for plan in self.plans])
        vectors = {
            column: table(indices[:, column])
            for column, table in zip(self._rival_columns, self.rival_tables, strict=True)
        }
        if self._lookup is not None:
            others = sorted(self._dense_columns + self._tt_columns)
            found = self._call_op(weights, indices[:, others], None, bags)
            vectors.update(zip(others, found.unbind(1), strict=True))
        return torch.stack([vectors[column] for column in range(len(self.plans))], dim=1)

    def _call_op(self, weights: list[Tensor], indices: Tensor, offsets: Tensor | None, bags: int) -> Tensor:
        if self._lookup is None:
            raise PlanError("there is no dense table or tensor train to look up")
        cache = self.row_cache
        batch = ops.LookupBatch(
            self._lookup.layout,
            indices,
            offsets,
            None,
            None if cache is None else cache.keys,
            None if cache is None else cache.slots,
            bags,
            self.dim,
            False,
        )
        needs_backward = torch.is_grad_enabled()
        kept = self._lookup.kept_bytes(bags, indices.numel(), offsets is None) if needs_backward else 0
        sparse = [self.sparse_gradients and weight.dim() == 2 for weight in weights]
        fused = None if self.fused is None else self.fused.as_op_takes()
        return ops.lookup(weights, batch, self._lookup.names, sparse, kept, fused)

    def _weights(self) -> list[Tensor]:
        """Weight slots as `_lookup_tables` numbers them: dense rows, all cores, cached rows."""
        dense = [] if self.dense_weight is None else [self.dense_weight]
        tables = [table._parameters for table in self.tt_tables._modules.values() if table is not None]
        cores = [core for table in tables for core in table.values() if core is not None]
        cached = [] if self.row_cache is None else [self.row_cache.weight]
        return [*dense, *cores, *cached]

    def _look_up_bags(self, indices: Tensor, offsets: Tensor, bags: int) -> Tensor:
        """Sums of bags by the reference, table by table."""
        if self._rival_columns:
            raise UnsupportedError("the reference backend sums bags of dense and TT tables only")
        vectors = []
        starts = dict(zip(self._dense_columns, self.get_buffer("_dense_start").tolist(), strict=True))
        for column, plan in enumerate(self.plans):
            ends = offsets[column * bags : (column + 1) * bags + 1].long()
            rows = indices[int(ends[0]) : int(ends[-1])]
            check_indices(rows, plan.rows, plan.name)
            if column in starts:
                weight = self.get_parameter("dense_weight")[starts[column] : starts[column] + plan.rows]
                vectors.append(
                    F.embedding_bag(rows.long(), weight, ends - ends[0], mode="sum", include_last_offset=True)
                )
            else:
                number = self._tt_columns.index(column)
                vectors.append(
                    ops.lookup_bags(
                        self.tt_cores[plan.name],
                        rows,
                        ends - ends[0],
                        row_lookup=partial(self._look_up_tt, number),
                    )
                )
        return torch.stack(vectors, dim=1)

    def _look_up_tt(self, number: int, cores: Sequence[Tensor], indices: Tensor) -> Tensor:
        """Rows (bags, dim) of tensor train number `number` at `indices` (bags), through the cache once it is filled."""
        cache = self.row_cache
        if cache is None or not cache.filled:
            return ops.lookup_rows(cores, indices)
        place = cache.segments[number]
        entries = slice(place.start, place.start + place.capacity)
        slots = find_slots(cache.keys[entries], cache.slots[entries], indices)
        return lookup_cached_rows(cores, cache.weight[place.row_start : place.row_start + place.rows], slots, indices)

    def after_step(
        self,
        indices: Tensor | NDArray[np.integer[Any]],
        samples_done: int,
        optimizers: Sequence[torch.optim.Optimizer] = (),
    ) -> None:
        """To be called after each training step, with its `indices` (bags, tables): the row cache counts them and fills
        itself when it is due. What `optimizers` keep for cached rows moves along with them."""
        if self.row_cache is not None:
            kept = [] if self.fused is None else self.fused.states_of(self._weights(), self.row_cache.weight)
            self.row_cache.after_step(indices, samples_done, self._decompress, optimizers, kept)

    def _decompress(self, column: int, rows: Tensor) -> Tensor:
        return ops.lookup_rows(self.tt_cores[self.plans[column].name], rows)

    def _look_up_dense(self, indices: Tensor) -> Tensor:
        """Rows (bags, dense tables, dim) at `indices` (bags, dense tables), one lookup for all tables."""
        rows = indices + self.get_buffer("_dense_start")
        return F.embedding(rows, self.get_parameter("dense_weight"), sparse=self.sparse_gradients)

    @property
    def tt_cores(self) -> Mapping[str, list[nn.Parameter]]:
        """Cores of each tensor train by the table's name."""
        names = [self.plans[column].name for column in self._tt_columns]
        return {name: list(cores.parameters()) for name, cores in zip(names, self.tt_tables, strict=True)}

    @property
    def rivals(self) -> Mapping[str, RivalTable]:
        """Tables that are neither dense nor tensor trains by name."""
        tables = [table for table in self.rival_tables if isinstance(table, RivalTable)]
        return {table.plan.name: table for table in tables}

    def rival_parameters(self) -> list[nn.Parameter]:
        """The numbers of all tables that are neither dense nor tensor trains."""
        return list(self.rival_tables.parameters())

    def tt_parameters(self) -> list[nn.Parameter]:
        """The cores of all tensor trains; frozen ones included."""
        return list(self.tt_tables.parameters())

    def cache_parameters(self) -> list[nn.Parameter]:
        """The one Parameter of all cached rows, or none."""
        return [] if self.row_cache is None else [self.row_cache.weight]

    def dense_parameters(self) -> list[nn.Parameter]:
        """The one Parameter of all dense tables, or none."""
        return [] if self.dense_weight is None else [self.dense_weight]

    def table_bytes(self) -> dict[str, int]:
        """Stored bytes of each table by name, TT padding included."""
        item_bytes = next(self.parameters()).element_size()
        return {plan.name: plan.bytes(item_bytes) for plan in self.plans}

    def extra_repr(self) -> str:
        """How many tables of which kind."""
        return (
            f"{len(self._dense_columns)} dense and {len(self._tt_columns)} TT tables"
            + (f", {len(self._rival_columns)} of other kinds" if self._rival_columns else "")
            + f", dim={self.dim}"
        )


def _check_plans(plans: Sequence[TablePlan]) -> None:
    if not plans:
        raise PlanError("EmbeddingTables needs at least one table plan, but got none")
    seen: set[str] = set()
    for plan in plans:
        if plan.dim != plans[0].dim:
            raise PlanError(
                f"all tables must have the same dim, but {plans[0].name} has {plans[0].dim} "
                f"and {plan.name} has {plan.dim}"
            )
        if plan.name in seen:
            raise PlanError(f"table names must differ, but {plan.name} occurs twice")
        seen.add(plan.name)
