"""One level of the digit trie of one table, down for the rows, up for their gradients, one slice at a time.

Floats of a table lie at raw addresses: `products` holds L_k of levels 1 … d − 1, one block of `capacity` nodes after
the other; `messages` what each node of these levels sends to its parent, dL_k · G_kᵀ, in blocks likewise. The last
level's L_k are the table's rows.
"""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import ITEM, compiled
from ttrec_kernels.cpu.digit_trie import BY_DIGIT, DIGIT, FIRST_CHILD, GROUP, PARENT, level_array
from ttrec_kernels.cpu.small_products import (
    add,
    add_outer,
    clear,
    copy,
    multiply,
    multiply_transposed,
    transpose,
)
from ttrec_kernels.cpu.update import update
from ttrec_kernels.layout import CORE_COLUMNS, CORE_OFFSET, CORE_SLOT, CORES, FIRST_CORE, RANK_LEFT, Q

NARROW = 16
"""Below so many columns a product is faster as dot products with the transposed slice."""

BLOCK_ROWS = 16
"""Rows of a block of nodes that share a slice."""


@compiled
def _core(line: Any, level: int, column: int) -> Any:
    return line[FIRST_CORE + CORE_COLUMNS * level + column]


@compiled
def rank_right(line: Any, level: int) -> Any:
    """Right rank of a core."""
    return 1 if level + 1 == line[CORES] else _core(line, level + 1, RANK_LEFT)


@compiled
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
    """Floats of scratch that a level needs: two slices and a block of products, gradients and messages."""
    m = columns_before(line, level)
    rows = block_nodes(m) * m
    rank, width = _core(line, level, RANK_LEFT), _core(line, level, Q) * rank_right(line, level)
    return 2 * rank * width + rows * (2 * rank + width)


@compiled
def product_size(line: Any, level: int) -> Any:
    """Floats of L_k of one node."""
    return columns_before(line, level + 1) * rank_right(line, level)


@compiled
def message_size(line: Any, level: int) -> Any:
    """Floats of what one node sends to its parent."""
    return columns_before(line, level) * _core(line, level, RANK_LEFT)


@compiled
def slice_size(line: Any, level: int) -> Any:
    """Floats of one slice of a core."""
    return _core(line, level, RANK_LEFT) * _core(line, level, Q) * rank_right(line, level)


@compiled
def products_at(line: Any, level: int, capacity: int, products: int) -> Any:
    """Address of the L_k of a level from 1."""
    for k in range(1, level):
        products += ITEM * capacity * product_size(line, k)
    return products


@compiled
def messages_at(line: Any, level: int, capacity: int, messages: int) -> Any:
    """Address of the messages of a level from 1."""
    for k in range(1, level):
        messages += ITEM * capacity * message_size(line, k)
    return messages


@compiled
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
    parents, digits = level_array(base, capacity, level, PARENT), level_array(base, capacity, level, DIGIT)
    block = block_nodes(m)
    lefts, outs = scratch + ITEM * size, scratch + ITEM * (size + block * m * rank)
    for g in range(nodes[2]):
        if not nodes[0] <= ints[group + g] < nodes[1]:
            continue
        table_slice = core + ITEM * size * ints[digits + ints[by_digit + ints[group + g]]]
        if width < NARROW:
            transpose(table_slice, scratch, rank, width)
        for first in range(ints[group + g], ints[group + g + 1], block):
            count = min(block, ints[group + g + 1] - first)
            for i in range(count):
                parent = ints[parents + ints[by_digit + first + i]]
                left = _product_of(line, bases, level - 1, capacity, ints, base, parent, products)
                copy(left, lefts + ITEM * m * rank * i, m * rank)
            if width < NARROW:
                multiply_transposed(lefts, scratch, outs, m * count, rank, width)
            else:
                multiply(lefts, table_slice, outs, m * count, rank, width)
            for i in range(count):
                node = ints[by_digit + first + i]
                copy(outs + ITEM * m * width * i, out + ITEM * m * width * node, m * width)


