"""The fused optimisers' step on core slices: one launch.

Reads the gradient of every slice, and weight and state where it is not zero: 4 to 20 bytes a number.
"""

from ttrec_kernels.cuda import geometry
from ttrec_kernels.cuda.arguments import Struct, address
from ttrec_kernels.cuda.call import Call


def slice_update(call: Call, gradients: Struct, states: Struct, optimizer: Struct) -> None:
    """Apply `gradients`, `Slots` in fp32, to the weights in place."""
    shape = geometry.slice_update(call.tables.slices)
    owners = address(call.tables.owners)
    call.launch("slice_update", "slice_update", shape, call.weights_struct, gradients, states, optimizer, owners)
