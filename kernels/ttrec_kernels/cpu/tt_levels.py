"""One level of the digit trie of one table, down for the rows, up for their gradients, one slice at a time.

Floats of a table lie at raw addresses: `products` holds L_k of levels 1 … d − 1, one block of `capacity` nodes after
the other; `messages` what each node of these levels sends to its parent, dL_k · G_kᵀ, in blocks likewise; both by the
nodes' places. The last level's L_k are the table's rows.
"""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import ITEM, compiled, inlined
from ttrec_kernels.cpu.digit_trie import BY_DIGIT, DIGIT, FIRST_CHILD, GROUP, PARENT, PLACE, level_array
from ttrec_kernels.cpu.row_vectors import add, copy, prefetch, scale
from ttrec_kernels.cpu.small_products import multiply, multiply_narrow, multiply_outer, transpose
from ttrec_kernels.cpu.update import is_linear, update
from ttrec_kernels.layout import CORE_COLUMNS, CORE_OFFSET, CORE_SLOT, CORES, FIRST_CORE, RANK_LEFT, Q

NARROW = 16
"""A slice's gradient with fewer columns is summed transposed, along its longer side."""

BYTES_AHEAD, PARENTS_AHEAD = 4096, 2
"""Slices are asked for so many bytes before their turn, the most of each at once, and so many parents of each."""

BLOCK_ROWS = 24
"""Rows of a block of nodes that share a slice: a multiple of a tile's."""


@inlined
def _core(line: Any, level: int, column: int) -> Any:
    return line[FIRST_CORE + CORE_COLUMNS * level + column]


@inlined
def rank_right(line: Any, level: int) -> Any:
    """Right rank of a core."""
    return 1 if level + 1 == line[CORES] else _core(line, level + 1, RANK_LEFT)


@inlined
def columns_before(line: Any, level: int) -> Any:
    """Columns of the prefix above `level`: q_1⋯q_{level}, levels from 0."""
    product = 1
    for k in range(level):
        product *= _core(line, k, Q)
    return product


