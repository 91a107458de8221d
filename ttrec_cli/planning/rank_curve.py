"""The parameters of one table at every equal rank, exactly, from few shape searches.

A shape at equal rank r on all bonds has r · (a + b · r) parameters: a counts the first and the last core, b those
between. So least parameters over r is the least of straight lines: a concave function of r. Where the
line found at one rank is still the least at another, concavity makes it the least at every rank in between.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import isqrt

from ttrec_cli.planning.shape_settings import ShapeSettings
from ttrec_kernels.shape_checks import MAX_RANK
from ttrec_kernels.shapes import TTShape


@dataclass(frozen=True)
class _Piece:
    """From `start` on, this shape's `ends + between · r` is least."""

    start: int
    ends: int
    between: int
    shape: TTShape

    def line(self, rank: int) -> int:
        """Parameters over rank."""
        return self.ends + self.between * rank

    @property
    def same_line(self) -> tuple[int, int]:
        """What two shapes share that cost the same at every rank."""
        return self.ends, self.between


@dataclass(frozen=True)
class RankCurve:
    """Exact parameters, and the FLOPs that go with them, of a `rows` × `dim` table at equal ranks 1 … `last_rank`."""

    rows: int
    dim: int
    settings: ShapeSettings
    last_rank: int

    @cached_property
    def pieces(self) -> tuple[_Piece, ...]:
        """The pieces of the concave curve, by rank."""
        found = self._between(self._piece(1), self._piece(self.last_rank)) if self.last_rank > 1 else []
        pieces = [self._piece(1)]
        for piece in found:
            if piece.same_line != pieces[-1].same_line:
                pieces.append(piece)
        return tuple(pieces)

    @cached_property
    def _starts(self) -> list[int]:
        return [piece.start for piece in self.pieces]

    def parameters(self, rank: int) -> int:
        """Least parameters at this rank on all bonds."""
        return rank * self._at(rank).line(rank)

    def flops(self, rank: int) -> int:
        """FLOPs of a lookup with the shape of least parameters."""
        shape = self._at(rank).shape
        ranks = (1, *(rank,) * (shape.cores - 1), 1)
        return TTShape(self.rows, self.dim, shape.row_factors, shape.dim_factors, ranks).flops_per_lookup

    def _at(self, rank: int) -> _Piece:
        return self.pieces[bisect_right(self._starts, rank) - 1]

    def _piece(self, rank: int) -> _Piece:
        shape = self.settings.shape(self.rows, self.dim, rank)
        return _Piece(rank, *_line_of(shape), shape)

    def _between(self, low: _Piece, high: _Piece) -> list[_Piece]:
        """Pieces that start after `low.start` and no later than `high.start`, where both were searched."""
        first, last = low.start, high.start
        if low.line(last) == high.line(last):
            return []
        if high.line(first) == low.line(first):
            return [replace(high, start=first + 1)]
        # The curve lies below both lines; where they cross it is furthest below, if it leaves them at all.
        middle = first + (high.line(first) - low.line(first)) // (low.between - high.between)
        left = low if middle == first else self._piece(middle)
        right = high if middle + 1 == last else self._piece(middle + 1)
        return [*self._between(low, left), right, *self._between(right, high)]


@lru_cache(maxsize=1024)
def rank_curve(rows: int, dim: int, settings: ShapeSettings, most_parameters: int | None = None) -> RankCurve | None:
    """The curve up to the last rank that is no larger than dense, nor than `most_parameters`; None if no rank is."""
    limit = rows * dim if most_parameters is None else min(rows * dim, most_parameters)
    last = largest_rank_within(rows, dim, limit, settings)
    return RankCurve(rows, dim, settings, last) if last else None


def largest_rank_within(
    rows: int, dim: int, most_parameters: int, settings: ShapeSettings, row_factors: tuple[int, ...] | None = None
) -> int:
    """Largest equal rank whose shape has at most so many parameters, 0 if there is none.

    Least parameters rise with the rank, and the line of any shape lies above them: the rank up to which that line fits,
    fits; and where the next one does not, none does.
    """
    rank = 0
    while rank < MAX_RANK:
        shape = settings.shape(rows, dim, rank + 1, row_factors)
        if shape.parameters > most_parameters:
            break
        rank = min(_last_within(most_parameters, *_line_of(shape)), MAX_RANK)
    return rank


def _last_within(most: int, ends: int, between: int) -> int:
    """Largest whole r with r · (ends + between · r) <= most."""
    return (isqrt(ends * ends + 4 * between * most) - ends) // (2 * between) if between else most // ends


def _line_of(shape: TTShape) -> tuple[int, int]:
    """Row factor times dim factor, summed over the outer cores and over the inner ones."""
    sizes = [p * q for p, q in zip(shape.row_factors, shape.dim_factors, strict=True)]
    return sizes[0] + sizes[-1], sum(sizes[1:-1])
