"""Bags of a batch as embeddings take them: one list of indices, table after table, and where each bag begins."""

from typing import NamedTuple

import torch
from torch import Tensor


class Bags(NamedTuple):
    """Bag b of table t holds indices[offsets[t·bags + b] : offsets[t·bags + b + 1]].

    `indices` (nnz,) integer, `offsets` (tables·bags + 1) int64, as `EmbeddingTables` takes them.
    """

    indices: Tensor
    offsets: Tensor


def read_bags(padded: Tensor, widths: tuple[int, ...]) -> Bags:
    """Bags of `padded` (bags, slots), in which column c takes max(1, widths[c]) slots.

    A column of width 0 holds one index a row, the others as many as are not negative.
    """
    indices, lengths, start = [], [], 0
    for width in widths:
        block = padded[:, start : start + max(1, width)]
        start += max(1, width)
        if width == 0:
            indices.append(block[:, 0])
            lengths.append(torch.ones(len(padded), dtype=torch.int64, device=padded.device))
        else:
            there = block >= 0
            indices.append(block[there])
            lengths.append(there.sum(dim=1))
    ends = torch.cat(lengths).cumsum(0)
    return Bags(torch.cat(indices), torch.cat((ends.new_zeros(1), ends)))
