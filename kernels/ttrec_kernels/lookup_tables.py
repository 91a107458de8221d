"""The tables of one module as the ops see them: their layout, their names, and what a forward pass may keep."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from ttrec_kernels.cache_plan import CacheSegment
from ttrec_kernels.layout import TRIE_ARRAYS, CachePlace, TablePlace, layout_matrix
from ttrec_kernels.table_plan import TableKind, TablePlan

KEPT_BYTES = 64 * 10**6
"""Most that a forward pass keeps for its backward pass; beyond, the prefixes are multiplied again, in parts."""


class LookupTables:
    """Tables at their places in a module's weights, in the order of the output.

    `names` tell them apart in errors. Raises `ValueError` for no tables.
    """

    def __init__(self, places: Sequence[TablePlace], names: Sequence[str]) -> None:
        if not places or len(places) != len(names):
            raise ValueError(f"as many names as tables are needed, at least one; got {len(names)} and {len(places)}")
        self.layout: Tensor = torch.from_numpy(layout_matrix(places))
        """(tables, columns), always on the CPU."""
        self.names = "\n".join(names)
        self._tables = len(places)
        self._levels = max(place.cores for place in places)
        self._ints = [2 + TRIE_ARRAYS * place.cores if place.cores else 0 for place in places]
        self._floats = [_product_floats(place) for place in places]

    def kept_bytes(self, bags: int, places: int, is_matrix: bool) -> int:
        """Bytes that the CPU keeps from a forward pass of `places` lookups; 0 if that is too much.

        Rows, sources, bags and scales of the lookups; the tries, and the products of their nodes, one set a lookup.
        """
        if is_matrix:
            ints, floats = sum(self._ints) * (bags + 1), sum(self._floats) * bags
        else:
            ints, floats = max(self._ints) * (places + self._tables), max(self._floats) * places
        header = 8 * (4 * (self._tables + 1) + self._tables * (1 + 2 * self._levels))
        if torch.compiler.is_compiling() or 4 * (ints + floats) <= KEPT_BYTES:
            return header + 24 * places + 4 * (ints + floats) + 32
        return 0


def _product_floats(place: TablePlace) -> int:
    """Numbers of L_2 … L_d of one lookup: q_1⋯q_k · r_k each."""
    if place.shape is None:
        return 0
    q, r = place.shape.dim_factors, place.shape.ranks
    return sum(prod(q[: k + 1]) * r[k + 1] for k in range(1, place.cores))


def lookup_tables_of(plans: Sequence[TablePlan], segments: Sequence[CacheSegment]) -> LookupTables | None:
    """A model's dense tables and tensor trains in weight slots: all dense rows, each core, all cached rows.

    Tables of other kinds have no place; None if there are no others. `segments` are those of the row cache, if any.
    """
    cached_in = {segment.column: segment for segment in segments}
    slot = int(any(plan.kind == TableKind.DENSE for plan in plans))
    cache_slot = slot + sum(plan.shape.cores for plan in plans if plan.kind == TableKind.TT and plan.shape is not None)
    dense_start, places, names = 0, [], []
    for column, plan in enumerate(plans):
        if plan.kind == TableKind.DENSE:
            places.append(TablePlace(plan.rows, plan.dim, None, (0,), (dense_start,)))
            dense_start += plan.rows * plan.dim
        elif plan.kind == TableKind.TT and plan.shape is not None:
            here = cached_in.get(column)
            cache = None if here is None else CachePlace(here.start, here.capacity, here.row_start, cache_slot)
            slots = tuple(range(slot, slot + plan.shape.cores))
            places.append(TablePlace(plan.rows, plan.dim, plan.shape, slots, (0,) * len(slots), cache=cache))
            slot += len(slots)
        else:
            continue
        names.append(plan.name)
    return LookupTables(places, names) if places else None
