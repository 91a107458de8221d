"""What a planned table costs to use: arithmetic, bytes moved, optimiser state, and how slices are shared.

The counts are of one lookup on its own, without caches, bags or rows that share work: an upper bound for a batch.
Forward reads one slice of every core and writes one row. Training adds a backward pass that computes, for every
product of the forward pass, the gradients of both factors; it reads the row's gradient and the slices again and
writes the slices, updated. Adagrad also reads and writes a state of one fp32 number for each number of a slice.
"""

from dataclasses import dataclass
from math import prod

from ttrec_kernels.shapes import TTShape
from ttrec_kernels.table_plan import TablePlan

STATE_BYTES = 4
"""Of one number of Adagrad's state: fp32, whatever the table is stored in."""

BACKWARD_PRODUCTS = 2
"""Products of the size of a forward one in the backward pass: the gradients of its two factors."""


@dataclass(frozen=True)
class SliceUse:
    """How the slices of core `core`, counted from 1, are shared.

    A slice serves all rows that have its digit, `least_rows` to `most_rows`; before it come at most `most_prefixes`
    different prefixes of digits. `prefixes` is how many there are in all, this core's digit included: so many
    partial products hold for all rows.
    """

    core: int
    slices: int
    least_rows: int
    most_rows: int
    most_prefixes: int
    prefixes: int


@dataclass(frozen=True)
class Usage:
    """FLOPs and bytes of one lookup; bytes of optimiser state for the whole table; slices by core (none when dense)."""

    forward_flops: int
    train_flops: int
    forward_bytes: int
    train_bytes_sgd: int
    train_bytes_adagrad: int
    state_bytes_sgd: int
    state_bytes_adagrad: int
    slices: tuple[SliceUse, ...]


def usage(plan: TablePlan, item_bytes: int = 4) -> Usage:
    """Cost of using one planned table, numbers stored in `item_bytes` each."""
    shape = plan.shape
    flops = 0 if shape is None else shape.flops_per_lookup
    touched = plan.dim if shape is None else sum(prod(core[1:]) for core in shape.core_shapes)
    read, row = touched * item_bytes, plan.dim * item_bytes
    state = touched * STATE_BYTES
    return Usage(
        forward_flops=flops,
        train_flops=(1 + BACKWARD_PRODUCTS) * flops,
        forward_bytes=read + row,
        train_bytes_sgd=3 * read + 2 * row,
        train_bytes_adagrad=3 * read + 2 * row + 2 * state,
        state_bytes_sgd=0,
        state_bytes_adagrad=plan.parameters * STATE_BYTES,
        slices=() if shape is None else tuple(slice_use(shape, core) for core in range(shape.cores)),
    )


def slice_use(shape: TTShape, core: int) -> SliceUse:
    """How the slices of one core, counted from 0, are shared by the rows, padding left out."""
    slices = shape.row_factors[core]
    block = prod(shape.row_factors[core + 1 :])  # rows that follow each other with the same digit
    whole, rest = divmod(shape.rows, slices * block)
    return SliceUse(
        core=core + 1,
        slices=slices,
        least_rows=whole * block + min(max(rest - (slices - 1) * block, 0), block),
        most_rows=whole * block + min(rest, block),
        most_prefixes=-(-shape.rows // (slices * block)),
        prefixes=-(-shape.rows // block),
    )
