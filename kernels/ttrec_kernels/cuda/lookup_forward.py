"""Lookup of many tables, forward: one launch.

Each lookup of a train of d cores reads its d slices, Σ r_{k-1}·q_k·r_k numbers, from cache or memory and multiplies
from the left in `TTShape.flops_per_lookup` FLOPs; a dense or cached row is dim numbers. For row factors 200,220,250,
dim factors 2,2,4 and rank 32 that is 8.96 kB, nearly all of it the middle slice, and 9.2 kFLOP: a batch of 2048 reads
18 MB a table, from the L2 cache, which holds the 2 MB of cores. No memory but the output is written.
"""

import torch
from torch import Tensor

from ttrec_kernels.cuda.arguments import address
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.geometry import per_segment


def lookup_forward(call: Call) -> Tensor:
    """Vectors (bags, tables, dim) of the weights' dtype.

    The row of a bad index is zeros; the first one is recorded in `tables.bad` for `bad_index` to raise.
    """
    tables, batch = call.tables, call.batch
    output = torch.empty(batch.bags, tables.tables, tables.dim, dtype=batch.weights[0].dtype, device=call.device)
    if call.segments == 0:
        return output
    floats = tables.dim + 2 * tables.row_prefix_floats
    geometry = per_segment(call.segments, floats, call.limits)
    scratch = torch.empty(geometry.scratch_floats, device=call.device) if geometry.scratch_floats else None
    call.launch(
        "lookup_forward",
        "lookup_forward",
        geometry,
        call.cache_struct,
        call.lookups_struct,
        call.weights_struct,
        address(scratch),
        floats,
        tables.row_prefix_floats,
        address(tables.bad),
        address(output),
    )
    return output
