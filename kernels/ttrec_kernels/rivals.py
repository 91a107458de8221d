"""What tensor trains are compared with: hashed, quotient–remainder and low-rank tables, in plain PyTorch.

All have one interface: indices (n) in 0 … rows − 1 to rows (n, dim). All start with the entries' root mean square
1/sqrt(3 · rows) that dense tables and calibrated TT cores start with, so that a comparison is one of methods.
"""

from math import sqrt
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from ttrec_kernels import ops
from ttrec_kernels.choices import Distribution, InitScale
from ttrec_kernels.errors import PlanError
from ttrec_kernels.hashing import buckets_of
from ttrec_kernels.initialize import initialize_cores, initialize_dense
from ttrec_kernels.table_plan import TableKind, TablePlan


class Placement(NamedTuple):
    """Where and how the numbers of a table lie."""

    device: torch.device | str | None = None
    dtype: torch.dtype | None = None
    sparse_gradients: bool = False

    def parameter(self, *size: int) -> nn.Parameter:
        """A Parameter of this size, not yet initialised."""
        return nn.Parameter(torch.empty(*size, device=self.device, dtype=self.dtype))


class RivalTable(nn.Module):
    """A table of `plan.rows` × `plan.dim` in fewer numbers."""

    def __init__(self, plan: TablePlan) -> None:
        super().__init__()
        self.plan = plan
        self.target_rms = 1 / sqrt(3 * plan.rows)

    def reset_parameters(
        self,
        generator: torch.Generator | None = None,
        *,
        distribution: str = Distribution.SAMPLED_GAUSSIAN,  # noqa: ARG002 - of TT cores alone
        scale: str = InitScale.CALIBRATED,  # noqa: ARG002
    ) -> None:
        """Draw all numbers anew, on the CPU."""
        for weight in self.parameters():
            _uniform(weight, self.part_rms(), generator)

    def part_rms(self) -> float:
        """Root mean square of the stored numbers for which that of the table is `target_rms`."""
        return self.target_rms

    def extra_repr(self) -> str:
        """Size and kind."""
        return f"{self.plan.rows}, {self.plan.dim}, kind={self.plan.kind}, parameters={self.plan.parameters}"


class HashedTable(RivalTable):
    """Rows share buckets: one hash function (Weinberger et al. 2009)."""

    def __init__(self, plan: TablePlan, place: Placement) -> None:
        super().__init__(plan)
        self.sparse = place.sparse_gradients
        self.weight = place.parameter(plan.stored_rows, plan.dim)

    def forward(self, indices: Tensor) -> Tensor:
        """Rows (n, dim) at `indices` (n)."""
        return F.embedding(buckets_of(indices, self.plan.stored_rows), self.weight, sparse=self.sparse)


class DoubleHashedTable(HashedTable):
    """A row is the sum of two buckets, by two hash functions: few rows share both (Zhang et al. 2020)."""

    def forward(self, indices: Tensor) -> Tensor:
        """Rows (n, dim) at `indices` (n)."""
        rows = [
            F.embedding(buckets_of(indices, self.plan.stored_rows, function), self.weight, sparse=self.sparse)
            for function in (0, 1)
        ]
        return rows[0] + rows[1]

    def part_rms(self) -> float:
        """Variances of two independent rows add up."""
        return self.target_rms / sqrt(2)


class QuotientRemainderTable(RivalTable):
    """A row is the product, entry by entry, of its quotient's and its remainder's row: all differ (Shi et al. 2020).

    DLRM draws both from U(sqrt(1/rows), 1); here both have one root mean square, whose square is the table's.
    """

    def __init__(self, plan: TablePlan, place: Placement) -> None:
        super().__init__(plan)
        self.sparse = place.sparse_gradients
        self.quotients = place.parameter(plan.quotients, plan.dim)
        self.remainders = place.parameter(plan.stored_rows, plan.dim)

    def forward(self, indices: Tensor) -> Tensor:
        """Rows (n, dim) at `indices` (n)."""
        indices, buckets = indices.long(), self.plan.stored_rows
        quotient = torch.div(indices, buckets, rounding_mode="floor")
        of_quotient = F.embedding(quotient, self.quotients, sparse=self.sparse)
        return of_quotient * F.embedding(indices - quotient * buckets, self.remainders, sparse=self.sparse)

    def part_rms(self) -> float:
        """Variances of two independent factors multiply."""
        return sqrt(self.target_rms)


class LowRankTable(RivalTable):
    """The table as U V: a short row each, times one matrix."""

    def __init__(self, plan: TablePlan, place: Placement) -> None:
        super().__init__(plan)
        self.sparse = place.sparse_gradients
        self.rank = plan.rank or 1
        self.left = place.parameter(plan.rows, self.rank)
        self.right = place.parameter(self.rank, plan.dim)

    def forward(self, indices: Tensor) -> Tensor:
        """Rows (n, dim) at `indices` (n)."""
        return F.embedding(indices, self.left, sparse=self.sparse) @ self.right

    def part_rms(self) -> float:
        """A sum of `rank` independent products."""
        return sqrt(self.target_rms / sqrt(self.rank))


class HashedTTTable(RivalTable):
    """A tensor train over hashed rows: fewer rows, so larger ranks in the same bytes."""

    def __init__(self, plan: TablePlan, place: Placement) -> None:
        super().__init__(plan)
        shape = plan.shape
        self.cores = nn.ParameterList(place.parameter(*size) for size in (shape.core_shapes if shape else ()))

    def forward(self, indices: Tensor) -> Tensor:
        """Rows (n, dim) at `indices` (n)."""
        return ops.lookup_rows(list(self.cores), buckets_of(indices, self.plan.stored_rows))

    def reset_parameters(
        self,
        generator: torch.Generator | None = None,
        *,
        distribution: str = Distribution.SAMPLED_GAUSSIAN,
        scale: str = InitScale.CALIBRATED,
    ) -> None:
        """Draw the cores as those of a tensor train over all rows."""
        initialize_cores(list(self.cores), self.plan.rows, distribution=distribution, scale=scale, generator=generator)


_TABLES: dict[TableKind, type[HashedTable | QuotientRemainderTable | LowRankTable | HashedTTTable]] = {
    TableKind.HASH: HashedTable,
    TableKind.DOUBLE_HASH: DoubleHashedTable,
    TableKind.QR: QuotientRemainderTable,
    TableKind.LOW_RANK: LowRankTable,
    TableKind.TT_HASH: HashedTTTable,
}

RIVAL_KINDS = frozenset(_TABLES)


def make_rival(
    plan: TablePlan,
    *,
    sparse_gradients: bool = False,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> RivalTable:
    """The module of a plan whose kind is neither dense nor tt, not yet initialised. Raises `PlanError` for those."""
    if plan.kind not in _TABLES:
        raise PlanError(f"table {plan.name!r} of kind {plan.kind} is no rival; those are {', '.join(_TABLES)}")
    return _TABLES[plan.kind](plan, Placement(device, dtype, sparse_gradients))


def _uniform(weight: Tensor, rms: float, generator: torch.Generator | None) -> None:
    """Fill in place from the uniform distribution about 0 with this root mean square."""
    initialize_dense(weight, generator)
    with torch.no_grad():
        weight.mul_(rms * sqrt(3 * weight.shape[0]))
