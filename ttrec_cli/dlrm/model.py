"""DLRM (Naumov et al. 2019) with MLPerf's initialisation; it receives its embedding, it does not choose it."""

import itertools
from math import sqrt

import torch
from torch import Tensor, nn

from ttrec_cli.config import Precision
from ttrec_cli.dlrm.bags import Bags
from ttrec_cli.dlrm.interaction import Interaction, interactions
from ttrec_cli.dlrm.mlp import MLP
from ttrec_cli.dlrm.precision import mlp_context


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
        precision: Precision = Precision.FP32,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = embedding
        self.bottom_mlp = make_mlp((dense_features, *bottom_widths, dim), generator, last_relu=True)
        self.top_mlp = make_mlp((interactions(tables) + dim, *top_widths, 1), generator, last_relu=False)
        self.interaction = Interaction(tables)
        self._precision = precision

    def forward(self, dense: Tensor, indices: Tensor | Bags) -> Tensor:
        """Logits (batch,) of dense (batch, dense_features) float and indices (batch, tables) integer, or bags."""
        context = mlp_context(self._precision, dense.device.type)
        with context():
            bottom = self.bottom_mlp(dense)
        looked_up = self.embedding(*indices) if isinstance(indices, Bags) else self.embedding(indices)
        interaction = self.interaction(bottom.to(looked_up.dtype), looked_up)
        with context():
            logits: Tensor = self.top_mlp(interaction)
        return logits.squeeze(1).to(looked_up.dtype)


def make_mlp(widths: tuple[int, ...], generator: torch.Generator, last_relu: bool) -> MLP:
    """Linear layers, W ~ N(0, sqrt(2/(in+out))) and b ~ N(0, sqrt(1/out)) as standard deviations."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs)
        with torch.no_grad():
            layer.weight.normal_(0.0, sqrt(2 / (inputs + outputs)), generator=generator)
            layer.bias.normal_(0.0, sqrt(1 / outputs), generator=generator)
        layers += [layer, nn.ReLU()]
    return MLP(*(layers if last_relu else layers[:-1]))
