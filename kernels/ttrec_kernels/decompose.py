"""TT-SVD: a trained table as tensor-train cores, with a guaranteed error bound, in bounded memory.

Source: Oseledets, Tensor-Train Decomposition (SIAM J. Sci. Comput. 2011), algorithm 1 and theorem 2.2. Singular
vectors of one unfolding after another are kept, the strongest first. The projections are orthogonal to each other, so
the squared error is the sum of what they leave out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod, sqrt

import torch
from torch import Tensor

from ttrec_kernels.error_measure import table_errors
from ttrec_kernels.errors import ShapeError
from ttrec_kernels.shape_search import smallest_shape
from ttrec_kernels.shapes import TTShape, full_ranks
from ttrec_kernels.subspace import Subspace, leading_subspace
from ttrec_kernels.unfolding import Table, Unfolding, as_float64, check_table_values

ITEM_BYTES = 4
GRAM_ROUNDING = 1e-7
"""What is left out is a difference of squared norms, known to the square root of float64's rounding."""

IMPORTANCE_FLOOR = 0.05
"""Of the mean importance, added to every row: rows that were never looked up keep some say."""


@dataclass(frozen=True)
class Decomposition:
    """TT cores of a table and what they miss of it.

    `cores` k is (p_k, r_{k-1}, q_k, r_k), float32 (float64 for a float64 table), all of equal norm.
    `relative_error_bound` bounds ‖table − train‖ / ‖table‖ in the Frobenius norm, rounding included; it is what was
    left out, measured, so the true error is close below it. `weighted_error`: the same ratio with each row's squares
    times its importance, None where no importance was given.
    """

    shape: TTShape
    cores: tuple[Tensor, ...]
    relative_error_bound: float
    weighted_error: float | None = None


def from_dense(
    weight: Table,
    *,
    shape: TTShape | None = None,
    rank: int | tuple[int, ...] | None = None,
    tolerance: float | None = None,
    max_bytes: int | None = None,
    importance: Table | None = None,
) -> Decomposition:
    """The table `weight` (rows, dim) as a tensor train; give exactly one of `shape`, `rank`, `tolerance`, `max_bytes`.

    `shape` fixes factors and ranks, `rank` takes the smallest shape of that rank, `max_bytes` the largest common rank
    whose cores fit in fp32, `tolerance` the least ranks whose relative error is at most that. Ranks beyond what an
    unfolding can have are cut. `importance` (rows), such as how often each row is looked up, makes errors of important
    rows count more. It enters as a product of one weight per digit, the closest that TT-SVD can follow;
    `fit_cores` then follows each row's own.

    `weight` may be memory-mapped: it is read in parts, two or three times. Memory: the parts, and the table
    projected to its first rank, in float64. Raises `ShapeError`, which names the rule and the value.
    """
    check_table_values(weight)
    wanted = _wanted(weight, shape, rank, tolerance, max_bytes)
    scales = None if importance is None else digit_scales(importance, wanted.row_factors)
    unfolding = Unfolding(weight, wanted.row_factors, wanted.dim_factors, scales)
    first = split_first(unfolding, wanted.ranks[1], tolerance or 0.0)
    found = finish(first, wanted.ranks, tolerance or 0.0)
    if importance is None:
        return found
    errors = table_errors(found.cores, weight, importance)
    return Decomposition(found.shape, found.cores, errors.plain, errors.weighted)


def _wanted(
    weight: Table,
    shape: TTShape | None,
    rank: int | tuple[int, ...] | None,
    tolerance: float | None,
    max_bytes: int | None,
) -> TTShape:
    """Factors, and the ranks that must not be exceeded."""
    rows, dim = weight.shape
    given = [
        name
        for name, value in (("shape", shape), ("rank", rank), ("tolerance", tolerance), ("max_bytes", max_bytes))
        if value is not None
    ]
    if len(given) != 1:
        raise ShapeError(
            f"give exactly one of shape, rank, tolerance and max_bytes, but {' and '.join(given) or 'none'} was given"
        )
    if shape is not None:
        if (shape.rows, shape.dim) != (rows, dim):
            raise ShapeError(f"shape is of a table of {shape.rows} × {shape.dim}, but weight is {rows} × {dim}")
        return with_useful_ranks(shape)
    if rank is not None:
        return with_useful_ranks(smallest_shape(rows, dim, rank, cores=3 if isinstance(rank, int) else len(rank) + 1))
    if max_bytes is not None:
        return largest_within(rows, dim, max_bytes)
    if tolerance is None or not 0 <= tolerance < 1:
        raise ShapeError(f"tolerance must lie in 0 … 1 (1 excluded), but is {tolerance}")
    factors = smallest_shape(rows, dim)
    return with_useful_ranks(factors, (2**62,) * (factors.cores - 1))