@compiled
def block_nodes(m: int) -> Any:
    """Nodes multiplied together, of `m` rows each: enough rows for full speed, few enough for the L1 cache."""
    return max(1, BLOCK_ROWS // m)


@compiled
def scratch_size(line: Any, level: int) -> Any:
    """Floats of scratch that a level needs: two slices and a block of products and gradients."""
    m = columns_before(line, level)
    rows = block_nodes(m) * m
    rank, width = _core(line, level, RANK_LEFT), _core(line, level, Q) * rank_right(line, level)
    return 2 * rank * width + rows * (rank + width)


@inlined
def product_size(line: Any, level: int) -> Any:
    """Floats of L_k of one node."""
    return columns_before(line, level + 1) * rank_right(line, level)


@inlined
def message_size(line: Any, level: int) -> Any:
    """Floats of what one node sends to its parent."""
    return columns_before(line, level) * _core(line, level, RANK_LEFT)


@inlined
def slice_size(line: Any, level: int) -> Any:
    """Floats of one slice of a core."""
    return _core(line, level, RANK_LEFT) * _core(line, level, Q) * rank_right(line, level)


@compiled
def multiplications(line: Any) -> Any:
    """Multiplications that a row of a tensor train takes."""
    count = np.int64(0)
    for level in range(1, line[CORES]):
        count += columns_before(line, level) * slice_size(line, level)
    return count


@inlined
def products_at(line: Any, level: int, capacity: int, products: int) -> Any:
    """Address of the L_k of a level from 1."""
    for k in range(1, level):
        products += ITEM * capacity * product_size(line, k)
    return products


@inlined
def messages_at(line: Any, level: int, capacity: int, messages: int) -> Any:
    """Address of the messages of a level from 1."""
    for k in range(1, level):
        messages += ITEM * capacity * message_size(line, k)
    return messages


@inlined
def core_at(line: Any, bases: Any, level: int) -> Any:
    """Address of a core in the arrays that begin at `bases`, one per weight slot."""
    return bases[_core(line, level, CORE_SLOT)] + ITEM * _core(line, level, CORE_OFFSET)


@compiled
def multiply_level(
    line: Any, bases: Any, level: int, capacity: int, ints: Any, base: int, nodes: Any, products: int, scratch: int
) -> Any:
    """L_k of the nodes whose digits' groups begin in nodes[0] … nodes[1] − 1, `nodes[2]` groups in all."""
    rank, width = _core(line, level, RANK_LEFT), _core(line, level, Q) * rank_right(line, level)
    m, size = columns_before(line, level), slice_size(line, level)
    core, out = core_at(line, bases, level), products_at(line, level, capacity, products)
    group, by_digit = level_array(base, capacity, level, GROUP), level_array(base, capacity, level, BY_DIGIT)
    digits, block = level_array(base, capacity, level, DIGIT), block_nodes(m)
    above = _products_above(line, bases, level, capacity, base, products)
    for g in range(nodes[2]):
        if not nodes[0] <= ints[group + g] < nodes[1]:
            continue
        table_slice = core + ITEM * size * ints[digits + ints[by_digit + ints[group + g]]]
        _ask_for_coming(core, size, ints, digits, by_digit, group, g, nodes[2], above)
        if width < NARROW:
            for place in range(ints[group + g], ints[group + g + 1]):
                target = out + ITEM * m * width * place
                multiply_narrow(_parent(above, ints, place), table_slice, target, m, rank, width)
            continue
        for first in range(ints[group + g], ints[group + g + 1], block):
            count = min(block, ints[group + g + 1] - first)
            _copy_parents(above, ints, first, count, scratch)
            multiply(scratch, table_slice, out + ITEM * m * width * first, m * count, rank, width)


@inlined
def _products_above(line: Any, bases: Any, level: int, capacity: int, base: int, products: int) -> Any:
    """What `_parent` needs to know of a level: where L_{k-1} lie and their bytes, and the arrays of the way there."""
    by_digit, parents = level_array(base, capacity, level, BY_DIGIT), level_array(base, capacity, level, PARENT)
    step = ITEM * product_size(line, level - 1)
    if level == 1:  # at the first level a product is the slice itself
        return core_at(line, bases, 0), step, by_digit, parents, level_array(base, capacity, 0, DIGIT)
    where = level_array(base, capacity, level - 1, PLACE)
    return np.int64(products_at(line, level - 1, capacity, products)), step, by_digit, parents, where


@inlined
def _parent(above: Any, ints: Any, place: int) -> Any:
    """Address of L_{k-1} of the parent of the node at a place."""
    source, step, by_digit, parents, where = above
    return source + step * ints[where + ints[parents + ints[by_digit + place]]]


@inlined
def _ask_for_coming(
    core: int, size: int, ints: Any, digits: int, by_digit: int, group: int, g: int, groups: int, above: Any
) -> Any:
    """Ask for the slice of a group that comes soon, and for its first parents: they come from afar where batches are
    small."""
    coming = g + max(1, BYTES_AHEAD // (ITEM * size))
    if coming < groups:
        place, end = ints[group + coming], ints[group + coming + 1]
        prefetch(core + ITEM * size * ints[digits + ints[by_digit + place]], min(ITEM * size, BYTES_AHEAD))
        for parent in range(place, min(end, place + PARENTS_AHEAD)):
            prefetch(_parent(above, ints, parent), min(above[1], BYTES_AHEAD))


@inlined
def _copy_parents(above: Any, ints: Any, first: int, count: int, target: int) -> Any:
    """L_{k-1} of the parents of the nodes at `count` places from `first`, to `target`."""
    step = above[1]
    for i in range(count):
        copy(_parent(above, ints, first + i), target + step * i, step // ITEM)


@inlined
def _messages_below(line: Any, level: int, capacity: int, base: int, messages: int) -> Any:
    """What `_gradients_at` needs to know of a level: where its children's messages lie and their floats, and the
    arrays of the way there. Of the last level nothing is needed but the floats of a row's gradient."""
    size, by_digit = np.int64(product_size(line, level)), level_array(base, capacity, level, BY_DIGIT)
    if level + 1 == line[CORES]:
        return np.int64(0), size, by_digit, by_digit, by_digit
    children, place = level_array(base, capacity, level, FIRST_CHILD), level_array(base, capacity, level + 1, PLACE)
    return np.int64(messages_at(line, level + 1, capacity, messages)), size, by_digit, children, place


@inlined
def _gradients_at(below: Any, ints: Any, first: int, count: int, row_gradients: int, scratch: int) -> Any:
    """Address of dL_k of the nodes at `count` places from `first`: those of rows, or in `scratch`."""
    sent, size, by_digit, _, _ = below
    if sent == 0:
        return row_gradients + ITEM * size * first
    for i in range(count):
        _add_messages(below, ints, ints[by_digit + first + i], scratch + ITEM * size * i)
    return scratch


@inlined
def _add_messages(below: Any, ints: Any, node: int, target: int) -> Any:
    """dL_k of a node that is no leaf to `target`: the sum of its children's messages."""
    sent, size, _, children, place = below
    first, last = ints[children + node], ints[children + node + 1]
    copy(sent + ITEM * size * ints[place + first], target, size)
    for child in range(first + 1, last):
        add(sent + ITEM * size * ints[place + child], target, size, np.float32(1))


@compiled
def differentiate_first_level(
    line: Any, bases: Any, capacity: int, ints: Any, base: int, nodes: Any, floats: Any, scratch: int, rule: Any
) -> Any:
    """Gradients of the first core's slices, one node each; `rule` is that of `update` behind the target's address."""
    size, core = slice_size(line, 0), core_at(line, bases, 0)
    digits, below = level_array(base, capacity, 0, DIGIT), _messages_below(line, 0, capacity, base, floats[1])
    ahead = max(1, BYTES_AHEAD // (ITEM * size))
    for node in range(nodes[0], nodes[1]):
        coming = ints[digits + min(node + ahead, nodes[1] - 1)]
        prefetch(core + ITEM * size * coming, min(ITEM * size, BYTES_AHEAD))
        gradient = _gradients_at(below, ints, node, 1, floats[2], scratch)
        update(core, rule[0], ints[digits + node], size, gradient, rule[1])


@compiled
def differentiate_level(
    line: Any,
    bases: Any,
    level: int,
    capacity: int,
    ints: Any,
    base: int,
    nodes: Any,
    floats: Any,
    scratch: int,
    rule: Any,
) -> Any:
    """Gradients of the slices of a level from 1, and the messages of its nodes to their parents.

    `nodes` as in `multiply_level`; `floats` holds the addresses of products, messages and gradients of rows; `rule`
    is that of `update` behind the target's address. The old slice is read before it changes. Where a slice's nodes are
    one block, SGD's step is added to the slice at once, or to a copy that is turned as the sums are.
    """
    rank, width = _core(line, level, RANK_LEFT), _core(line, level, Q) * rank_right(line, level)
    m, size = columns_before(line, level), slice_size(line, level)
    core, messages = core_at(line, bases, level), messages_at(line, level, capacity, floats[1])
    group, by_digit = level_array(base, capacity, level, GROUP), level_array(base, capacity, level, BY_DIGIT)
    digits, block = level_array(base, capacity, level, DIGIT), block_nodes(m)
    spare_slice, turned, lefts = scratch, scratch + ITEM * size, scratch + 2 * ITEM * size
    spare, above = lefts + ITEM * block * m * rank, _products_above(line, bases, level, capacity, base, floats[0])
    below = _messages_below(line, level, capacity, base, floats[1])
    for g in range(nodes[2]):
        if not nodes[0] <= ints[group + g] < nodes[1]:
            continue
        digit, is_one_block = (
            ints[digits + ints[by_digit + ints[group + g]]],
            ints[group + g + 1] - ints[group + g] <= block,
        )
        is_step = is_one_block and is_linear(rule[0], rule[1])
        _ask_for_coming(core, size, ints, digits, by_digit, group, g, nodes[2], above)
        table_slice = core + ITEM * size * digit
        transpose(table_slice, turned, rank, width)
        sums = table_slice if is_step and width >= NARROW else spare_slice
        if is_step and width < NARROW:
            copy(turned, sums, size)
        for first in range(ints[group + g], ints[group + g + 1], block):
            count = min(block, ints[group + g + 1] - first)
            _copy_parents(above, ints, first, count, lefts)
            aboves = _gradients_at(below, ints, first, count, floats[2], spare)
            if is_step:
                scale(lefts, m * rank * count, -rule[1][1])
            is_added = is_step or first > ints[group + g]
            if width < NARROW:
                multiply_outer(aboves, lefts, sums, m * count, width, rank, is_added)
            else:
                multiply_outer(lefts, aboves, sums, m * count, rank, width, is_added)
            multiply(aboves, turned, messages + ITEM * m * rank * first, m * count, width, rank)
        if width < NARROW:
            transpose(sums, table_slice if is_step else turned, width, rank)
        if not is_step:
            update(core, rule[0], digit, size, turned if width < NARROW else sums, rule[1])
