"""TT lookups in plain PyTorch: what every other backend must compute.

Maths: entry (i, j) of the table is G_1[i_1, :, j_1, :] · G_2[i_2, :, j_2, :] · … · G_d[i_d, :, j_d, :], a product of
d small matrices (TT-Rec, MLSys 2021, equation 2). Core k is stored as (p_k, r_{k-1}, q_k, r_k) with r_0 = r_d = 1.

Index convention: i_1 … i_d are the digits of row i in the mixed radix p, first core most significant,
i = (i_1·p_2 + i_2)·p_3 + i_3, computed in 64 bits; column j likewise in q.

Bags: bag b holds the lookups offsets[b] … offsets[b + 1] − 1. Its vector is the sum of their rows, each times its
weight, or their mean. An empty bag gives zeros. A row looked up twice counts twice, and its gradients add up.
Lookups of `padding_idx` are left out as if they were not there: of the sum, of the mean's count, of every gradient.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ttrec_kernels.choices import BagMode

WORKSPACE_BYTES = 32 * 10**6
"""Gathered core slices of one part of a batch. It bounds the memory of inference, whatever nnz, and larger tensors
are slower: above 32 MiB glibc returns each one to the system, and its pages are cleared again at the next use."""


def lookup_rows(cores: Sequence[Tensor], indices: Tensor) -> Tensor:
    """Rows (nnz, dim) of the table at `indices` (nnz), which must be valid: ranges are not checked here."""
    indices = indices.long()
    row_factors = [core.shape[0] for core in cores]
    lookup_bytes = sum(core[0].numel() * core.element_size() for core in cores)
    chunk = max(1, WORKSPACE_BYTES // lookup_bytes)
    if torch.compiler.is_compiling() or indices.numel() <= chunk:  # an exported graph serves any number of lookups
        return _contract_slices(cores, row_digits(indices, row_factors))
    parts = [_contract_slices(cores, row_digits(part, row_factors)) for part in torch.split(indices, chunk)]
    return torch.cat(parts)


def row_digits(indices: Tensor, row_factors: Sequence[int]) -> list[Tensor]:
    """Mixed-radix digits of 64-bit indices (nnz), one tensor (nnz) per core, the most significant first."""
    digits = []
    for factor in reversed(row_factors[1:]):
        quotient = torch.div(indices, factor, rounding_mode="floor")
        digits.append(indices - quotient * factor)
        indices = quotient
    return [indices, *reversed(digits)]


def _contract_slices(cores: Sequence[Tensor], digits: Sequence[Tensor]) -> Tensor:
    """Rows (nnz, dim): the slices of all cores, multiplied from left to right in one batch per bond."""
    nnz, _, q, rank_right = digits[0].numel(), *cores[0].shape[1:]
    left = _pick_slices(cores[0], digits[0]).view(nnz, q, rank_right)
    for core, digit in zip(cores[1:], digits[1:], strict=True):
        _, _, q, rank_right = core.shape
        # Rows keep the dtype of the table under autocast, as those of torch's own embeddings do.
        with torch.autocast(left.device.type, enabled=False):
            product = torch.bmm(left, _pick_slices(core, digit))
        left = product.view(nnz, left.shape[1] * q, rank_right)
    return left.squeeze(2)


def _pick_slices(core: Tensor, digits: Tensor) -> Tensor:
    """Slices (nnz, r_{k-1}, q_k · r_k) of one core at `digits` (nnz)."""
    factor, rank_left, q, rank_right = core.shape
    # Unlike indexing, `embedding` has a backward that adds in a fixed order on a GPU too.
    return F.embedding(digits, core.view(factor, -1)).view(digits.numel(), rank_left, q * rank_right)


def lookup_bags(
    cores: Sequence[Tensor],
    indices: Tensor,
    offsets: Tensor | None,
    *,
    mode: BagMode = BagMode.SUM,
    per_sample_weights: Tensor | None = None,
    padding_idx: int | None = None,
    row_lookup: Callable[[Sequence[Tensor], Tensor], Tensor] = lookup_rows,
) -> Tensor:
    """Vectors (bags, dim) of the bags that `offsets` (bags + 1) cuts `indices` (nnz) into.

    `offsets` begins with 0, never falls and ends with nnz; None means one index per bag, which costs no pooling.
    `per_sample_weights` (nnz) multiply the rows; with the mean they do not enter its count. `row_lookup` gives the rows
    of valid indices.
    """
    if offsets is None and per_sample_weights is None and padding_idx is None:
        return row_lookup(cores, indices)
    if offsets is None:
        bags = indices.numel()
        bag_of = torch.arange(bags, device=indices.device)
    else:
        bags = offsets.numel() - 1
        bag_of = _bag_of(offsets, indices.numel())
    if padding_idx is not None:
        kept = indices != padding_idx
        indices, bag_of = indices[kept], bag_of[kept]
        per_sample_weights = None if per_sample_weights is None else per_sample_weights[kept]
    rows = row_lookup(cores, indices)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(1)
    return _pool(rows, bag_of, bags, mode)


def _bag_of(offsets: Tensor, nnz: int) -> Tensor:
    """Bag (nnz) of each lookup from offsets (bags + 1)."""
    if torch.compiler.is_compiling():  # a traced graph cannot repeat by values
        return torch.searchsorted(offsets[1:], torch.arange(nnz, device=offsets.device), right=True)
    return torch.arange(offsets.numel() - 1, device=offsets.device).repeat_interleave(offsets.diff(), output_size=nnz)


def _pool(rows: Tensor, bag_of: Tensor, bags: int, mode: BagMode) -> Tensor:
    """Sum or mean (bags, dim) of `rows` (nnz, dim) over those of the same `bag_of` (nnz); empty bags are zeros."""
    sums = rows.new_zeros(bags, rows.shape[1]).index_add_(0, bag_of, rows)
    if mode == BagMode.SUM:
        return sums
    counts = rows.new_zeros(bags).index_add_(0, bag_of, torch.ones_like(bag_of, dtype=rows.dtype)).clamp(min=1)
    return sums / counts.unsqueeze(1)