def with_useful_ranks(shape: TTShape, ranks: Sequence[int] | None = None) -> TTShape:
    """The shape at `ranks` (its own unless given), each cut to the largest that adds anything."""
    asked = shape.ranks if ranks is None else full_ranks(tuple(ranks), shape.cores)
    cut = tuple(min(pair) for pair in zip(asked, shape.max_useful_ranks, strict=True))
    return TTShape(shape.rows, shape.dim, shape.row_factors, shape.dim_factors, cut)


def largest_within(rows: int, dim: int, max_bytes: int) -> TTShape:
    """The smallest shape of the largest common rank that takes at most `max_bytes` in fp32, by bisection."""

    def shape_at(rank: int) -> TTShape:
        return with_useful_ranks(smallest_shape(rows, dim, rank))

    least = shape_at(1)
    if least.parameters * ITEM_BYTES > max_bytes:
        raise ShapeError(
            f"max_bytes must be at least {least.parameters * ITEM_BYTES}, a tensor train of rank 1 "
            f"for {rows} × {dim}, but is {max_bytes}"
        )
    low, high = 1, 2
    while high <= 2**15 and shape_at(high).ranks != shape_at(low).ranks and _fits(shape_at(high), max_bytes):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _fits(shape_at(middle), max_bytes) else (low, middle)
    return shape_at(low)


def _fits(shape: TTShape, max_bytes: int) -> bool:
    return shape.parameters * ITEM_BYTES <= max_bytes


@dataclass(frozen=True)
class FirstSplit:
    """The first core's vectors and the table projected on them: what all smaller ranks have in common.

    `carry` is (rank, later rows, later columns) in float64.
    """

    unfolding: Unfolding
    subspace: Subspace
    carry: Tensor


def split_first(unfolding: Unfolding, rank: int, tolerance: float = 0.0) -> FirstSplit:
    """Read the table: once or more for its strongest vectors, once to project it on them."""
    fraction = tolerance**2 / (len(unfolding.row_factors) - 1)
    subspace = leading_subspace(unfolding.parts, unfolding.height, rank, fraction)
    later_dim = prod(unfolding.dim_factors[1:])
    kept = subspace.basis.shape[1]
    carry = torch.empty(kept, unfolding.width, dtype=torch.float64)
    start = 0
    for part in unfolding.parts():
        torch.mm(subspace.basis.T, part, out=carry[:, start : start + part.shape[1]])
        start += part.shape[1]
    return FirstSplit(unfolding, subspace, carry.view(kept, -1, later_dim))


def finish(first: FirstSplit, ranks: Sequence[int], tolerance: float = 0.0) -> Decomposition:
    """The decomposition at most at these ranks (1, r1, …, 1), of which r1 at most that of `first`."""
    table = first.unfolding
    p, q, cores = table.row_factors, table.dim_factors, len(table.row_factors)
    kept = min(ranks[1], first.subspace.basis.shape[1])
    allowed = tolerance**2 * first.subspace.total
    left_out = _left_out(first.subspace, kept, min(table.height, table.width))
    found = [first.subspace.basis[:, :kept].reshape(p[0], q[0], 1, kept).transpose(1, 2)]
    carry = first.carry[:kept]
    for k in range(1, cores - 1):
        matrix = _unfold(carry, p[k], q[k])
        # What the bonds so far did not use is shared by those to come: squared errors add up.
        subspace, basis = _split(matrix, ranks[k + 1], (allowed - left_out) / (cores - 1 - k))
        left_out += _left_out(subspace, basis.shape[1], min(matrix.shape))
        found.append(basis.view(carry.shape[0], p[k], q[k], -1).transpose(0, 1))
        carry = (basis.T @ matrix).view(basis.shape[1], -1, prod(q[k + 1 :]))
    found.append(carry.permute(1, 0, 2).unsqueeze(3))
    return _decomposition(table, found, sqrt(left_out / (first.subspace.total or 1.0)))


