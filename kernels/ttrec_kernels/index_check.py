"""Indices outside their table are errors that name table, index and rows, on every device.

On a GPU each check waits for the device: the reference backend puts clear errors before speed.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ttrec_kernels.errors import BagError, IndexRangeError


def check_integers(indices: Tensor, argument: str) -> None:
    """Raise `BagError` unless `indices` holds 32- or 64-bit integers."""
    if indices.dtype not in (torch.int32, torch.int64):
        raise BagError(f"{argument} must be int32 or int64, but are {indices.dtype}")


def check_indices(indices: Tensor, rows: int, table: str) -> None:
    """Raise `IndexRangeError` for the first index outside 0 … rows − 1; `indices` may have any shape.

    Not while torch traces a graph, which cannot branch on values; lookups outside then fail as they fail in torch.
    """
    if torch.compiler.is_compiling() or indices.numel() == 0:
        return
    low, high = indices.aminmax()
    if low.item() < 0 or high.item() >= rows:
        wrong = indices[(indices < 0) | (indices >= rows)]
        raise _out_of_range(int(wrong[0].item()), rows, table)


def check_columns(indices: Tensor, rows: Tensor, tables: Sequence[str]) -> None:
    """Raise `IndexRangeError` for the first index of (bags, tables) `indices` outside its column's `rows` (tables).

    Not while torch traces a graph.
    """
    if torch.compiler.is_compiling():
        return
    wrong = (indices < 0) | (indices >= rows)
    if wrong.any():
        bag, column = wrong.nonzero()[0].tolist()
        raise _out_of_range(int(indices[bag, column].item()), int(rows[column].item()), tables[column])


def _out_of_range(index: int, rows: int, table: str) -> IndexRangeError:
    return IndexRangeError(f"index {index} lies outside table {table}, which has {rows} rows (0 … {rows - 1})")
