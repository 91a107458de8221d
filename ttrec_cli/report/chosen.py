"""Which points the smaller figures show: few enough to be told apart."""

from collections.abc import Sequence
from typing import TypeVar

from ttrec_cli.pareto import Analysis, Point

MOST_MODELS = 8

_T = TypeVar("_T")


def chosen_points(analysis: Analysis) -> tuple[Point, ...]:
    """The answer, the best uncompressed model and the frontier, thinned evenly; smallest first."""
    kept = [point for point in (analysis.answer.point, analysis.baseline) if point is not None]
    frontier = [assessed.point for assessed in analysis.frontier if assessed.point not in kept]
    kept += thin(frontier, MOST_MODELS - len(set(kept)))
    return tuple(sorted(set(kept), key=lambda point: point.order))


def thin(items: Sequence[_T], most: int) -> list[_T]:
    """At most so many of the items, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    if most < 2:
        return list(items[:most])
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def short_name(point: Point, same_dim: bool = False) -> str:
    """A name that fits an axis: `R32 · 7 tables · dim 16`."""
    dim = "" if same_dim else f" · dim {point.dim}"
    if point.is_dense:
        return f"uncompressed{dim}"
    frozen = "" if point.method == "tt" else f" · {point.method}"
    rank = "" if point.rank is None else f"R{point.rank} · "
    return f"{rank}{point.tables} {'table' if point.tables == 1 else 'tables'}{dim}{frozen}"
