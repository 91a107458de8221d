"""Which symbol, size and colour a mark has: shared by the figure and its legend."""

from dataclasses import dataclass

from ttrec_cli.pareto.points import DENSE, TT_FROZEN
from ttrec_cli.report.colours import INK, Paint, paint
from ttrec_cli.report.record import Mark, Picture

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "triangle-down", "cross", "x")
"""Of dims in rising order; the star is kept for uncompressed models."""

UNCOMPRESSED_SYMBOL = "star"
UNCOMPRESSED_SIZE = 17
SMALLEST, LARGEST = 9, 16
"""Pixels across for the least and the greatest rank: size repeats what hue says, for whoever cannot tell hues apart."""


@dataclass(frozen=True)
class Look:
    """How a mark is drawn."""

    symbol: str
    size: float
    paint: Paint
    is_open: bool


def look(mark: Mark, picture: Picture) -> Look:
    """Hue and size from rank, symbol from dim or method, shade from tables, open outline for frozen cores."""
    symbol = method_symbol(mark.method, picture) if picture.rivals else symbol_of(mark.dim, picture)
    if mark.rank is None and mark.method != DENSE:
        return Look(symbol, UNCOMPRESSED_SIZE, INK, is_open=False)
    if mark.method == DENSE or mark.rank is None:
        return Look(UNCOMPRESSED_SYMBOL, UNCOMPRESSED_SIZE, INK, is_open=False)
    rank_index = picture.ranks.index(mark.rank)
    return Look(
        symbol=symbol,
        size=size_of(rank_index, len(picture.ranks)),
        paint=paint(rank_index, picture.tables.index(mark.tables), len(picture.tables)),
        is_open=mark.method == TT_FROZEN,
    )


def symbol_of(dim: int, picture: Picture) -> str:
    """The symbol of a dim."""
    return SYMBOLS[picture.dims.index(dim) % len(SYMBOLS)]


def method_symbol(method: str, picture: Picture) -> str:
    """The symbol of a method: the circle for tensor trains, frozen ones too, then one for each rival."""
    if method not in picture.rivals:
        return SYMBOLS[0]
    return SYMBOLS[(picture.rivals.index(method) + 1) % len(SYMBOLS)]


def size_of(rank_index: int, ranks: int) -> float:
    """Pixels across for the `rank_index`-th of so many ranks."""
    share = rank_index / (ranks - 1) if ranks > 1 else 0.5
    return SMALLEST + (LARGEST - SMALLEST) * share
