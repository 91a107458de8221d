"""Lookups through a row cache in plain PyTorch: what every other backend must compute.

A row in the probe index is read from `cache_weight` and its gradient goes there alone; any other comes from the cores.
The index is open-addressing: a row's home is the top bits of row · 0x9E3779B97F4A7C15, and probing goes on to the
next entry until it meets the row or an empty one (−1).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ttrec_kernels.choices import BagMode
from ttrec_kernels.reference.lookup import lookup_bags, lookup_rows

MULTIPLIER = 0x9E3779B97F4A7C15 - 2**64
"""As a signed number: products wrap to the same bits."""


def find_slots(keys: Tensor, slots: Tensor, indices: Tensor) -> Tensor:
    """Slot (nnz) of each row of `indices` (nnz) in one table's probe index (capacity), −1 where it is not cached."""
    capacity = keys.numel()
    bits = capacity.bit_length() - 1
    rows = indices.long()
    at = (rows * MULTIPLIER >> (64 - bits)) & (capacity - 1)
    found = torch.full_like(rows, -1)
    looking = torch.arange(rows.numel(), device=rows.device)
    while looking.numel():
        entry = at[looking]
        hit = keys[entry] == rows[looking]
        found[looking[hit]] = slots[entry[hit]].long()
        looking = looking[~hit & (keys[entry] >= 0)]
        at[looking] = (at[looking] + 1) & (capacity - 1)
    return found


def lookup_cached_rows(cores: Sequence[Tensor], cache_weight: Tensor, slots: Tensor, indices: Tensor) -> Tensor:
    """Rows (nnz, dim) at `indices` (nnz): row slots[i] of `cache_weight` where that is not −1, else from the cores."""
    cached = slots >= 0
    # Partition, look up both parts, and put them back in order.
    order = torch.cat((cached.nonzero().squeeze(1), (~cached).nonzero().squeeze(1)))
    rows = torch.cat((cache_weight[slots[cached]], lookup_rows(cores, indices[~cached])))
    return torch.empty_like(rows).index_copy(0, order, rows)


def lookup_cached_bags(  # noqa: PLR0913 - those of lookup_bags and three of the cache
    cores: Sequence[Tensor],
    cache_weight: Tensor,
    keys: Tensor,
    slots: Tensor,
    indices: Tensor,
    offsets: Tensor | None,
    *,
    mode: BagMode = BagMode.SUM,
    per_sample_weights: Tensor | None = None,
    padding_idx: int | None = None,
) -> Tensor:
    """Vectors (bags, dim) as `lookup_bags` gives them; a bag may mix cached and other rows."""

    def rows(core_list: Sequence[Tensor], wanted: Tensor) -> Tensor:
        return lookup_cached_rows(core_list, cache_weight, find_slots(keys, slots, wanted), wanted)

    return lookup_bags(
        cores,
        indices,
        offsets,
        mode=mode,
        per_sample_weights=per_sample_weights,
        padding_idx=padding_idx,
        row_lookup=rows,
    )
