"""Arguments of kernels as the C structures of tables.cuh, trie.cuh and optimizer.cuh, passed by value.

A structure is a NumPy array of one record with the layout of the C compiler; an address is a torch `data_ptr()`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ttrec_kernels.cuda.tables import MOST_CORES, MOST_SLOTS, DeviceTables
from ttrec_kernels.errors import BackendError

Struct = NDArray[Any]
Argument = np.generic | Struct

_TABLES = np.dtype([("lines", "u8"), ("count", "i4"), ("most_cores", "i4"), ("dim", "i4"), ("mean", "i4")], align=True)
_CACHE = np.dtype([("keys", "u8"), ("slots", "u8")], align=True)
_LOOKUPS = np.dtype(
    [("indices", "u8"), ("offsets", "u8"), ("sample_weights", "u8"), ("bags", "i8"), ("count", "i8")], align=True
)
_SLOTS = np.dtype([("at", "u8", (MOST_SLOTS,))], align=True)
_TRIE = np.dtype(
    [(name, "u8") for name in ("keys", "order", "segments", "heads")]
    + [(name, "i8") for name in ("bags", "begin", "count", "first_cache_key", "first_train_key")]
    + [("size", "i4"), ("unused", "i4")],
    align=True,
)
_LEVELS = np.dtype(
    [("prefixes", "u8", (MOST_CORES,)), ("gradients", "u8", (MOST_CORES,)), ("widths", "i4", (MOST_CORES,))],
    align=True,
)
_OPTIMIZER = np.dtype([("learning_rate", "u8"), ("eps", "f4"), ("kind", "i4")], align=True)


@dataclass(frozen=True)
class Batch:
    """What one call looks up in `DeviceTables`, all contiguous and on one device.

    `indices` (bags, tables) with `offsets` None, or 1-D, table by table, with `offsets` (tables · bags + 1) int64.
    `mean` divides by a bag's lookups, padding left out; it goes without `sample_weights` (nnz).
    """

    weights: Sequence[Tensor]
    cache_keys: Tensor | None
    cache_slots: Tensor | None
    indices: Tensor
    offsets: Tensor | None
    bags: int
    sample_weights: Tensor | None = None
    mean: bool = False

    def __post_init__(self) -> None:
        if len(self.weights) > MOST_SLOTS:
            raise BackendError(f"CUDA kernels take at most {MOST_SLOTS} weights, but there are {len(self.weights)}")
        if self.indices.numel() >= 2**31:
            raise BackendError(f"one call on CUDA looks up fewer than 2^31 indices, but got {self.indices.numel()}")
        if not all(weight.is_contiguous() for weight in self.weights) or not self.indices.is_contiguous():
            raise BackendError("CUDA kernels read contiguous weights and indices; call .contiguous() first")


def address(tensor: Tensor | None) -> np.uint64:
    """Address of a tensor's first number; 0 for none and for empty ones, which are never read."""
    return np.uint64(0 if tensor is None or tensor.numel() == 0 else tensor.data_ptr())


def tables_struct(tables: DeviceTables, mean: bool = False) -> Struct:
    """`Tables`."""
    return np.array([(address(tables.lines), tables.tables, tables.most_cores, tables.dim, mean)], dtype=_TABLES)


def cache_struct(batch: Batch) -> Struct:
    """`Cache`."""
    return np.array([(address(batch.cache_keys), address(batch.cache_slots))], dtype=_CACHE)


def lookups_struct(batch: Batch) -> Struct:
    """`Lookups`."""
    places = address(batch.indices), address(batch.offsets), address(batch.sample_weights)
    return np.array([(*places, batch.bags, batch.indices.numel())], dtype=_LOOKUPS)


def slots_struct(tensors: Sequence[Tensor | None]) -> Struct:
    """`Slots`."""
    slots = np.zeros(1, dtype=_SLOTS)
    slots["at"][0, : len(tensors)] = [address(tensor) for tensor in tensors]
    return slots


def trie_struct(**fields: Tensor | int) -> Struct:
    """`Trie`; tensors become addresses."""
    trie = np.zeros(1, dtype=_TRIE)
    for name, value in fields.items():
        trie[name] = address(value) if isinstance(value, Tensor) else value
    return trie


def levels_struct(prefixes: Mapping[int, Tensor], gradients: Mapping[int, Tensor], widths: Sequence[int]) -> Struct:
    """`Levels`: buffers by level."""
    levels = np.zeros(1, dtype=_LEVELS)
    for name, buffers in (("prefixes", prefixes), ("gradients", gradients)):
        for level, buffer in buffers.items():
            levels[name][0, level] = address(buffer)
    levels["widths"][0, : len(widths)] = widths
    return levels


def optimizer_struct(kind: int, learning_rate: Tensor | None, eps: float) -> Struct:
    """`Optimizer`."""
    return np.array([(address(learning_rate), eps, kind)], dtype=_OPTIMIZER)
