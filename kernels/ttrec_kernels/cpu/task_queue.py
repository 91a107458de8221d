"""Who does what: tasks that workers take from one queue, each the next one, until none is left.

A task is a share of a table in a phase, see `tasks`: (phase, level, table, share, shares). Which worker does it changes
nothing: each output has one task, whose sums run in a fixed order.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ttrec_kernels.cpu.compiled import compiled
from ttrec_kernels.cpu.tt_levels import multiplications
from ttrec_kernels.layout import CORES

PHASE, LEVEL, TABLE, SHARE, SHARES, TASK_COLUMNS = range(6)
"""Columns of a task."""

TRIE_COST, MULTIPLICATIONS = 3, 500
"""A lookup from cores costs what this many stored rows do, and one more for so many multiplications."""

MOST_IDLE = 1.15
"""Longest worker over the average, up to which whole tables are worth more than an even division."""


@intrinsic
def take(_, counter):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """The number (int64) at the address `counter`, which goes up by one for the next who asks."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        number = ir.IntType(64)
        place = builder.inttoptr(arguments[0], number.as_pointer())
        return builder.atomic_rmw("add", place, number(1), "monotonic")

    return types.int64(types.int64), generate


@compiled
def shares_of(tables: int, workers: int) -> Any:
    """Into how many shares to cut the work of each table, so that all workers have some."""
    return 1 if tables >= 2 * workers else workers


@compiled
def share_out(phase: int, level: int, first: int, end: int, shares: int) -> Any:
    """Tasks of tables first … end − 1, each in so many shares."""
    tasks = np.empty(((end - first) * shares, TASK_COLUMNS), dtype=np.int64)
    for number in range(len(tasks)):
        tasks[number, PHASE], tasks[number, LEVEL], tasks[number, SHARES] = phase, level, shares
        tasks[number, TABLE], tasks[number, SHARE] = first + number // shares, number % shares
    return tasks


@compiled
def order_of_whole(layout: Any, ranges: Any, workers: int) -> Any:
    """Tables, dearest first, if one worker for each of them keeps all workers busy to the end; else none.

    A worker that has a table to itself finds what it has just written in its own cache.
    """
    costs = np.empty(len(layout), dtype=np.float64)
    for table in range(len(layout)):
        cost = 1.0 if layout[table, CORES] <= 0 else TRIE_COST + multiplications(layout[table]) / MULTIPLICATIONS
        costs[table] = cost * (ranges[table, 1] - ranges[table, 0])
    order, loads = np.argsort(-costs), np.zeros(workers, dtype=np.float64)
    for table in order:
        loads[loads.argmin()] += costs[table]
    return order if loads.max() * workers <= MOST_IDLE * loads.sum() else order[:0]


@compiled
def whole_tables(phase: int, order: Any) -> Any:
    """Tasks of whole tables in that order."""
    tasks = share_out(phase, 0, 0, len(order), 1)
    tasks[:, TABLE] = order
    return tasks
