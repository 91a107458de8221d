"""What one thread does for one table, or for a share of it, on the way forward and back.

Each output has one share that writes it, whose sums run in a fixed order: results do not depend on the number of
threads, nor on whether a table is divided. A share (share, shares) is one of bags or of a level's nodes.
"""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.arena import INTS, MESSAGES, PRODUCTS, ROW_GRADIENTS
from ttrec_kernels.cpu.bag_reading import FROM_CORES, read_lookups
from ttrec_kernels.cpu.compiled import ITEM, compiled, inlined
from ttrec_kernels.cpu.digit_trie import build_trie
from ttrec_kernels.cpu.pooling import gather_row_gradients, pool_computed, pool_stored
from ttrec_kernels.cpu.tt_levels import differentiate_first_level, differentiate_level, multiply_level
from ttrec_kernels.cpu.update import UNWANTED
from ttrec_kernels.layout import CORES


@inlined
def _of(count: int, share: int, shares: int) -> Any:
    """First and end of a share of `count`."""
    return count * share // shares, count * (share + 1) // shares


@inlined
def _nodes(memory: Any, table: int, level: int, share: int, shares: int) -> Any:
    """First and end node of a share of a level, and the level's groups."""
    begin, end = _of(memory.counts[table, 1 + 2 * level], share, shares)
    return begin, end, memory.counts[table, 2 + 2 * level]


@compiled
def read(batch: Any, memory: Any, table: int, share: int, shares: int) -> Any:
    """Read the lookups of some bags; the position of a bad index, or −1."""
    begin, end = _of(batch.bags, share, shares)
    return read_lookups(batch, memory, table, begin, end)


@compiled
def build(batch: Any, memory: Any, table: int) -> Any:
    """The trie of a table's lookups that come from its cores, if it has some."""
    if batch.layout[table, CORES] <= 0:
        return
    first, last = memory.ranges[table]
    keys, base, found = np.empty(last - first, dtype=np.int64), memory.starts[table, INTS], 0
    for place in range(first, last):
        # No branch: a processor cannot guess which rows are cached.
        keys[found], memory.ints[base + found] = memory.rows[place], place - first
        found += np.int64(memory.sources[place] == FROM_CORES)
    memory.counts[table, 0] = found
    build_trie(batch.layout[table], keys, found, memory.capacities[table], memory.ints, base, memory.counts[table, 1:])


@compiled
def pool_stored_rows(batch: Any, memory: Any, table: int, share: int, shares: int) -> Any:
    """Stored rows into some bags, see `pooling.pool_stored`."""
    begin, end = _of(batch.bags, share, shares)
    pool_stored(batch, memory, table, begin, end)


@compiled
def multiply(batch: Any, memory: Any, table: int, level: int, share: int, shares: int, worker: int) -> Any:
    """L_k of some nodes of a level from 1, if the table has that level."""
    line = batch.layout[table]
    if line[CORES] > level:
        multiply_level(
            line,
            batch.bases,
            level,
            memory.capacities[table],
            memory.ints,
            memory.starts[table, INTS],
            _nodes(memory, table, level, share, shares),
            memory.products + ITEM * memory.starts[table, PRODUCTS],
            memory.scratch[worker],
        )


@compiled
def pool_products(batch: Any, memory: Any, table: int, share: int, shares: int) -> Any:
    """Rows from cores into some bags."""
    if batch.layout[table, CORES] > 0:
        begin, end = _of(batch.bags, share, shares)
        pool_computed(batch, memory, table, begin, end)


@inlined
def wants_cores(batch: Any, gradients: Any, table: int) -> Any:
    """Whether a table has cores whose gradients are wanted."""
    return batch.layout[table, CORES] > 0 and gradients.core_targets[table].max() != UNWANTED


@inlined
def _sent(memory: Any, gradients: Any, table: int, worker: int) -> Any:
    """Addresses of a table's messages and gradients of rows: where this worker keeps one table's, or its own ones."""
    if gradients.step > 0:
        return gradients.messages + ITEM * gradients.step * worker, gradients.of_rows + ITEM * gradients.step * worker
    line = memory.starts[table]
    return gradients.messages + ITEM * line[MESSAGES], gradients.of_rows + ITEM * line[ROW_GRADIENTS]


@compiled
def gather(batch: Any, memory: Any, gradients: Any, table: int, share: int, shares: int, worker: int) -> Any:
    """Gradients of the rows of some leaves."""
    if wants_cores(batch, gradients, table):
        begin, end, _ = _nodes(memory, table, batch.layout[table, CORES] - 1, share, shares)
        of_rows = _sent(memory, gradients, table, worker)[1]
        gather_row_gradients(batch, memory, table, begin, end, gradients.of_bags, of_rows)


@compiled
def differentiate(
    batch: Any, memory: Any, gradients: Any, table: int, back: int, share: int, shares: int, worker: int
) -> Any:
    """Gradients of the slices that some nodes use, `back` levels before the last one, handed to `update`."""
    line, base, scratch = batch.layout[table], memory.starts[table, INTS], memory.scratch[worker]
    level, capacity = line[CORES] - 1 - back, memory.capacities[table]
    if level < 0 or not wants_cores(batch, gradients, table):
        return
    nodes, sent = _nodes(memory, table, level, share, shares), _sent(memory, gradients, table, worker)
    floats = (memory.products + ITEM * memory.starts[table, PRODUCTS], sent[0], sent[1])
    told = (gradients.core_targets[table, level], gradients.rule)
    if level == 0:
        differentiate_first_level(line, batch.bases, capacity, memory.ints, base, nodes, floats, scratch, told)
    else:
        differentiate_level(line, batch.bases, level, capacity, memory.ints, base, nodes, floats, scratch, told)
