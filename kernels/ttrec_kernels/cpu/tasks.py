"""What workers do, phase by phase, as machine code that is called by its address.

A table as a whole goes FORWARD and BACKWARD; one that is divided goes through the phases from READ on, each of which
waits for the one before. A loop that called them by name would be compiled anew with all that they call.
"""

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ttrec_kernels.cpu import table_work as work
from ttrec_kernels.cpu.compiled import at_address
from ttrec_kernels.cpu.pooling import differentiate_weights
from ttrec_kernels.cpu.records import batch_of, gradients_of, memory_of
from ttrec_kernels.cpu.stored_rows import update_stored_rows
from ttrec_kernels.layout import CORES

FILL, FORWARD, READ, BUILD, START, MULTIPLY, POOL = range(7)
"""Phases forward. FILL reads, builds and multiplies a whole table, FORWARD pools it too. In START the first share
builds the trie, and the others pool stored rows: one thread's trie goes well with another one's rows."""

BACKWARD, WEIGHTS, GATHER, DIFFERENTIATE, STORED = range(5)
"""Phases back."""

_TASK = types.int64(*[types.int64] * 7)


def _go_forward(frame: int, phase: int, level: int, table: int, share: int, shares: int, worker: int) -> Any:
    """A share's phase forward; the position of a bad index, or −1. `level` matters to MULTIPLY."""
    batch, memory, bad = batch_of(frame), memory_of(frame), np.int64(-1)
    is_whole, levels = phase in (FILL, FORWARD), (level, level + 1)
    if is_whole or phase == READ:
        bad = work.read(batch, memory, table, share, shares)
    if is_whole or phase == BUILD or (phase == START and share == 0):
        work.build(batch, memory, table)
    if phase == FORWARD or (phase == START and share > 0):
        of = (share, shares) if is_whole else (share - 1, shares - 1)
        work.pool_stored_rows(batch, memory, table, of[0], of[1])
    if is_whole:
        levels = (1, batch.layout[table, CORES])
    for now in range(levels[0], levels[1] if is_whole or phase == MULTIPLY else 0):
        work.multiply(batch, memory, table, now, share, shares, worker)
    if phase in (FORWARD, POOL):
        work.pool_products(batch, memory, table, share, shares)
    return bad


def _go_back(frame: int, phase: int, level: int, table: int, share: int, shares: int, worker: int) -> Any:
    """A share's phase back. `level` matters to DIFFERENTIATE, and counts from the last one."""
    batch, memory, gradients, levels = batch_of(frame), memory_of(frame), gradients_of(frame), (level, level + 1)
    if phase in (BACKWARD, WEIGHTS) and len(gradients.of_weights) > 0:
        differentiate_weights(batch, memory, table, gradients.of_bags, gradients.of_weights)
    if phase in (BACKWARD, GATHER):
        work.gather(batch, memory, gradients, table, share, shares, worker)
    if phase == BACKWARD:
        levels = (0, batch.layout[table, CORES])
    for now in range(levels[0], levels[1] if phase in (BACKWARD, DIFFERENTIATE) else 0):
        work.differentiate(batch, memory, gradients, table, now, share, shares, worker)
    if phase in (BACKWARD, STORED):
        update_stored_rows(batch, memory, gradients, table, share, shares)
    return np.int64(-1)


@cache
def addresses() -> tuple[int, int]:
    """Where a task forward and one back begin: compiled, or read from the cache, when first asked for."""
    return at_address(_go_forward, _TASK), at_address(_go_back, _TASK)


@intrinsic
def perform(_, task, frame, phase, level, table, share, shares, worker):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """Call the `task` at an address with the other numbers; what it returns."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        number = ir.IntType(64)
        kind = ir.FunctionType(number, [number] * 7)
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    return types.int64(*[types.int64] * 8), generate
