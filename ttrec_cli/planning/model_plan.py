"""Which tables of a model become tensor trains, and of which shape."""

from collections.abc import Sequence

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.shape_settings import ShapeSettings
from ttrec_kernels.shapes import TTShape
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
    chosen = largest_tables(rows, largest)
    return tuple(
        compressed_or_dense(name, settings.shape(count, dim, rank)) if table in chosen else TablePlan(name, count, dim)
        for table, (name, count) in enumerate(zip(names, rows, strict=True))
    )


def largest_tables(rows: Sequence[int], largest: int) -> frozenset[int]:
    """Indices of the `largest` largest tables; of equally large ones the first. Raises `ConfigError`."""
    if not 0 <= largest <= len(rows):
        nearest = min(max(largest, 0), len(rows))
        raise ConfigError(
            f"tables to compress must lie in 0 … {len(rows)}, the tables there are, but are {largest}; "
            f"the nearest valid value is {nearest}"
        )
    return frozenset(sorted(range(len(rows)), key=lambda table: -rows[table])[:largest])


def compressed_or_dense(name: str, shape: TTShape) -> TablePlan:
    """The table as this tensor train, or dense where that is smaller; `reason` then says so."""
    if not shape.larger_than_dense:
        return TablePlan(name, shape.rows, shape.dim, TableKind.TT, shape)
    inner = ",".join(str(value) for value in sorted(set(shape.ranks[1:-1])))
    reason = (
        f"at rank {inner} a tensor train of {shape.parameters} parameters "
        f"would be larger than dense, {shape.dense_parameters}"
    )
    return TablePlan(name, shape.rows, shape.dim, reason=reason)
