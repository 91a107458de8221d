"""Bags of a batch as embeddings take them: one list of indices, table after table, and where each bag begins."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Bags(NamedTuple):
    """Bag b of table t holds indices[offsets[t·bags + b] : offsets[t·bags + b + 1]].

    `indices` (nnz,) integer, `offsets` (tables·bags + 1) int64, `bags` of each table: the batch size.
    """

    indices: Tensor
    offsets: Tensor
    bags: int


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
    return Bags(torch.cat(indices), torch.cat((ends.new_zeros(1), ends)), len(padded))


def sum_bags(embedding: nn.Module, given: Bags) -> Tensor:
    """Sums (bags, tables, dim) of the rows of each bag; zeros for an empty one."""
    tables = (given.offsets.numel() - 1) // given.bags
    starts = given.offsets[:: given.bags]
    most = int(starts.diff().max().item())
    # `embedding` looks up one index per table: the k-th lookups of all tables together, row 0 where there is none.
    matrix = given.indices.new_zeros(most, tables)
    table_of = torch.arange(tables, device=starts.device).repeat_interleave(starts.diff())
    place = torch.arange(given.indices.numel(), device=starts.device) - starts[table_of]
    matrix[place, table_of] = given.indices
    rows = embedding(matrix)[place, table_of]
    bag_of = torch.arange(tables * given.bags, device=starts.device).repeat_interleave(given.offsets.diff())
    sums = rows.new_zeros(tables * given.bags, rows.shape[1]).index_add(0, bag_of, rows)
    vectors: Tensor = sums.view(tables, given.bags, -1).transpose(0, 1)
    return vectors
