"""Recompression of a tensor train: smaller ranks from its cores alone, the table is never built.

Source: Oseledets, Tensor-Train Decomposition (SIAM J. Sci. Comput. 2011), algorithm 2.
"""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor

from ttrec_kernels.decompose import Decomposition, balance
from ttrec_kernels.errors import ShapeError
from ttrec_kernels.shapes import TTShape, full_ranks


def round_cores(
    cores: Sequence[Tensor],
    shape: TTShape,
    *,
    rank: int | tuple[int, ...] | None = None,
    tolerance: float | None = None,
) -> Decomposition:
    """Cores of the same table at ranks of at most `rank`, or the least ranks with at most this relative error.

    The error is relative to the table that `cores` make, in the Frobenius norm over its `shape.rows` rows. Computed
    in float64, on the CPU; the result has the cores' dtype. Raises `ShapeError` unless one of the two is given.
    """
    if (rank is None) == (tolerance is None):
        raise ShapeError("give rank or tolerance, one of the two")
    if tolerance is not None and not 0 <= tolerance < 1:
        raise ShapeError(f"tolerance must lie in 0 … 1 (1 excluded), but is {tolerance}")
    most = shape.ranks if rank is None else full_ranks(rank, shape.cores)
    double = [core.detach().to("cpu", torch.float64) for core in cores]
    norm = sqrt(sum(squared_norm(part) for part in row_blocks(double, shape.rows)))
    parts = _orthogonal_from_the_right(double)
    left_out, allowed = 0.0, (tolerance or 0.0) ** 2 * norm**2
    for k in range(len(parts) - 1):
        factor, left, q, right = parts[k].shape
        matrix = parts[k].transpose(0, 1).reshape(left * factor * q, right)
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
        kept = min(most[k + 1], _kept(s.square(), (allowed - left_out) / (len(parts) - 1 - k)))
        left_out += float(s[kept:].square().sum())
        parts[k] = u[:, :kept].view(left, factor, q, kept).transpose(0, 1)
        parts[k + 1] = torch.einsum("ab,pbqr->paqr", s[:kept, None] * vh[:kept], parts[k + 1])
    ranks = (1, *(part.shape[3] for part in parts))
    found = TTShape(shape.rows, shape.dim, shape.row_factors, shape.dim_factors, ranks)
    dtype = torch.float64 if cores[0].dtype == torch.float64 else torch.float32
    error = sqrt(left_out) / (norm or 1.0) + 4 * len(parts) * torch.finfo(dtype).eps
    return Decomposition(found, tuple(balance(parts, dtype)), error)


def _orthogonal_from_the_right(cores: Sequence[Tensor]) -> list[Tensor]:
    """The same train with every core but the first a matrix (r_{k-1}, p_k · q_k · r_k) of orthonormal rows."""
    parts = list(cores)
    for k in range(len(parts) - 1, 0, -1):
        factor, left, q, right = parts[k].shape
        orthonormal, triangle = torch.linalg.qr(parts[k].transpose(0, 1).reshape(left, -1).T)
        parts[k] = orthonormal.T.reshape(-1, factor, q, right).transpose(0, 1)
        parts[k - 1] = parts[k - 1] @ triangle.T
    return parts


def _kept(energies: Tensor, allowed: float) -> int:
    """How many of the falling energies must stay, at least one, so that the others sum to at most `allowed`."""
    tail = energies.flip(0).cumsum(0)
    return max(1, len(energies) - int((tail <= max(allowed, 0.0)).sum()))


def squared_norm(cores: Sequence[Tensor]) -> float:
    """Sum of squares of all entries, padding included: the train contracted with itself."""
    gram = torch.ones(1, 1, dtype=torch.float64)
    for core in cores:
        gram = torch.einsum("ab,paqr,pbqs->rs", gram, core.detach(), core.detach())
    return float(gram)


def row_blocks(cores: Sequence[Tensor], rows: int) -> list[list[Tensor]]:
    """The first `rows` rows as a few trains without padding: one for each digit of the number of rows."""
    blocks, before, left = [], list[Tensor](), rows
    strides = [1]
    for core in reversed(cores[1:]):
        strides.insert(0, strides[0] * core.shape[0])
    for core, later, stride in zip(cores, range(1, len(cores) + 1), strides, strict=True):
        digit, left = divmod(left, stride)
        if digit:
            blocks.append([*before, core[:digit], *cores[later:]])
        if not left:
            break
        before.append(core[digit : digit + 1])
    return blocks
