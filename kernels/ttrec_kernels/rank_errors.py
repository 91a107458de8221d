"""What each rank would lose of a trained table: one reading of the table serves all ranks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ttrec_kernels.decompose import Decomposition, digit_scales, finish, split_first, with_useful_ranks
from ttrec_kernels.error_measure import TableErrors, table_errors
from ttrec_kernels.shapes import TTShape
from ttrec_kernels.unfolding import Table, Unfolding


@dataclass(frozen=True)
class RankError:
    """The decomposition at one rank and its errors; `errors.weighted` is by importance, where there is any."""

    rank: int
    found: Decomposition
    errors: TableErrors


def rank_errors(
    weight: Table,
    factors: TTShape,
    ranks: Sequence[int],
    importance: Table | None = None,
    on_read: Callable[[], None] = lambda: None,
) -> Iterator[RankError]:
    """TT-SVD of `weight` (rows, dim) with the row and dim factors of `factors` at each rank, the smallest first.

    Ranks beyond what an unfolding can have are cut, and given once. Without importance the errors are the bounds,
    with it they are measured. `on_read` is called when the table was read.
    """
    scales = None if importance is None else digit_scales(importance, factors.row_factors)
    shapes = {rank: with_useful_ranks(factors, (rank,) * (factors.cores - 1)) for rank in sorted(set(ranks))}
    unfolding = Unfolding(weight, factors.row_factors, factors.dim_factors, scales)
    first = split_first(unfolding, max(shape.ranks[1] for shape in shapes.values()))
    on_read()
    seen: set[tuple[int, ...]] = set()
    for rank, shape in shapes.items():
        if shape.ranks in seen:
            continue
        seen.add(shape.ranks)
        found = finish(first, shape.ranks)
        bound = found.relative_error_bound
        errors = TableErrors(bound, bound) if importance is None else table_errors(found.cores, weight, importance)
        yield RankError(rank, found, errors)
