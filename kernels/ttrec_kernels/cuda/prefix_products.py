"""Products of the first cores, once for each distinct prefix of the batch: a launch for each level 2 … d − 1.

A node reads its parent's product and one slice and costs 2·Q_{k-1}·r_{k-1}·q_k·r_k FLOPs: 8.2 kFLOP and 8.4 kB for the
middle core of dim factors 2,2,4 at rank 32. The backward pass makes these products again rather than keep them from
the forward pass, which makes none: its warps finish a row at a time.
"""

from ttrec_kernels.cuda.arguments import Struct
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.geometry import per_warp


def prefix_products(call: Call, trie: Struct, levels: Struct) -> None:
    """Fill the prefixes of all levels, from the shortest to the longest."""
    geometry = per_warp(int(trie["size"][0]))
    for level in range(2, call.tables.most_cores):
        call.launch("prefix_products", "prefix_products", geometry, trie, call.weights_struct, levels, level)
