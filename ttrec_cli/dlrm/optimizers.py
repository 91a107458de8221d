"""Optimisers of torch that train the MLPs."""

from collections.abc import Sequence

import torch
from torch import nn

from ttrec_cli.config import Optimizer


def mlp_optimizer(parameters: Sequence[nn.Parameter], kind: Optimizer, learning_rate: float) -> torch.optim.Optimizer:
    """One pass over all weights and gradients a step, in one call; parameters of one device, float32."""
    if kind == Optimizer.SGD:
        return torch.optim.SGD(parameters, lr=learning_rate, fused=True)
    # Older releases of torch have a fused Adagrad for the CPU alone.
    is_cpu = all(parameter.device.type == "cpu" for parameter in parameters)
    return torch.optim.Adagrad(parameters, lr=learning_rate, fused=True if is_cpu else None)
