"""DLRM's interaction on the CPU: the dot products of all pairs of a sample's vectors, and their gradients.

Sample by sample, so that all of one lies in the L1 cache: n vectors V (n, dim), the product V · Vᵀ, its strict lower
triangle. Back, with the triangle's gradient in L, the gradient of V is L · V + Lᵀ · V.
"""

from typing import Any

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ttrec_kernels.cpu.compiled import ITEM, compiled, compiled_parallel
from ttrec_kernels.cpu.row_vectors import add, copy
from ttrec_kernels.cpu.small_products import multiply, multiply_outer, transpose
from ttrec_kernels.cpu.threads import one_at_a_time, use_torch_threads
from ttrec_kernels.cpu.vectors import WIDTH


def interact(bottom: Tensor, looked_up: Tensor) -> Tensor:
    """(batch, dim + pairs): `bottom` (batch, dim), then the products of all pairs of it and looked_up (batch, tables,
    dim), the strict lower triangle row by row. Contiguous float32 on the CPU."""
    batch, tables, dim = looked_up.shape
    out = bottom.new_empty(batch, dim + tables * (tables + 1) // 2)
    with one_at_a_time:
        workers = use_torch_threads()
        _interact(batch, tables, dim, bottom.data_ptr(), looked_up.data_ptr(), out.data_ptr(), workers)
    return out


def interact_backward(gradient: Tensor, bottom: Tensor, looked_up: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of `bottom` and `looked_up` from that (batch, dim + pairs) of what `interact` gave."""
    batch, tables, dim = looked_up.shape
    of_bottom, of_looked_up = torch.empty_like(bottom), torch.empty_like(looked_up)
    gradient = gradient.contiguous()
    given = (gradient.data_ptr(), bottom.data_ptr(), looked_up.data_ptr())
    with one_at_a_time:
        workers = use_torch_threads()
        _interact_backward(batch, tables, dim, given, of_bottom.data_ptr(), of_looked_up.data_ptr(), workers)
    return of_bottom, of_looked_up


@compiled
def _padded(count: int) -> int:
    """`count` rounded up to whole vectors."""
    return (count + WIDTH - 1) // WIDTH * WIDTH


@compiled_parallel
def _interact(batch: int, tables: int, dim: int, bottom: int, looked_up: int, out: int, workers: int) -> Any:
    count, width = tables + 1, _padded(tables + 1)
    for worker in prange(workers):
        memory = np.zeros((2 * dim + width) * width, dtype=np.float32)
        vectors = memory.ctypes.data
        turned, products = vectors + ITEM * width * dim, vectors + 2 * ITEM * width * dim
        for sample in range(batch * worker // workers, batch * (worker + 1) // workers):
            copy(bottom + ITEM * sample * dim, vectors, dim)
            copy(looked_up + ITEM * sample * tables * dim, vectors + ITEM * dim, tables * dim)
            transpose(vectors, turned, width, dim)
            multiply(vectors, turned, products, count, dim, width)
            target = out + ITEM * sample * (dim + count * tables // 2)
            copy(vectors, target, dim)
            target += ITEM * dim
            for row in range(1, count):
                copy(products + ITEM * row * width, target, row)
                target += ITEM * row
        memory[0] = 0  # used here, or it would be freed once its address is taken


@compiled_parallel
def _interact_backward(
    batch: int, tables: int, dim: int, given: Any, of_bottom: int, of_looked_up: int, workers: int
) -> Any:
    count = tables + 1
    for worker in prange(workers):
        memory = np.zeros(count * (2 * dim + count), dtype=np.float32)
        vectors = memory.ctypes.data
        found, triangle = vectors + ITEM * count * dim, vectors + 2 * ITEM * count * dim
        for sample in range(batch * worker // workers, batch * (worker + 1) // workers):
            copy(given[1] + ITEM * sample * dim, vectors, dim)
            copy(given[2] + ITEM * sample * tables * dim, vectors + ITEM * dim, tables * dim)
            above = given[0] + ITEM * sample * (dim + count * tables // 2)
            source = above + ITEM * dim
            for row in range(1, count):  # the other half of `triangle` stays zero
                copy(source, triangle + ITEM * row * count, row)
                source += ITEM * row
            multiply(triangle, vectors, found, count, count, dim)
            multiply_outer(triangle, vectors, found, count, count, dim, True)
            add(above, found, dim, np.float32(1))
            copy(found, of_bottom + ITEM * sample * dim, dim)
            copy(found + ITEM * dim, of_looked_up + ITEM * sample * tables * dim, tables * dim)
        memory[0] = 0  # used here, or it would be freed once its address is taken
