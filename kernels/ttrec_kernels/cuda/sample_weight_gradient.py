"""Gradient of per-sample weights: one launch that makes each row again, at the cost of the forward pass.

Nothing is kept from the forward pass: its rows would be nnz · dim numbers, and this gradient is rarely asked for.
"""

import torch
from torch import Tensor

from ttrec_kernels.cuda.arguments import address
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.geometry import per_segment


def sample_weight_gradient(call: Call, output_gradient: Tensor) -> Tensor:
    """Gradient (nnz) of the sample weights from that of the output, (bags, tables, dim); zeros for padding."""
    gradient = torch.zeros(call.lookups, dtype=call.batch.weights[0].dtype, device=call.device)
    if call.segments == 0:
        return gradient
    floats = 2 * call.tables.row_prefix_floats
    geometry = per_segment(call.segments, floats, call.limits)
    scratch = torch.empty(geometry.scratch_floats, device=call.device) if geometry.scratch_floats else None
    call.launch(
        "sample_weight_gradient",
        "sample_weight_gradient",
        geometry,
        call.cache_struct,
        call.lookups_struct,
        call.weights_struct,
        address(scratch),
        floats,
        call.tables.row_prefix_floats,
        address(output_gradient),
        address(gradient),
    )
    return gradient
