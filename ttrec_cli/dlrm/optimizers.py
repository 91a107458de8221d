"""What trains the MLPs: SGD within their backward pass where that can be, else one optimiser of torch."""

from collections.abc import Sequence

import torch
from torch import nn

from ttrec_cli.config import Optimizer, Precision
from ttrec_cli.dlrm.mlp import MLP
from ttrec_cli.dlrm.parallel import processes


def mlp_optimizers(
    mlps: Sequence[MLP], kind: Optimizer, learning_rate: float, precision: Precision
) -> list[torch.optim.Optimizer]:
    """The optimisers to step after each backward pass; none if SGD is taken within it, which `mlps` are told.

    That is where one process trains in float32 on a CPU: gradients of several are summed before a step.
    """
    parameters = [parameter for mlp in mlps for parameter in mlp.parameters()]
    is_alone = processes() == 1 and all(parameter.device.type == "cpu" for parameter in parameters)
    if kind == Optimizer.SGD and precision == Precision.FP32 and is_alone:
        for mlp in mlps:
            mlp.sgd_rate = learning_rate
        return []
    return [mlp_optimizer(parameters, kind, learning_rate)]


def mlp_optimizer(parameters: Sequence[nn.Parameter], kind: Optimizer, learning_rate: float) -> torch.optim.Optimizer:
    """One pass over all weights and gradients a step, in one call; parameters of one device, float32."""
    if kind == Optimizer.SGD:
        return torch.optim.SGD(parameters, lr=learning_rate, fused=True)
    # Older releases of torch have a fused Adagrad for the CPU alone.
    is_cpu = all(parameter.device.type == "cpu" for parameter in parameters)
    return torch.optim.Adagrad(parameters, lr=learning_rate, fused=True if is_cpu else None)
