"""DLRM (Naumov et al. 2019) with MLPerf's initialisation; it receives its embedding, it does not choose it."""

import itertools
from math import sqrt

import torch
from torch import Tensor, nn

from ttrec_cli.dlrm.bags import Bags


class DLRM(nn.Module):
    """Click logits from dense features and one index per table.

    `embedding` maps (batch, tables) indices, or bags' indices and offsets, to (batch, tables, dim). The bottom MLP is
    `dense_features` → `bottom_widths` → dim, the top one interactions + dim → `top_widths` → 1; ReLU between layers.
    MLP weights are drawn from `seed` alone, so models that differ in their embedding start with equal MLPs.
    """

    def __init__(
        self,
        embedding: nn.Module,
        *,
        tables: int,
        dim: int,
        bottom_widths: tuple[int, ...],
        top_widths: tuple[int, ...],
        seed: int,
        dense_features: int = 13,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = embedding
        self.bottom_mlp = make_mlp((dense_features, *bottom_widths, dim), generator, last_relu=True)
        self.top_mlp = make_mlp((interactions(tables) + dim, *top_widths, 1), generator, last_relu=False)
        rows, columns = torch.tril_indices(tables + 1, tables + 1, offset=-1)
        self.register_buffer("pairs", rows * (tables + 1) + columns, persistent=False)

    def forward(self, dense: Tensor, indices: Tensor | Bags) -> Tensor:
        """Logits (batch,) of dense (batch, dense_features) float and indices (batch, tables) integer, or bags."""
        bottom = self.bottom_mlp(dense)
        looked_up = self.embedding(*indices) if isinstance(indices, Bags) else self.embedding(indices)
        vectors = torch.cat((bottom.unsqueeze(1), looked_up), dim=1)
        products = torch.bmm(vectors, vectors.transpose(1, 2)).flatten(1)
        interaction = products.index_select(1, self.get_buffer("pairs"))
        logits: Tensor = self.top_mlp(torch.cat((bottom, interaction), dim=1))
        return logits.squeeze(1)


def interactions(tables: int) -> int:
    """Dot products between the bottom MLP's output and `tables` vectors: a strict lower triangle."""
    return (tables + 1) * tables // 2


def make_mlp(widths: tuple[int, ...], generator: torch.Generator, last_relu: bool) -> nn.Sequential:
    """Linear layers, W ~ N(0, sqrt(2/(in+out))) and b ~ N(0, sqrt(1/out)) as standard deviations."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs)
        with torch.no_grad():
            layer.weight.normal_(0.0, sqrt(2 / (inputs + outputs)), generator=generator)
            layer.bias.normal_(0.0, sqrt(1 / outputs), generator=generator)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*(layers if last_relu else layers[:-1]))