def _left_out(subspace: Subspace, kept: int, full: int) -> float:
    """Squared norm that `kept` vectors leave out: nothing at the full rank, whatever rounding says."""
    return 0.0 if kept == full else subspace.discarded(kept)


def _unfold(carry: Tensor, p: int, q: int) -> Tensor:
    """The carry (rank, rows, columns) as (rank · p · q) × (everything later)."""
    rank, rows, columns = carry.shape
    return carry.view(rank, p, rows // p, q, columns // q).permute(0, 1, 3, 2, 4).reshape(rank * p * q, -1)


def _split(matrix: Tensor, rank: int, allowed: float) -> tuple[Subspace, Tensor]:
    """Strongest left singular vectors of a matrix in memory; a tall one by way of its triangular factor."""
    rank = min(rank, *matrix.shape)
    fraction = allowed / max(float(matrix.square().sum()), torch.finfo(torch.float64).tiny)
    if matrix.shape[0] <= matrix.shape[1]:
        found = leading_subspace(lambda: (matrix,), matrix.shape[0], rank, fraction)
        return found, found.basis
    orthonormal, triangle = torch.linalg.qr(matrix)
    found = leading_subspace(lambda: (triangle,), triangle.shape[0], rank, fraction)
    return found, orthonormal @ found.basis


def _decomposition(table: Unfolding, cores: Sequence[Tensor], relative_error: float) -> Decomposition:
    rows, dim = table.weight.shape
    if table.scales is not None:
        cores = [core / scale.view(-1, 1, 1, 1) for core, scale in zip(cores, table.scales, strict=True)]
    ranks = (1, *(core.shape[3] for core in cores))
    shape = TTShape(rows, dim, table.row_factors, table.dim_factors, ranks)
    weight = table.weight
    dtype = torch.float64 if str(weight.dtype).endswith("float64") else torch.float32
    rounding = 4 * len(cores) * torch.finfo(dtype).eps + (GRAM_ROUNDING if relative_error else 0.0)
    return Decomposition(shape, tuple(balance(cores, dtype)), relative_error + rounding)


def balance(cores: Sequence[Tensor], dtype: torch.dtype) -> Iterator[Tensor]:
    """The same train with cores of equal norm, so that one learning rate suits all."""
    norms = [float(core.norm()) for core in cores]
    even = prod(norm ** (1 / len(cores)) for norm in norms)
    for core, norm in zip(cores, norms, strict=True):
        yield (core * (even / norm if norm > 0 else 1.0)).to(dtype).contiguous()


def digit_scales(importance: Table, row_factors: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Per core, the square root of each digit's share of the importance (rows), relative to the mean digit.

    Their products are, of all products of one number a digit, the closest to the importance in relative entropy.
    """
    values = check_importance(importance)
    padded = torch.zeros(prod(row_factors), dtype=torch.float64)
    padded[: len(values)] = values + IMPORTANCE_FLOOR * values.mean()
    cube = padded.view(row_factors)
    axes = range(len(row_factors))
    return tuple((cube.sum([a for a in axes if a != k]) / cube.sum() * p).sqrt() for k, p in enumerate(row_factors))


def check_importance(importance: Table) -> Tensor:
    """Importance (rows) in float64. Raises `ShapeError` unless it is finite, never negative and above 0 somewhere."""
    values = as_float64(importance)
    if values.dim() != 1 or not bool(torch.isfinite(values).all()) or bool((values < 0).any()) or not values.any():
        raise ShapeError("importance must be one number of at least 0 for each row, finite, and above 0 for some row")
    return values
