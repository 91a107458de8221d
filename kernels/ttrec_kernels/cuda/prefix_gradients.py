"""Gradients of prefixes, from the rows down to the first core: two launches for each level.

A node reads its gradient and one slice and costs 2·Q_{k-1}·r_{k-1}·q_k·r_k FLOPs, as in the forward pass. Sums run in
a fixed order, without atomics.
"""

from ttrec_kernels.cuda import geometry
from ttrec_kernels.cuda.arguments import Struct
from ttrec_kernels.cuda.call import Call


def prefix_gradients(call: Call, trie: Struct, levels: Struct, gradients: Struct) -> None:
    """Fill the gradients of all levels below the rows', and add those of the first cores to `gradients`."""
    size = int(trie["size"][0])
    partials, totals = geometry.prefix_partials(size), geometry.per_warp(size)
    for level in range(call.tables.most_cores, 1, -1):
        chunk = geometry.PREFIX_CHUNK
        call.launch("prefix_gradients", "prefix_partials", partials, trie, call.weights_struct, levels, level, chunk)
        call.launch("prefix_gradients", "prefix_totals", totals, trie, levels, gradients, level, chunk)
