"""A batch's lookups sorted by row, so that equal rows and equal prefixes lie side by side.

Sorting is torch's (radix sort on the GPU, which a graph can capture); keys, order and segments are 28 bytes a lookup.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ttrec_kernels.cuda.arguments import Struct, address, trie_struct
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.geometry import per_thread


@dataclass(frozen=True)
class SortedLookups:
    """Keys (nnz) from small to large, the lookup at each position (nnz), and the segment of each lookup (nnz)."""

    keys: Tensor
    order: Tensor
    segments: Tensor
    scales: Tensor | None
    """1 / lookups of each segment (tables · bags), for the mean."""


def sort_lookups(call: Call) -> SortedLookups:
    """Sort a batch; equal rows keep the order in which they were looked up."""
    keys = torch.empty(call.lookups, dtype=torch.int64, device=call.device)
    segments = torch.empty(call.lookups, dtype=torch.int32, device=call.device)
    places = call.cache_struct, call.lookups_struct, address(keys), address(segments)
    call.launch("sorted_lookups", "lookup_keys", per_thread(call.lookups), *places)
    scales = None
    if call.batch.mean and call.batch.offsets is not None:
        scales = torch.empty(call.segments, device=call.device)
        geometry = per_thread(call.segments)
        call.launch("sorted_lookups", "bag_scales", geometry, call.lookups_struct, address(scales))
    sorted_keys, order = torch.sort(keys, stable=True)
    return SortedLookups(sorted_keys, order, segments, scales)


def build_trie(call: Call, lookups: SortedLookups, begin: int, heads: Tensor) -> Struct:
    """`Trie` of the part of positions that begins at `begin`; `heads` (levels, positions), int32, is filled."""
    size = min(heads.shape[1], call.lookups - begin)
    tables = call.tables
    call.launch(
        "sorted_lookups",
        "trie_heads",
        per_thread(size),
        np.int64(call.batch.bags),
        address(lookups.keys),
        address(lookups.order),
        address(lookups.segments),
        np.int64(tables.first_train_key),
        np.int64(begin),
        size,
        address(heads),
    )
    return trie_struct(
        keys=lookups.keys,
        order=lookups.order,
        segments=lookups.segments,
        heads=heads,
        bags=call.batch.bags,
        begin=begin,
        count=call.lookups,
        first_cache_key=tables.first_cache_key,
        first_train_key=tables.first_train_key,
        size=size,
    )
