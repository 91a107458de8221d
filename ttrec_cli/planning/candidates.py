"""Shapes of one table at several ranks, side by side: what `ttrec factorize` shows."""

from dataclasses import dataclass
from typing import Any

from ttrec_cli.planning.shape_settings import ShapeSettings
from ttrec_kernels.shape_checks import check_ranks
from ttrec_kernels.shapes import TTShape

STANDARD_RANKS = (8, 16, 32, 64)
"""The ranks of the paper's tables."""

DEFAULT_RANK = 32


@dataclass(frozen=True)
class Candidates:
    """Shapes of one table by ascending ranks; `recommended` is the one at the rank asked for."""

    shapes: tuple[TTShape, ...]
    recommended: TTShape


def list_candidates(
    rows: int,
    dim: int,
    ranks: int | tuple[int, ...] = DEFAULT_RANK,
    *,
    settings: ShapeSettings | None = None,
    row_factors: tuple[int, ...] | None = None,
) -> Candidates:
    """Shapes of a `rows` × `dim` table at the standard ranks and at the one asked for, flagged ones included.

    Raises `ShapeError` or `ConfigError` with the nearest valid value.
    """
    chosen = ShapeSettings() if settings is None else settings
    recommended = chosen.shape(rows, dim, ranks, row_factors)
    asked = check_ranks(ranks, recommended.cores)
    others = [rank for rank in STANDARD_RANKS if check_ranks(rank, recommended.cores) != asked]
    shapes = [recommended, *(chosen.shape(rows, dim, rank, row_factors) for rank in others)]
    return Candidates(tuple(sorted(shapes, key=lambda shape: shape.ranks)), recommended)


def excess_over_bound(shape: TTShape) -> float:
    """Share by which the parameters exceed the least that any real-valued shape has at these ranks."""
    return shape.parameters / shape.bound_parameters - 1


def candidate_record(shape: TTShape, item_bytes: int = 4) -> dict[str, Any]:
    """One candidate as plain JSON types, `item_bytes` a number; the names are a contract with scripts."""
    return {
        "row_factors": list(shape.row_factors),
        "dim_factors": list(shape.dim_factors),
        "ranks": list(shape.ranks),
        "parameters": shape.parameters,
        "bytes": shape.bytes(item_bytes),
        "compression": shape.compression,
        "flops_per_lookup": shape.flops_per_lookup,
        "padding_fraction": shape.padding_fraction,
        "bound_parameters": shape.bound_parameters,
        "larger_than_dense": shape.larger_than_dense,
        "useless_rank": shape.useless_rank,
    }
