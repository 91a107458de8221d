"""Gradients of the slices of the second and later cores, all levels in two launches and a sort.

Nodes sorted by slice are a product of matrices for each slice, r_{k-1} × (nodes · Q_{k-1}) × q_k·r_k: that is
2·Q_{k-1}·r_{k-1}·q_k·r_k FLOPs a node, read in tiles through shared memory. A slice's gradient is written once for
each 64 nodes that use it (atomically), or once in all (`deterministic`).
"""

import numpy as np
import torch

from ttrec_kernels.cuda import geometry
from ttrec_kernels.cuda.arguments import Struct, address
from ttrec_kernels.cuda.call import Call


def slice_gradients(call: Call, trie: Struct, levels: Struct, gradients: Struct, deterministic: bool) -> None:
    """Add the gradients of one part's nodes to `gradients`, `Slots` in fp32.

    Equal inputs give equal bits if `deterministic`; else blocks add to a slice in the order in which they come.
    """
    size, tables = int(trie["size"][0]), call.tables
    keys = torch.empty(size * (tables.most_cores - 1), dtype=torch.int32, device=call.device)
    call.launch("slice_gradients", "slice_keys", geometry.per_thread(keys.numel()), trie, address(keys))
    sorted_keys, nodes = torch.sort(keys, stable=True)
    shape = geometry.slice_gradients(tables.slices, keys.numel(), *tables.largest_slice, deterministic)
    call.launch(
        "slice_gradients",
        "slice_gradients",
        shape,
        trie,
        call.weights_struct,
        levels,
        gradients,
        address(sorted_keys),
        address(nodes),
        np.int64(keys.numel()),
        0 if deterministic else geometry.SLICE_CHUNK,
    )
