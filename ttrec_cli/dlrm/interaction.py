"""DLRM's interaction: the dot products of all pairs of a sample's vectors."""

import torch
from torch import Tensor, nn


class Interaction(nn.Module):
    """From the bottom MLP's output and `tables` vectors to that output followed by the dot products of all pairs.

    Pairs are the strict lower triangle, row by row, as the DLRM script orders them.
    """

    def __init__(self, tables: int) -> None:
        super().__init__()
        rows, columns = torch.tril_indices(tables + 1, tables + 1, offset=-1)
        self.register_buffer("pairs", rows * (tables + 1) + columns, persistent=False)

    def forward(self, bottom: Tensor, looked_up: Tensor) -> Tensor:
        """(batch, dim + pairs) of bottom (batch, dim) and looked_up (batch, tables, dim)."""
        vectors = torch.cat((bottom.unsqueeze(1), looked_up), dim=1)
        products = torch.bmm(vectors, vectors.transpose(1, 2)).flatten(1)
        return torch.cat((bottom, products.index_select(1, self.get_buffer("pairs"))), dim=1)


def interactions(tables: int) -> int:
    """Dot products between the bottom MLP's output and `tables` vectors: a strict lower triangle."""
    return (tables + 1) * tables // 2
