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
    counts[:] = 0
    digits, previous = np.empty(levels, dtype=np.int64), np.full(levels, -1, dtype=np.int64)
    for i in range(n):
        if i == 0 or keys[i] != keys[i - 1]:
            _split(line, keys[i], digits)
            _add_row(levels, digits, previous, i, capacity, ints, base, counts)
            previous[:] = digits
        leaf[order[i]] = counts[2 * (levels - 1)] - 1
    for level in range(levels):
        last = n if level == levels - 1 else counts[2 * (level + 1)]
        ints[level_array(base, capacity, level, FIRST_CHILD) + counts[2 * level]] = last
        _group_by_digit(line, level, capacity, ints, base, counts, spare_keys, spare_values)
    place = level_array(base, capacity, levels - 1, PLACE)
    for i in range(n):
        leaf[order[i]] = ints[place + leaf[order[i]]]


@inlined
def _split(line: Any, row: int, digits: Any) -> Any:
    """Mixed-radix digits of a row, the first core's most significant."""
    rest = row
    for level in range(len(digits) - 1, 0, -1):
        factor = line[FIRST_CORE + CORE_COLUMNS * level]
        quotient = rest // factor
        digits[level] = rest - quotient * factor
        rest = quotient
    digits[0] = rest


@inlined
def _add_row(
    levels: int, digits: Any, previous: Any, place: int, capacity: int, ints: Any, base: int, counts: Any
) -> Any:
    """Add the nodes that a row of `digits` has and the row before it, of digits `previous`, has not."""
    level = 0
    while digits[level] == previous[level]:
        level += 1
    while level < levels:
        node = counts[2 * level]
        counts[2 * level] = node + 1
        ints[level_array(base, capacity, level, DIGIT) + node] = digits[level]
        ints[level_array(base, capacity, level, PARENT) + node] = counts[2 * (level - 1)] - 1 if level > 0 else 0
        child = place if level == levels - 1 else counts[2 * (level + 1)]
        ints[level_array(base, capacity, level, FIRST_CHILD) + node] = child
        level += 1


@compiled
def _group_by_digit(
    line: Any, level: int, capacity: int, ints: Any, base: int, counts: Any, keys: Any, spare: Any
) -> Any:
    """Fill `by_digit`, `place` and `group` of a level; nodes of one digit keep their order."""
    nodes = counts[2 * level]
    digits = level_array(base, capacity, level, DIGIT)
    listed = level_array(base, capacity, level, BY_DIGIT)
    group, place_of = level_array(base, capacity, level, GROUP), level_array(base, capacity, level, PLACE)
    by_digit = ints[listed : listed + nodes]
    sorted_digits, spare_keys = np.empty(nodes, dtype=np.int64), keys
    for node in range(nodes):
        by_digit[node] = node
        sorted_digits[node] = ints[digits + node]
    if level > 0:  # the first level's nodes are their digits, in order
        sort_by_key(sorted_digits, by_digit, nodes, line[FIRST_CORE + CORE_COLUMNS * level], spare_keys, spare)
    groups = 0
    for place in range(nodes):
        ints[place_of + by_digit[place]] = place
        if place == 0 or sorted_digits[place] != sorted_digits[place - 1]:
            ints[group + groups] = place
            groups += 1
    ints[group + groups] = nodes
    counts[2 * level + 1] = groups
