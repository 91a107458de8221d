"""Bad indices on a GPU: recorded by the kernels that meet them, raised by the host when it looks."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ttrec_kernels.errors import BagError, IndexRangeError

BAD_INDEX, BAD_OFFSET = 1, 2


def new_flag(device: torch.device | str) -> Tensor:
    """Code, table and index of the first bad index, (3) int64; zeros: none so far."""
    return torch.zeros(3, dtype=torch.int64, device=device)


def raise_bad_index(flag: Tensor, tables: Sequence[str], rows: Sequence[int]) -> None:
    """Wait for the device; raise what it recorded, naming table, index and rows, and forget it."""
    code, table, index = flag.tolist()
    if code == 0:
        return
    flag.zero_()
    name = tables[table]
    if code == BAD_OFFSET:
        raise BagError(f"offsets of table {name} must rise within the indices given, but do not at bag {index}")
    count = rows[table]
    raise IndexRangeError(f"index {index} lies outside table {name}, which has {count} rows (0 … {count - 1})")
