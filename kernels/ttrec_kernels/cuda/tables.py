"""The layout of a lookup on a device, with all that kernels and launches need to know about it beforehand."""

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ttrec_kernels import layout
from ttrec_kernels.errors import BackendError

MOST_CORES = 64
MOST_SLOTS = 160
"""Weight slots, whose addresses kernels take by value, as tables.cuh has it."""

_Matrix = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DeviceTables:
    """Tables of one layout on one device.

    Keys number the rows of dense tables, then the cache rows, then the rows of tensor trains; slices number the
    digits of all cores.
    """

    lines: Tensor
    """(tables, columns): the layout and, per table, first key, first cache key and, per core, first slice, rows below
    one digit, and first row-wise state within the weight slot."""
    owners: Tensor
    """(slices), int32: table · 64 + core of each slice."""
    bad: Tensor
    """(3), int64: code, table and index of the first bad index, zeros at first (see `bad_index`)."""
    rows: tuple[int, ...]
    dense_tables: int
    dim: int
    most_cores: int
    first_cache_key: int
    first_train_key: int
    widths: tuple[int, ...]
    """Floats of a node's product of the first k cores, the most of any table; of level 0, the row's dim."""
    row_prefix_floats: int
    """Floats of the largest product while one row is made from the left."""
    largest_slice: tuple[int, int]
    """Most rows and most columns of a slice."""
    train_slots: frozenset[int]
    row_slots: frozenset[int]
    cache_slots: frozenset[int]

    @property
    def tables(self) -> int:
        """How many there are."""
        return len(self.rows)

    @property
    def slices(self) -> int:
        """Slices of all cores."""
        return self.owners.numel()

    @property
    def device(self) -> torch.device:
        """Where the tables are."""
        return self.lines.device


def prepare_tables(matrix: _Matrix, dim: int, device: torch.device | str) -> DeviceTables:
    """Put a layout (tables, columns) on a device, once: later calls with an equal one return the same object."""
    return _prepare(matrix.tobytes(), matrix.shape[0], dim, str(device))


@lru_cache(maxsize=64)
def _prepare(numbers: bytes, tables: int, dim: int, device: str) -> DeviceTables:
    matrix = np.frombuffer(numbers, dtype=np.int64).reshape(tables, -1)
    most_cores = (matrix.shape[1] - layout.FIRST_CORE) // layout.CORE_COLUMNS
    _check_sizes(most_cores)
    kinds, cores = matrix[:, layout.KIND], _core_table(matrix, most_cores)
    keys, first_cache_key, first_train_key = _first_keys(matrix, cores)
    extra = np.concatenate([keys, cores.extra.reshape(tables, -1)], axis=1)
    lines = np.ascontiguousarray(np.concatenate([matrix, extra], axis=1))
    slots = matrix[:, layout.SLOT][kinds == layout.DENSE]
    return DeviceTables(
        lines=torch.from_numpy(lines).to(device),
        owners=torch.from_numpy(cores.owners).to(device),
        bad=torch.zeros(3, dtype=torch.int64, device=device),
        rows=tuple(int(rows) for rows in matrix[:, layout.ROWS]),
        dense_tables=int((kinds == layout.DENSE).sum()),
        dim=dim,
        most_cores=most_cores,
        first_cache_key=first_cache_key,
        first_train_key=first_train_key,
        widths=(dim, *cores.widths),
        row_prefix_floats=max([dim if most_cores else 0, *cores.widths[1:]]),
        largest_slice=cores.largest_slice,
        train_slots=frozenset(cores.slots),
        row_slots=frozenset(int(slot) for slot in slots),
        cache_slots=frozenset(int(line[layout.CACHE_SLOT]) for line in matrix if line[layout.CACHE_START] >= 0),
    )


def _check_sizes(most_cores: int) -> None:
    if most_cores > MOST_CORES:
        raise BackendError(f"CUDA kernels take at most {MOST_CORES} cores, but a table has {most_cores}")


@dataclass(frozen=True)
class _Cores:
    extra: _Matrix
    """(tables, most cores, 3): first slice, rows below one digit, first row-wise state."""
    owners: NDArray[np.int32]
    widths: tuple[int, ...]
    largest_slice: tuple[int, int]
    slots: set[int]


def _core_table(matrix: _Matrix, most_cores: int) -> _Cores:
    extra = np.full((len(matrix), most_cores, 3), layout.NONE, dtype=np.int64)
    widths, owners, places = [0] * max(0, most_cores - 1), [], []
    slices, most_left, most_right = 0, 0, 0
    for t, line in enumerate(matrix):
        factors, dims, ranks = _train(line)
        for k, factor in enumerate(factors):
            extra[t, k, :2] = slices, prod(factors[k + 1 :])
            slices += factor
            owners.append(np.full(factor, t * MOST_CORES + k, dtype=np.int32))
            most_left, most_right = max(most_left, ranks[k]), max(most_right, dims[k] * ranks[k + 1])
            slot, offset = _core_place(line, k)
            places.append((slot, offset, t, k, factor))
            if k + 1 < len(factors):
                widths[k] = max(widths[k], prod(dims[: k + 1]) * ranks[k + 1])
    if slices >= 2**31:
        raise BackendError(f"CUDA kernels number core slices in 32 bits, but the tables have {slices}")
    states: dict[int, int] = {}
    for slot, _, t, k, factor in sorted(places):
        extra[t, k, 2] = states.get(slot, 0)
        states[slot] = states.get(slot, 0) + factor
    owner = np.concatenate(owners) if owners else np.zeros(0, dtype=np.int32)
    return _Cores(extra, owner, tuple(widths), (most_left, most_right), {place[0] for place in places})


def _train(line: _Matrix) -> tuple[list[int], list[int], list[int]]:
    """Row factors, dim factors and all ranks of one line; empty lists for a dense table."""
    cores = [_core_columns(line, k) for k in range(int(line[layout.CORES]))]
    factors, dims, lefts = ([int(core[column]) for core in cores] for column in (layout.P, layout.Q, layout.RANK_LEFT))
    return factors, dims, [*lefts, 1]


def _core_columns(line: _Matrix, k: int) -> _Matrix:
    start = layout.FIRST_CORE + layout.CORE_COLUMNS * k
    return line[start : start + layout.CORE_COLUMNS]


def _core_place(line: _Matrix, k: int) -> tuple[int, int]:
    columns = _core_columns(line, k)
    return int(columns[layout.CORE_SLOT]), int(columns[layout.CORE_OFFSET])


def _first_keys(matrix: _Matrix, cores: _Cores) -> tuple[_Matrix, int, int]:
    """First own key and first cache key of each table (tables, 2), and where those of caches and trains begin."""
    keys = [[layout.NONE, layout.NONE] for _ in matrix]
    at = 0
    for t, line in enumerate(matrix):
        if line[layout.KIND] == layout.DENSE:
            keys[t][0], at = at, at + int(line[layout.ROWS])
    first_cache_key = at
    for t, line in enumerate(matrix):
        if line[layout.CACHE_START] >= 0:
            keys[t][1], at = at, at + int(line[layout.CACHE_CAPACITY])
    first_train_key = at
    for t, line in enumerate(matrix):
        if line[layout.KIND] == layout.TT:
            padded = int(line[layout.FIRST_CORE + layout.P]) * int(cores.extra[t, 0, 1])
            keys[t][0], at = at, at + padded
    if at >= 2**63 - 1:
        raise BackendError(f"all tables together may hold at most 2^63 rows on CUDA, but hold {at}; use fewer rows")
    return np.array(keys, dtype=np.int64), first_cache_key, first_train_key