@compiled
def _product_of(
    line: Any, bases: Any, level: int, capacity: int, ints: Any, base: int, node: int, products: int
) -> Any:
    """Address of L_k of a node; at the first level it is the slice itself."""
    if level == 0:
        digit = ints[level_array(base, capacity, 0, DIGIT) + node]
        return core_at(line, bases, 0) + ITEM * slice_size(line, 0) * digit
    return products_at(line, level, capacity, products) + ITEM * product_size(line, level) * node


@compiled
def _copy_gradient(
    line: Any, level: int, capacity: int, ints: Any, base: int, node: int, floats: Any, target: int
) -> Any:
    """dL_k of a node to `target`: that of its row, or the sum of its children's messages."""
    size = product_size(line, level)
    if level + 1 == line[CORES]:
        copy(floats[2] + ITEM * size * node, target, size)
        return
    children = level_array(base, capacity, level, FIRST_CHILD) + node
    first, last = ints[children], ints[children + 1]
    sent = messages_at(line, level + 1, capacity, floats[1])
    copy(sent + ITEM * size * first, target, size)
    for child in range(first + 1, last):
        add(sent + ITEM * size * child, target, size, np.float32(1))


@compiled
def differentiate_first_level(
    line: Any, bases: Any, capacity: int, ints: Any, base: int, nodes: Any, floats: Any, scratch: int, rule: Any
) -> Any:
    """Gradients of the first core's slices, one node each; `rule` is that of `update` behind the target's address."""
    size, core = slice_size(line, 0), core_at(line, bases, 0)
    digits = level_array(base, capacity, 0, DIGIT)
    for node in range(nodes[0], nodes[1]):
        _copy_gradient(line, 0, capacity, ints, base, node, floats, scratch)
        update(core, rule[0], ints[digits + node], size, scratch, rule[1])


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
    is that of `update` behind the target's address. The old slice is read before `update` changes it.
    """
    rank, width = _core(line, level, RANK_LEFT), _core(line, level, Q) * rank_right(line, level)
    m, size = columns_before(line, level), slice_size(line, level)
    core, messages = core_at(line, bases, level), messages_at(line, level, capacity, floats[1])
    group, by_digit = level_array(base, capacity, level, GROUP), level_array(base, capacity, level, BY_DIGIT)
    parents, digits = level_array(base, capacity, level, PARENT), level_array(base, capacity, level, DIGIT)
    block = block_nodes(m)
    gradient_at, turned, lefts = scratch, scratch + ITEM * size, scratch + 2 * ITEM * size
    aboves = lefts + ITEM * block * m * rank
    sents = aboves + ITEM * block * m * width
    for g in range(nodes[2]):
        if not nodes[0] <= ints[group + g] < nodes[1]:
            continue
        digit = ints[digits + ints[by_digit + ints[group + g]]]
        table_slice = core + ITEM * size * digit
        if width < NARROW:
            transpose(table_slice, turned, rank, width)
        clear(gradient_at, size)
        for first in range(ints[group + g], ints[group + g + 1], block):
            count = min(block, ints[group + g + 1] - first)
            for i in range(count):
                node = ints[by_digit + first + i]
                left = _product_of(line, bases, level - 1, capacity, ints, base, ints[parents + node], floats[0])
                copy(left, lefts + ITEM * m * rank * i, m * rank)
                _copy_gradient(line, level, capacity, ints, base, node, floats, aboves + ITEM * m * width * i)
            if width < NARROW:
                add_outer(aboves, lefts, gradient_at, m * count, width, rank)
                multiply(aboves, turned, sents, m * count, width, rank)
            else:
                add_outer(lefts, aboves, gradient_at, m * count, rank, width)
                multiply_transposed(aboves, table_slice, sents, m * count, width, rank)
            for i in range(count):
                node = ints[by_digit + first + i]
                copy(sents + ITEM * m * rank * i, messages + ITEM * m * rank * node, m * rank)
        if width < NARROW:
            transpose(gradient_at, turned, width, rank)
            update(core, rule[0], digit, size, turned, rule[1])
        else:
            update(core, rule[0], digit, size, gradient_at, rule[1])
