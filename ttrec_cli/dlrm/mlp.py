"""An MLP as one node of autograd, whose backward pass may take the SGD step of its weights itself."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class MLP(nn.Sequential):
    """`nn.Linear` layers with a ReLU between each two, and behind the last one if it ends with one.

    Computes what `nn.Sequential` does. A batch in float32 on a CPU goes through all layers as one node of autograd:
    there the bookkeeping of fourteen small ones takes a tenth of a step of 128 samples.
    """

    sgd_rate: float | None = None
    """Learning rate of SGD within the backward pass, W −= rate · ∂L/∂W; None for gradients and an optimiser outside.

    No gradient is stored and read again then, and weights are still in the cache when they change.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Outputs (batch, outputs) of (batch, inputs)."""
        if not self._is_one_node(input):
            if self.sgd_rate is not None and torch.is_grad_enabled():
                raise ValueError("SGD within the backward pass takes a batch (samples, inputs) of float32 on a CPU")
            return super().forward(input)  # type: ignore[no-any-return, no-untyped-call]
        layers = [layer for layer in self if isinstance(layer, nn.Linear)]
        out: Tensor = _Layers.apply(input, self.sgd_rate, len(self) == 2 * len(layers), *self.parameters())  # type: ignore[no-untyped-call]
        return out

    def _is_one_node(self, input: Tensor) -> bool:
        is_plain = input.dim() == 2 and input.dtype == torch.float32 and input.device.type == "cpu"
        return is_plain and torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")


class _Layers(torch.autograd.Function):
    """Weight and bias of each layer in turn, as `nn.Sequential.parameters` gives them."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, rate: float | None, ends_in_relu: bool, *parameters: Tensor) -> Tensor:
        weights, biases = parameters[::2], parameters[1::2]
        ctx.rectified = [True] * (len(weights) - 1) + [ends_in_relu]
        layers = zip(weights, biases, ctx.rectified, strict=True)
        values = [input]
        for weight, bias, is_rectified in layers:
            value = torch.addmm(bias, values[-1], weight.t())
            values.append(value.relu_() if is_rectified else value)
        ctx.rate = rate
        if rate is None:
            ctx.save_for_backward(*values, *parameters)
        else:  # kept, not saved: backward changes the weights in place, which is meant
            ctx.kept = (*values, *parameters)
        return values[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        depth, above = len(ctx.rectified), gradients[0]
        saved = ctx.saved_tensors if ctx.rate is None else ctx.kept
        values, weights, biases = saved[: depth + 1], saved[depth + 1 :: 2], saved[depth + 2 :: 2]
        found: list[Tensor | None] = [None] * (2 * depth)
        for layer in reversed(range(depth)):
            if ctx.rectified[layer]:
                # The first gradient is not ours to change, the others are.
                out = torch.empty_like(above) if layer == depth - 1 else above
                above = torch.ops.aten.threshold_backward.grad_input(above, values[layer + 1], 0, grad_input=out)
            of_outputs = above
            if layer or ctx.needs_input_grad[0]:
                above = torch.mm(of_outputs, weights[layer])
            if ctx.rate is None:
                found[2 * layer : 2 * layer + 2] = torch.mm(of_outputs.t(), values[layer]), of_outputs.sum(0)
            else:
                weights[layer].addmm_(of_outputs.t(), values[layer], alpha=-ctx.rate)
                biases[layer].sub_(of_outputs.sum(0), alpha=ctx.rate)
        return (above if ctx.needs_input_grad[0] else None, None, None, *found)
