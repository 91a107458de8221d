"""The distinct rows of a batch as a trie of digits: which prefixes exist, who is whose child, who shares a slice.

A trie of n lookups in d levels lies in one int32 array, at `base`:
  order (n): lookups by row, first one first where rows are equal; leaf (n): leaf of each lookup;
  then per level: digit (n), parent (n), first_child (n + 1), by_digit (n), place (n), group (n + 1).
`first_child` of a leaf points into `order`. `by_digit` lists the nodes by digit, `place` is its inverse, and group g
of a level holds its entries group[g] … group[g + 1] − 1. What belongs to the nodes of a level lies by place: nodes
that share a slice lie together, and are multiplied where they lie. `leaf` is a place, too.
`counts` (2·d): nodes and groups of each level.
"""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import compiled, inlined
from ttrec_kernels.layout import CORE_COLUMNS, CORES, FIRST_CORE, TRIE_ARRAYS

DIGIT, PARENT, FIRST_CHILD, BY_DIGIT, PLACE, GROUP = range(TRIE_ARRAYS)


@compiled
def trie_size(n: int, levels: int) -> int:
    """int32 that a trie of `n` lookups takes."""
    return (2 + TRIE_ARRAYS * levels) * (n + 1)


@inlined
def level_array(base: int, n: int, level: int, which: int) -> int:
    """Where an array of `level` (from 0) begins."""
    return base + (2 + TRIE_ARRAYS * level + which) * (n + 1)


@compiled
def sort_by_key(keys: Any, values: Any, n: int, limit: int, spare_keys: Any, spare_values: Any) -> Any:
    """Sort `values` by `keys` (0 … limit − 1), both in place, equal keys in the order given: radix sort.

    The fewest passes of at most 12 bits, all of the same number of bits.
    """
    bits = 1
    while (limit - 1) >> bits > 0:
        bits += 1
    most = 12 if n > 1024 else 8
    passes = (bits + most - 1) // most
    bits = (bits + passes - 1) // passes
    mask = (1 << bits) - 1
    starts = np.empty(mask + 1, dtype=np.int32)
    for number in range(passes):
        if number % 2 == 0:
            _sort_by_bits(keys, values, spare_keys, spare_values, n, number * bits, mask, starts)
        else:
            _sort_by_bits(spare_keys, spare_values, keys, values, n, number * bits, mask, starts)
    if passes % 2 == 1:
        for i in range(n):
            keys[i], values[i] = spare_keys[i], spare_values[i]


@compiled
def _sort_by_bits(
    keys: Any, values: Any, sorted_keys: Any, sorted_values: Any, n: int, shift: int, mask: int, starts: Any
) -> Any:
    """One pass: by the bits of `mask` from `shift` on."""
    for bucket in range(mask + 1):
        starts[bucket] = 0
    for i in range(n):
        starts[(keys[i] >> shift) & mask] += 1
    total = np.int32(0)
    for bucket in range(mask + 1):
        count = starts[bucket]
        starts[bucket] = total
        total += count
    for i in range(n):
        bucket = (keys[i] >> shift) & mask
        place = starts[bucket]
        starts[bucket] = place + 1
        sorted_keys[place], sorted_values[place] = keys[i], values[i]


@compiled
def build_trie(line: Any, keys: Any, n: int, capacity: int, ints: Any, base: int, counts: Any) -> Any:
    """The trie of the first `n` of `ints[base:]`, lookups whose rows are `keys`, in a table laid out as `line` says.

    `capacity` is the number of lookups that the arrays have room for; `leaf` is filled for these lookups.
    """
    levels = line[CORES]
    order, leaf = ints[base : base + n], ints[base + capacity + 1 : base + 2 * (capacity + 1)]
    spare_keys, spare_values = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int32)
    padded_rows = 1
    for level in range(levels):
        padded_rows *= line[FIRST_CORE + CORE_COLUMNS * level]
    sort_by_key(keys, order, n, padded_rows, spare_keys, spare_values)
    digits, nodes = np.empty((levels, n), dtype=np.int32), spare_values
    _split(line, keys, n, padded_rows, digits)
    nodes[:] = 0
    for level in range(levels):
        counts[2 * level] = _add_nodes(level, digits[level], nodes, n, capacity, ints, base)
        counts[2 * level + 1] = _group_by_digit(line, level, counts[2 * level], capacity, ints, base)
    firsts = level_array(base, capacity, levels - 1, FIRST_CHILD)
    place = level_array(base, capacity, levels - 1, PLACE)
    for i in range(n - 1, -1, -1):  # backwards, so that the first lookup of a leaf writes last
        ints[firsts + nodes[i]] = i
        leaf[order[i]] = ints[place + nodes[i]]
    ints[firsts + counts[2 * (levels - 1)]] = n


