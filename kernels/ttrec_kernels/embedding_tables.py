"""EmbeddingTables: all tables of a model, dense and tensor trains, looked up with one index per table."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ttrec_kernels import ops
from ttrec_kernels.choices import Distribution, InitScale
from ttrec_kernels.errors import BagError, PlanError
from ttrec_kernels.index_check import check_columns, check_integers
from ttrec_kernels.initialize import initialize_cores, initialize_dense, table_generator
from ttrec_kernels.rivals import RIVAL_KINDS, RivalTable, make_rival
from ttrec_kernels.table_plan import TableKind, TablePlan


class EmbeddingTables(nn.Module):
    """The tables of `plans`, in their order; all have the same dim.

    Dense tables lie below each other in one Parameter and are looked up together; their gradient is sparse
    unless `sparse_gradients` is off, so that a step costs what its batch touches. Each tensor train has its own
    cores. A table's initial values depend on `seed` and its name alone, not on how other tables are stored:
    dense rows from Uniform(±1/sqrt(rows)), cores from `distribution` and `scale` (see `initialize_cores`).

    Raises `PlanError` for plans that do not go together, `BackendError` for a backend that is not there.
    """

    def __init__(
        self,
        plans: Sequence[TablePlan],
        *,
        distribution: str = Distribution.SAMPLED_GAUSSIAN,
        scale: str = InitScale.CALIBRATED,
        seed: int = 0,
        sparse_gradients: bool = True,
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
        self.rival_tables = nn.ModuleList(
            make_rival(plans[column], sparse_gradients=sparse_gradients, device=device, dtype=dtype)
            for column in self._rival_columns
        )
        """Tables of all other kinds, in the order of the plans."""
        self._add_buffers(device)
        self.reset_parameters(seed, distribution=distribution, scale=scale)

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
                initialize_dense(self.dense_weight[start : start + plan.rows], generator)
                start += plan.rows

    def forward(self, indices: Tensor) -> Tensor:
        """Rows (bags, tables, dim) at integer `indices` (bags, tables).

        Raises `IndexRangeError`, which names table, index and rows, and `BagError` for indices of another form.
        """
        check_integers(indices, "indices")
        if indices.dim() != 2 or indices.shape[1] != len(self.plans):
            raise BagError(
                f"indices must be (bags, tables) for {len(self.plans)} tables, but are {tuple(indices.shape)}"
            )
        check_columns(indices, self.get_buffer("_rows"), [plan.name for plan in self.plans])
        if len(self._dense_columns) == len(self.plans):
            return self._look_up_dense(indices)
        vectors: dict[int, Tensor] = {}
        if self._dense_columns:
            dense = self._look_up_dense(indices.index_select(1, self.get_buffer("_dense_index")))
            vectors.update(zip(self._dense_columns, dense.unbind(1), strict=True))
        for column, cores in zip(self._tt_columns, self.tt_tables, strict=True):
            vectors[column] = ops.lookup_rows(list(cores.parameters()), indices[:, column])
        for column, table in zip(self._rival_columns, self.rival_tables, strict=True):
            vectors[column] = table(indices[:, column])
        return torch.stack([vectors[column] for column in range(len(self.plans))], dim=1)

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
