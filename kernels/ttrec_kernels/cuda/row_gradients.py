"""Gradient of each distinct row of a part: two launches, which also finish the rows that are stored as such.

Reads the output's gradient once, dim numbers a lookup, and writes dim numbers for each distinct row and chunk: bound by
memory, one addition a number read.
"""

from dataclasses import dataclass

from torch import Tensor

from ttrec_kernels.cuda.arguments import Struct, address
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.geometry import ROW_CHUNK, ceil_div, per_thread, row_lanes
from ttrec_kernels.cuda.sorted_lookups import SortedLookups


@dataclass(frozen=True)
class StoredRows:
    """What becomes of gradients to dense and cached rows: slots of dense gradients, of optimiser state, and pairs."""

    gradients: Struct
    states: Struct
    optimizer: Struct
    pair_rows: Tensor | None = None
    pair_values: Tensor | None = None


def row_gradients(
    call: Call,
    lookups: SortedLookups,
    trie: Struct,
    output_gradient: Tensor,
    stored: StoredRows,
    sums: Tensor,
    carries: tuple[Tensor, Tensor],
) -> None:
    """Fill `sums` (positions, dim), fp32, with the gradient of each row, at its first position.

    `carries` (dim) each: what the part before left of a stored row that goes on in this one, and what this one leaves.
    """
    size, lanes = int(trie["size"][0]), row_lanes(call.tables.dim)
    call.launch(
        "row_gradients",
        "row_sums",
        per_thread(ceil_div(size, ROW_CHUNK) * lanes),
        trie,
        call.lookups_struct,
        address(lookups.scales),
        address(output_gradient),
        ROW_CHUNK,
        lanes,
        address(sums),
    )
    call.launch(
        "row_gradients",
        "row_totals",
        per_thread(size * lanes),
        trie,
        call.weights_struct,
        stored.gradients,
        stored.states,
        stored.optimizer,
        ROW_CHUNK,
        lanes,
        address(sums),
        address(carries[0]),
        address(carries[1]),
        address(stored.pair_rows),
        address(stored.pair_values),
    )
