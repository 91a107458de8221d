"""The whole table behind TT cores, in plain PyTorch: for tests, export and inspection of small tables."""

from collections.abc import Sequence
from math import ceil, prod

import torch
from torch import Tensor


def to_dense(cores: Sequence[Tensor], rows: int) -> Tensor:
    """Table (rows, dim) of cores (p_k, r_{k-1}, q_k, r_k), without padding rows; differentiable.

    Needs the memory of the table, and of its padding to a multiple of the last row factor.
    """
    left = torch.ones(1, 1, 1, dtype=cores[0].dtype, device=cores[0].device)
    row_factors = [core.shape[0] for core in cores]
    for k, core in enumerate(cores):
        factor, rank_left, q, rank_right = core.shape
        height, width, _ = left.shape
        matrix = core.transpose(0, 1).reshape(rank_left, factor * q * rank_right)
        product = left.reshape(height * width, rank_left) @ matrix
        product = product.view(height, width, factor, q, rank_right).transpose(1, 2)
        left = product.reshape(height * factor, width * q, rank_right)
        # Digits beyond the last row are padding: dropped before the next core multiplies their number.
        left = left[: ceil(rows / prod(row_factors[k + 1 :]))]
    return left.squeeze(2)
