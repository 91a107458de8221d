"""Lookups of many tables at once, made up: what a `TablesContract` gives to a backend."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import torch
from torch import Tensor

from ttrec_kernels import TTShape
from ttrec_kernels.layout import NONE, CachePlace, TablePlace, flat_offsets, layout_matrix

HASH_MULTIPLIER = 0x9E3779B97F4A7C15

SHAPES = {
    "one row": TTShape(1, 4, (1, 1, 1), (2, 1, 2), (1, 3, 2, 1)),
    "prime": TTShape(101, 7, (5, 3, 7), (1, 7, 1), (1, 5, 4, 1)),
    "2^k - 1": TTShape(127, 8, (4, 8, 4), (2, 2, 2), (1, 7, 15, 1)),
    "rank 1": TTShape(60, 6, (3, 4, 5), (3, 1, 2), (1, 1, 1, 1)),
    "two cores": TTShape(35, 6, (5, 7), (2, 3), (1, 9, 1)),
    "five cores": TTShape(95, 4, (2, 3, 2, 2, 4), (1, 2, 1, 2, 1), (1, 2, 3, 5, 2, 1)),
    "dim 1": TTShape(50, 1, (4, 4, 4), (1, 1, 1), (1, 3, 3, 1)),
    "rank 33": TTShape(24, 4, (2, 3, 4), (2, 1, 2), (1, 33, 33, 1)),
    "beyond 2^32 rows": TTShape(2**32 + 5, 4, (86, 85, 85, 85, 85), (2, 1, 1, 2, 1), (1, 2, 3, 2, 2, 1)),
    "row factors above a slice": TTShape(70 * 300, 1, (300, 70), (1, 1), (1, 2, 1)),
    "dim 64": TTShape(120, 64, (4, 5, 6), (4, 4, 4), (1, 8, 8, 1)),
}


@dataclass(frozen=True)
class Table:
    """One table of a made-up model; without a shape it is dense. `cached` rows also lie uncompressed in a cache."""

    rows: int
    dim: int
    shape: TTShape | None = None
    padding_idx: int = NONE
    cached: int = 0

    @staticmethod
    def of(shape: TTShape, **options: int) -> "Table":
        return Table(shape.rows, shape.dim, shape, **options)


@dataclass(frozen=True)
class Lookup:
    """All that one call needs. `indices` (bags, tables), or 1-D with `offsets` (tables · bags + 1), table by table."""

    places: tuple[TablePlace, ...]
    dim: int
    weights: tuple[Tensor, ...]
    cache_keys: Tensor
    cache_slots: Tensor
    indices: Tensor
    offsets: Tensor | None
    bags: int
    sample_weights: Tensor | None = None
    mean: bool = False

    @property
    def matrix(self) -> np.ndarray:
        return layout_matrix(self.places)

    def to(self, device: str) -> "Lookup":
        """The same inputs on a device, copied, so that a backend may change its weights in place."""
        move = {name: _moved(getattr(self, name), device) for name in _TENSORS}
        return replace(self, **move, weights=tuple(_moved(weight, device) for weight in self.weights))


_TENSORS = ("cache_keys", "cache_slots", "indices", "offsets", "sample_weights")


def _moved(tensor: Tensor | None, device: str) -> Tensor | None:
    return None if tensor is None else tensor.clone().to(device)


def fresh_generator() -> torch.Generator:
    """A generator with a new seed, shown when the test fails."""
    seed = secrets.randbits(32)
    print(f"torch.Generator().manual_seed({seed})")  # noqa: T201
    return torch.Generator().manual_seed(seed)


def pack(
    tables: Sequence[Table], generator: torch.Generator, *, core_slots: bool = False, dtype: torch.dtype = torch.float32
) -> Lookup:
    """The tables with random weights and no lookups yet.

    Slots: all dense rows, all cores flat, all cache rows; with `core_slots`, which is for one tensor train alone, a
    slot for each core and one for the cache rows.
    """
    dim = tables[0].dim
    places, keys, slots = _places(tables, generator, core_slots)
    if core_slots:
        sizes = [tuple(size) for size in tables[0].shape.core_shapes]
    else:
        dense_rows = sum(table.rows for table in tables if table.shape is None)
        numbers = sum(prod(size) for table in tables if table.shape for size in table.shape.core_shapes)
        sizes = [(dense_rows, dim), (numbers,)]
    sizes.append((sum(table.cached for table in tables), dim))
    weights = tuple(torch.randn(size, generator=generator).to(dtype) for size in sizes)
    nothing = torch.zeros(0, len(tables), dtype=torch.int64)
    return Lookup(places, dim, weights, keys, slots, nothing, None, 0)


def _places(
    tables: Sequence[Table], generator: torch.Generator, core_slots: bool
) -> tuple[tuple[TablePlace, ...], Tensor, Tensor]:
    offsets = iter(flat_offsets([table.shape for table in tables if table.shape is not None]))
    cache_slot = tables[0].shape.cores if core_slots else 2
    places, keys, slots = [], [], []
    dense_start = cache_row = 0
    for table in tables:
        cache = None
        if table.cached:
            entry_keys, entry_slots = _hash_index(table, generator)
            cache = CachePlace(len(keys), len(entry_keys), cache_row, cache_slot)
            keys += entry_keys
            slots += entry_slots
            cache_row += table.cached
        if table.shape is None:
            where = (0,), (dense_start * table.dim,)
            dense_start += table.rows
        elif core_slots:
            where = tuple(range(table.shape.cores)), (0,) * table.shape.cores
        else:
            where = (1,) * table.shape.cores, next(offsets)
        places.append(TablePlace(table.rows, table.dim, table.shape, *where, table.padding_idx, cache))
    return tuple(places), torch.tensor(keys, dtype=torch.int64), torch.tensor(slots, dtype=torch.int32)


def _hash_index(table: Table, generator: torch.Generator) -> tuple[list[int], list[int]]:
    """Open addressing at most half full; cached rows are spread over the table, and the last one is among them."""
    capacity = 2
    while capacity < 2 * table.cached:
        capacity *= 2
    rows = {table.rows - 1} | {int(torch.randint(table.rows, (1,), generator=generator)) for _ in range(table.cached)}
    keys, slots = [NONE] * capacity, [0] * capacity
    for slot, row in enumerate(sorted(rows, reverse=True)[: table.cached]):
        entry = (row * HASH_MULTIPLIER % 2**64) >> (64 - (capacity.bit_length() - 1))
        while keys[entry] != NONE:
            entry = (entry + 1) % capacity
        keys[entry], slots[entry] = row, slot
    return keys, slots


def with_matrix(lookup: Lookup, bags: int, generator: torch.Generator, **changes: object) -> Lookup:
    """One random index for each bag and table."""
    columns = [torch.randint(place.rows, (bags, 1), generator=generator) for place in lookup.places]
    return replace(lookup, indices=torch.cat(columns, dim=1), offsets=None, bags=bags, **changes)


def with_bags(
    lookup: Lookup, sizes: Sequence[int], generator: torch.Generator, *, weighted: bool = False, **changes: object
) -> Lookup:
    """Random indices in bags of `sizes`, the same for each table; half of the lookups repeat an earlier one."""
    parts = []
    for place in lookup.places:
        drawn = torch.randint(place.rows, (sum(sizes),), generator=generator)
        again = torch.randint(2, (sum(sizes),), generator=generator).bool()
        parts.append(torch.where(again, drawn[: max(1, sum(sizes) // 3)].repeat(4)[: sum(sizes)], drawn))
    indices = torch.cat(parts)
    offsets = torch.tensor([0, *list(sizes) * len(lookup.places)]).cumsum(0)
    weights = torch.randn(indices.numel(), generator=generator).to(lookup.weights[0].dtype) if weighted else None
    return replace(lookup, indices=indices, offsets=offsets, bags=len(sizes), sample_weights=weights, **changes)


def _random(shape: TTShape, generator: torch.Generator) -> Lookup:
    return with_matrix(pack([Table.of(shape)], generator), 11, generator)


def _empty_bags(shape: TTShape, generator: torch.Generator) -> Lookup:
    return with_bags(pack([Table.of(shape)], generator), (0, 1, 3, 0, 0, 5, 0), generator, weighted=True)


def _repeated(shape: TTShape, generator: torch.Generator) -> Lookup:
    lookup = with_bags(pack([Table.of(shape)], generator), (3, 40), generator, mean=True)
    return replace(lookup, indices=lookup.indices[:1].repeat(43))


def _last_row(shape: TTShape, generator: torch.Generator) -> Lookup:
    lookup = with_bags(pack([Table.of(shape)], generator, core_slots=True), (1, 1, 4), generator)
    indices = lookup.indices.clone()
    indices[:2] = torch.tensor([shape.rows - 1, 0])
    return replace(lookup, indices=indices)


def _padding(shape: TTShape, generator: torch.Generator) -> Lookup:
    table = Table.of(shape, padding_idx=int(torch.randint(shape.rows, (1,), generator=generator)))
    lookup = with_bags(pack([table], generator), (1, 5, 4), generator, mean=True)
    indices = lookup.indices.clone()
    indices[[0, 2, 4]] = table.padding_idx
    return replace(lookup, indices=indices)


def _padding_weights(shape: TTShape, generator: torch.Generator) -> Lookup:
    table = Table.of(shape, padding_idx=shape.rows - 1)
    lookup = with_bags(pack([table], generator), (2, 4), generator, weighted=True)
    indices = lookup.indices.clone()
    indices[[1, 3]] = table.padding_idx
    return replace(lookup, indices=indices)


def _cached(shape: TTShape, generator: torch.Generator) -> Lookup:
    table = Table.of(shape, cached=min(5, shape.rows))
    lookup = with_bags(pack([table], generator), (2, 6, 1), generator, weighted=True)
    indices = lookup.indices.clone()
    hot = lookup.cache_keys[lookup.cache_keys >= 0]
    indices[[0, 3, 5]] = hot[torch.randint(hot.numel(), (3,), generator=generator)]
    return replace(lookup, indices=indices)


def _many_left_out(shape: TTShape, generator: torch.Generator) -> Lookup:
    """Lookups that need no product, cached and padding, lie anywhere among many that do."""
    table = Table.of(
        shape, padding_idx=int(torch.randint(shape.rows, (1,), generator=generator)), cached=min(3, shape.rows)
    )
    lookup = with_bags(pack([table], generator), (30, 0, 47), generator, weighted=True)
    indices = lookup.indices.clone()
    indices[::3] = table.padding_idx
    hot = lookup.cache_keys[lookup.cache_keys >= 0]
    indices[1::4] = hot[torch.randint(hot.numel(), (indices[1::4].numel(),), generator=generator)]
    return replace(lookup, indices=indices)


def _no_bags(shape: TTShape, generator: torch.Generator) -> Lookup:
    return with_bags(pack([Table.of(shape)], generator), (), generator)


def _only_empty_bags(shape: TTShape, generator: torch.Generator) -> Lookup:
    return with_bags(pack([Table.of(shape)], generator), (0, 0, 0), generator, mean=True)


CASES: dict[str, Callable[[TTShape, torch.Generator], Lookup]] = {
    "random": _random,
    "empty bags, weights": _empty_bags,
    "all the same, mean": _repeated,
    "last row": _last_row,
    "padding, mean": _padding,
    "padding, weights": _padding_weights,
    "cached rows": _cached,
    "many left out": _many_left_out,
    "no bags": _no_bags,
    "only empty bags": _only_empty_bags,
}


def mixed_tables() -> list[Table]:
    """Tables of one dim and every kind: dense, trains of 3 and 5 cores, with and without cache and padding."""
    return [
        Table(5, 4),
        Table.of(SHAPES["five cores"], padding_idx=3),
        Table.of(SHAPES["beyond 2^32 rows"], cached=3),
        Table(1, 4, padding_idx=0),
        Table.of(SHAPES["rank 33"], cached=2),
        Table.of(SHAPES["one row"]),
        Table(300, 4),
    ]
