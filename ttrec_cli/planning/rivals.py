"""Rivals of tensor trains at equal bytes: what each table becomes when it may take what its tensor train takes."""

from collections.abc import Callable, Sequence
from math import isqrt

from ttrec_cli.planning.shape_settings import ShapeSettings
from ttrec_kernels.table_plan import TableKind, TablePlan

HASHED_SHARE = 4
"""`tt+hash` hashes ids to one bucket for so many rows: collisions stay rare where it matters, ranks grow."""

MOST_RANK = 4096
Match = Callable[[TablePlan, int, ShapeSettings], TablePlan]


def rival_plans(plans: Sequence[TablePlan], rival: str, settings: ShapeSettings) -> tuple[TablePlan, ...]:
    """The plans with each tensor train replaced by `rival`, as large as fits into the tensor train's fp32 bytes.

    `rival`: hash, double-hash, qr, low-rank, tt+hash or tt+int8; or int8, which has one size. What cannot be that small
    takes its least bytes; what would be larger than dense stays dense. Tables that are dense stay so.
    """
    return tuple(plan if plan.shape is None else _rival(plan, rival, settings) for plan in plans)


def _rival(plan: TablePlan, rival: str, settings: ShapeSettings) -> TablePlan:
    found = MATCHES[rival](plan, plan.bytes(), settings)
    dense = TablePlan(plan.name, plan.rows, plan.dim)
    if found.bytes() < dense.bytes():
        return found
    why = f"as {rival} it would take {found.bytes()} bytes, no fewer than dense, {dense.bytes()}"
    return TablePlan(plan.name, plan.rows, plan.dim, reason=why)


def _rows_of(plan: TablePlan, budget: int) -> int:
    """Dense rows that the budget holds, from 1 to all."""
    return min(max(1, budget // TablePlan(plan.name, 1, plan.dim).bytes()), plan.rows)


def _hash(plan: TablePlan, budget: int, settings: ShapeSettings) -> TablePlan:  # noqa: ARG001
    return TablePlan(plan.name, plan.rows, plan.dim, TableKind.HASH, buckets=_rows_of(plan, budget))


def _double_hash(plan: TablePlan, budget: int, settings: ShapeSettings) -> TablePlan:  # noqa: ARG001
    return TablePlan(plan.name, plan.rows, plan.dim, TableKind.DOUBLE_HASH, buckets=_rows_of(plan, budget))


def _qr(plan: TablePlan, budget: int, settings: ShapeSettings) -> TablePlan:  # noqa: ARG001
    """Both tables together within the budget, the remainders' as large as can be; at least about 2 · sqrt(rows)."""
    even = isqrt(plan.rows - 1) + 1
    held = _rows_of(plan, budget)

    def fits(buckets: int) -> bool:
        return buckets + -(-plan.rows // buckets) <= held

    buckets = even if not fits(even) else _largest(fits, even, plan.rows)
    return TablePlan(plan.name, plan.rows, plan.dim, TableKind.QR, buckets=buckets)


def _low_rank(plan: TablePlan, budget: int, settings: ShapeSettings) -> TablePlan:  # noqa: ARG001
    one = TablePlan(plan.name, plan.rows, plan.dim, TableKind.LOW_RANK, rank=1)
    rank = min(max(1, budget // one.bytes()), plan.dim)
    return TablePlan(plan.name, plan.rows, plan.dim, TableKind.LOW_RANK, rank=rank)


def _tt_hash(plan: TablePlan, budget: int, settings: ShapeSettings) -> TablePlan:
    buckets = -(-plan.rows // HASHED_SHARE)

    def at(rank: int) -> TablePlan:
        shape = settings.shape(buckets, plan.dim, rank)
        return TablePlan(plan.name, plan.rows, plan.dim, TableKind.TT_HASH, shape, buckets=buckets)

    return at(_largest(lambda rank: at(rank).bytes() <= budget, 1, MOST_RANK))


def _tt_int8(plan: TablePlan, budget: int, settings: ShapeSettings) -> TablePlan:
    def at(rank: int) -> TablePlan:
        shape = settings.shape(plan.rows, plan.dim, rank)
        return TablePlan(plan.name, plan.rows, plan.dim, TableKind.TT, shape, int8=True)

    return at(_largest(lambda rank: at(rank).bytes() <= budget, 1, MOST_RANK))


def _int8(plan: TablePlan, budget: int, settings: ShapeSettings) -> TablePlan:  # noqa: ARG001
    return TablePlan(plan.name, plan.rows, plan.dim, int8=True)


MATCHES: dict[str, Match] = {
    "hash": _hash,
    "double-hash": _double_hash,
    "qr": _qr,
    "low-rank": _low_rank,
    "tt+hash": _tt_hash,
    "tt+int8": _tt_int8,
    "int8": _int8,
}


def _largest(fits: Callable[[int], bool], least: int, most: int) -> int:
    """Largest number of `least` … `most` that fits, by bisection; `least` if none does."""
    low, high = least, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
