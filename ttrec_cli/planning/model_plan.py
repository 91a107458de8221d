"""Which tables of a model become tensor trains, and of which shape."""

from collections.abc import Sequence

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.shape_settings import ShapeSettings
from ttrec_kernels.table_plan import TableKind, TablePlan


def plan_tables(
    names: Sequence[str],
    rows: Sequence[int],
    dim: int,
    rank: int | tuple[int, ...],
    largest: int,
    *,
    shape: ShapeSettings | None = None,
) -> tuple[TablePlan, ...]:
    """Plans of all tables in their order: the `largest` largest as tensor trains, the others dense.

    Of equally large tables the first ones count as larger. A table whose tensor train would be larger than dense
    stays dense and its `reason` says so. Raises `ConfigError` or `ShapeError`.
    """
    settings = ShapeSettings() if shape is None else shape
    if len(names) != len(rows):
        raise ConfigError(f"every table needs a name and rows, but there are {len(names)} names and {len(rows)} rows")
    if not 0 <= largest <= len(rows):
        nearest = min(max(largest, 0), len(rows))
        raise ConfigError(
            f"tables to compress must lie in 0 … {len(rows)}, the tables there are, but are {largest}; "
            f"the nearest valid value is {nearest}"
        )
    chosen = set(sorted(range(len(rows)), key=lambda table: -rows[table])[:largest])
    return tuple(
        _compressed(name, count, dim, rank, settings) if table in chosen else TablePlan(name, count, dim)
        for table, (name, count) in enumerate(zip(names, rows, strict=True))
    )


def _compressed(name: str, rows: int, dim: int, rank: int | tuple[int, ...], settings: ShapeSettings) -> TablePlan:
    shape = settings.shape(rows, dim, rank)
    if shape.larger_than_dense:
        inner = ",".join(str(value) for value in sorted(set(shape.ranks[1:-1])))
        reason = (
            f"at rank {inner} a tensor train of {shape.parameters} parameters would be larger than dense, {rows * dim}"
        )
        return TablePlan(name, rows, dim, reason=reason)
    return TablePlan(name, rows, dim, TableKind.TT, shape)
