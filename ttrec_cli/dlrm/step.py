"""One training step: forward, loss, backward, optimisers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ttrec_cli.dlrm.bags import Bags


class Step:
    """What a batch does to a model: called with a batch on the model's device it returns the mean log-loss.

    Weights that a fused optimiser trains change within the backward pass, all others by `optimizers` after it.
    """

    def __init__(self, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        self.model = model
        self.optimizers = tuple(optimizers)
        self.loss_function = nn.BCEWithLogitsLoss()

    def __call__(self, dense: Tensor, sparse: Tensor | Bags, label: Tensor) -> Tensor:
        """Train on dense (batch, features), indices (batch, tables) or bags, and label (batch) float; the loss before
        the step, without a graph."""
        loss: Tensor = self.loss_function(self.model(dense, sparse), label)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.detach()