EXACT_IN_FLOAT64 = 1 << 52
"""Quotients of smaller whole numbers are rounded down alike by a division of float64, which vector units have."""


@compiled
def _split(line: Any, rows: Any, n: int, padded_rows: int, digits: Any) -> Any:
    """Mixed-radix digits of rows, the first core's most significant, to `digits` (levels, n); `rows` are used up."""
    for level in range(len(digits) - 1, 0, -1):
        factor, column = line[FIRST_CORE + CORE_COLUMNS * level], digits[level]
        if padded_rows < EXACT_IN_FLOAT64:
            for i in range(n):
                quotient = np.int64(np.float64(rows[i]) / np.float64(factor))
                column[i] = rows[i] - quotient * factor
                rows[i] = quotient
        else:
            for i in range(n):
                quotient = rows[i] // factor
                column[i] = rows[i] - quotient * factor
                rows[i] = quotient
    for i in range(n):
        digits[0, i] = rows[i]


@compiled
def _add_nodes(level: int, digits: Any, nodes: Any, n: int, capacity: int, ints: Any, base: int) -> Any:
    """The nodes of a level, of lookups with these `digits` there and these `nodes` above, which become those of this
    level; how many there are. The nodes above are told their first child."""
    digit_at, parent_at = level_array(base, capacity, level, DIGIT), level_array(base, capacity, level, PARENT)
    above = level_array(base, capacity, level - 1, FIRST_CHILD)
    node, digit, parent = np.int32(-1), np.int32(-1), np.int32(-1)
    for i in range(n):
        is_new = (digits[i] != digit) | (nodes[i] != parent)
        node += np.int32(is_new)
        if level > 0 and nodes[i] != parent:
            ints[above + nodes[i]] = node
        digit, parent = digits[i], nodes[i]
        ints[digit_at + node], ints[parent_at + node] = digit, parent
        nodes[i] = node
    if level > 0:
        ints[above + parent + 1] = node + 1
    return node + 1


@compiled
def _group_by_digit(line: Any, level: int, nodes: int, capacity: int, ints: Any, base: int) -> Any:
    """Fill `by_digit`, `place` and `group` of a level, how many groups; nodes of one digit keep their order."""
    factor, digit_at = line[FIRST_CORE + CORE_COLUMNS * level], level_array(base, capacity, level, DIGIT)
    listed, place_of = level_array(base, capacity, level, BY_DIGIT), level_array(base, capacity, level, PLACE)
    group = level_array(base, capacity, level, GROUP)
    if factor > MOST_COUNTED * (nodes + 1):
        _sort_nodes(factor, nodes, ints, digit_at, listed, place_of)
    else:
        starts = np.zeros(factor + 1, dtype=np.int32)
        for node in range(nodes):
            starts[ints[digit_at + node] + 1] += 1
        for digit in range(factor):
            starts[digit + 1] += starts[digit]
        for node in range(nodes):
            digit = ints[digit_at + node]
            place = starts[digit]
            starts[digit] = place + 1
            ints[listed + place], ints[place_of + node] = node, place
    groups, digit = 0, -1
    for place in range(nodes):
        if ints[digit_at + ints[listed + place]] != digit:
            digit = ints[digit_at + ints[listed + place]]
            ints[group + groups] = place
            groups += 1
    ints[group + groups] = nodes
    return groups


MOST_COUNTED = 32
"""Digits a node up to which counting the nodes of every digit costs less than sorting them."""


@compiled
def _sort_nodes(factor: int, nodes: int, ints: Any, digit_at: int, listed: int, place_of: int) -> Any:
    """The nodes by digit, and their places, where there are far more digits than nodes."""
    digits, spare = np.empty(nodes, dtype=np.int64), np.empty(nodes, dtype=np.int64)
    by_digit = ints[listed : listed + nodes]
    for node in range(nodes):
        digits[node], by_digit[node] = ints[digit_at + node], node
    sort_by_key(digits, by_digit, nodes, factor, spare, np.empty(nodes, dtype=np.int32))
    for place in range(nodes):
        ints[place_of + by_digit[place]] = place
