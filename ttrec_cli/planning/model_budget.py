"""A whole model within a budget: one rank for all tables, and what is left spent on single ones.

A table takes the bytes of its tensor train, or of the dense table from where those are fewer. So bytes rise with
the rank of every table, and the largest common rank is found by halving. What is left raises single tables by one
rank, those of lowest rank and of these the cheapest first, then single bonds, until nothing more fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

from ttrec_cli.planning.budget import Budget
from ttrec_cli.planning.model_plan import compressed_or_dense, largest_tables
from ttrec_cli.planning.rank_curve import RankCurve, rank_curve
from ttrec_cli.planning.shape_settings import ShapeSettings
from ttrec_cli.planning.table_list import ModelTable
from ttrec_kernels.shapes import TTShape
from ttrec_kernels.table_plan import TableKind, TablePlan


@dataclass(frozen=True)
class BudgetPlan:
    """A plan that fits; `rank` is what all compressed tables reach at least, None where ranks are spread."""

    plans: tuple[TablePlan, ...]
    rank: int | None
    smallest_parameters: int


@dataclass(frozen=True)
class RankedTable:
    """A table of a model and what it takes at each rank; `may_compress` is false where it is to stay dense."""

    table: ModelTable
    dim: int
    settings: ShapeSettings
    may_compress: bool

    @cached_property
    def curve(self) -> RankCurve | None:
        """Parameters by rank, as far as they are no more than dense."""
        return rank_curve(self.table.rows, self.dim, self.settings) if self.may_compress else None

    @property
    def dense_parameters(self) -> int:
        """Numbers of the uncompressed table."""
        return self.table.rows * self.dim

    @property
    def last_rank(self) -> int:
        """Largest rank that is no larger than dense; 0 where none is."""
        return self.curve.last_rank if self.curve else 0

    def parameters(self, rank: int) -> int:
        """Numbers at this equal rank: dense beyond the last one that pays."""
        return self.curve.parameters(rank) if self.curve and rank <= self.last_rank else self.dense_parameters

    def shape(self, ranks: int | tuple[int, ...]) -> TTShape:
        """The smallest shape at these ranks."""
        return self.settings.shape(self.table.rows, self.dim, ranks)

    def plan(self, ranks: int | tuple[int, ...] | None, why_dense: str = "") -> TablePlan:
        """The table at these ranks; dense where `ranks` is None, because of `why_dense` or because no rank pays."""
        name, rows = self.table.name, self.table.rows
        if ranks is not None:
            return TablePlan(name, rows, self.dim, TableKind.TT, self.shape(ranks))
        if not self.may_compress:
            return TablePlan(name, rows, self.dim)
        if why_dense and self.last_rank:
            return TablePlan(name, rows, self.dim, reason=why_dense)
        return compressed_or_dense(name, self.shape(self.last_rank + 1))


def ranked_tables(
    tables: Sequence[ModelTable], dim: int, largest: int | None, settings: ShapeSettings
) -> tuple[RankedTable, ...]:
    """Tables of a model, of which the `largest` largest may be compressed, or all; raises `ConfigError`."""
    chosen = largest_tables([table.rows for table in tables], len(tables) if largest is None else largest)
    return tuple(RankedTable(table, dim, settings, at in chosen) for at, table in enumerate(tables))


def plan_within(ranked: Sequence[RankedTable], budget: Budget) -> BudgetPlan:
    """The plan of the largest common rank that fits, filled up; `ConfigError` names the smallest possible bytes."""
    smallest = smallest_parameters(ranked, budget)

    def total(rank: int) -> int:
        return sum(table.parameters(rank) for table in ranked)

    low, high = 1, max(table.last_rank for table in ranked) + 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if total(middle) <= budget.parameters else (low, middle)
    common = low if any(table.last_rank >= low for table in ranked) else None
    raised = _raise_tables(ranked, low, budget.parameters - total(low))
    return BudgetPlan(fill_bonds(ranked, raised, budget), common, smallest)


def smallest_parameters(ranked: Sequence[RankedTable], budget: Budget) -> int:
    """Numbers of the smallest plan: rank 1 where that is smaller than dense. `ConfigError` if it does not fit."""
    smallest = sum(table.parameters(1) for table in ranked)
    if smallest > budget.parameters:
        raise budget.refusal(smallest)
    return smallest


def _raise_tables(ranked: Sequence[RankedTable], common: int, left: int) -> list[int | None]:
    """Equal ranks of the tables, from the common one up as far as `left` allows; None is dense."""
    ranks = [common if common <= table.last_rank else None for table in ranked]
    heap: list[tuple[int, int, int]] = []

    def offer(at: int) -> None:
        rank = ranks[at]
        if rank is not None:
            heappush(heap, (rank, ranked[at].parameters(rank + 1) - ranked[at].parameters(rank), at))

    for at in range(len(ranked)):
        offer(at)
    while heap:
        rank, cost, at = heappop(heap)
        if cost <= left:  # what does not fit now never will: less is left each time
            left -= cost
            ranks[at] = rank + 1 if rank < ranked[at].last_rank else None
            offer(at)
    return ranks


def fill_bonds(
    ranked: Sequence[RankedTable], ranks: Sequence[int | None], budget: Budget, why_dense: str = ""
) -> tuple[TablePlan, ...]:
    """Plans of the tables at these equal ranks, single bonds raised by one as long as any fits."""
    plans = [table.plan(rank, why_dense) for table, rank in zip(ranked, ranks, strict=True)]
    left = budget.parameters - sum(plan.parameters for plan in plans)
    tried = True
    while tried:
        tried = False
        for at in sorted(range(len(plans)), key=lambda table: _inner(plans[table])):
            larger = _raised_bond(ranked[at], plans[at], left)
            if larger is not None:
                left -= larger.parameters - plans[at].parameters
                plans[at], tried = larger, True
    return tuple(plans)


def _inner(plan: TablePlan) -> tuple[int, ...]:
    return plan.shape.ranks[1:-1] if plan.shape is not None else ()


def _raised_bond(table: RankedTable, plan: TablePlan, left: int) -> TablePlan | None:
    """The plan with its lowest bond that can be raised by one, within `left` more numbers and no more than dense."""
    inner = _inner(plan)
    for bond in sorted(range(len(inner)), key=inner.__getitem__):
        ranks = tuple(rank + (at == bond) for at, rank in enumerate(inner))
        shape = table.shape(ranks)
        if shape.parameters - plan.parameters <= left and not shape.larger_than_dense:
            return TablePlan(plan.name, plan.rows, plan.dim, TableKind.TT, shape)
    return None
