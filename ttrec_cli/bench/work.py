"""Arithmetic and traffic of a lookup, counted from the batches themselves.

Floating-point operations: a multiply-add is two. `tt_work` counts what any way to compute a batch's distinct rows from
left to right must do, shared prefixes multiplied once; `gather_work` multiplies for every lookup anew. Training is
three times the forward pass: one product becomes two gradients. Bytes: every index, distinct slice or row and result
once; training reads the gradient from above and reads and writes what it updates.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.bench.timing import Work
from ttrec_kernels.shapes import TTShape

ITEM_BYTES, INDEX_BYTES = 4, 8

Batches = Sequence[NDArray[np.int64]]
"""Indices (bags, pooling) of several batches."""


def tt_work(shape: TTShape, batches: Batches, train: bool) -> Work:
    """Mean work of a batch when equal rows and shared prefixes are computed once."""
    counted = [_tree(shape, batch) for batch in batches]
    flops, weights = (float(np.mean(column)) for column in zip(*counted, strict=True))
    pooling = _pooling_flops(batches, shape.dim)
    return _work(flops + pooling, weights, batches, shape.dim, train)


def gather_work(shape: TTShape, batches: Batches, train: bool) -> Work:
    """Mean work of a batch when every lookup gathers its slices and multiplies them."""
    nnz = batches[0].size
    slices = sum(r_left * q * r_right for _, r_left, q, r_right in shape.core_shapes)
    flops = float(nnz * shape.flops_per_lookup) + _pooling_flops(batches, shape.dim)
    return _work(flops, float(nnz * slices), batches, shape.dim, train)


def dense_work(dim: int, batches: Batches, train: bool) -> Work:
    """Mean work of a batch in an uncompressed table: rows are read and added, and updated in training."""
    distinct = float(np.mean([len(np.unique(batch)) for batch in batches]))
    return _work(_pooling_flops(batches, dim), distinct * dim, batches, dim, train)


def reconstruct_work(shape: TTShape, batches: Batches) -> Work:
    """Work of building the whole table, then looking it up (forward only)."""
    flops, height, width = 0, shape.row_factors[0], shape.dim_factors[0]
    for p, r_left, q, r_right in shape.core_shapes[1:]:
        flops += 2 * height * width * r_left * p * q * r_right
        height, width = height * p, width * q
    table = float(shape.padded_rows * shape.dim)
    looked_up = dense_work(shape.dim, batches, train=False)
    return Work(flops + looked_up.flops, table * ITEM_BYTES + looked_up.bytes)


def _tree(shape: TTShape, batch: NDArray[np.int64]) -> tuple[float, float]:
    """FLOPs of the prefix tree of a batch's distinct rows, and the numbers in the core slices it touches."""
    prefixes = np.unique(batch)
    flops, weights = 0.0, 0.0
    width = shape.dim
    for p, r_left, q, r_right in reversed(shape.core_shapes):
        width //= q
        flops += 2.0 * len(prefixes) * width * r_left * q * r_right if r_left > 1 or width > 1 else 0.0
        weights += len(np.unique(prefixes % p)) * r_left * q * r_right
        prefixes = np.unique(prefixes // p)
    return flops, weights


def _pooling_flops(batches: Batches, dim: int) -> float:
    bags, pooling = batches[0].shape
    return float(bags * (pooling - 1) * dim)


def _work(forward_flops: float, weights: float, batches: Batches, dim: int, train: bool) -> Work:
    bags, pooling = batches[0].shape
    results = bags * dim * ITEM_BYTES
    read = bags * pooling * INDEX_BYTES + weights * ITEM_BYTES + results
    if not train:
        return Work(forward_flops, read)
    # On the way back: the gradient from above, the weights once more, and their new values.
    return Work(3 * forward_flops, read + results + 2 * weights * ITEM_BYTES)
