"""What a module keeps for its fused optimiser: the learning rate and the state of each weight, as buffers."""

from collections.abc import Sequence

import torch
from torch import Tensor, distributed, nn

from ttrec_kernels.errors import UnsupportedError
from ttrec_kernels.fused_optimizer import FusedAdagrad, FusedOptimizer, FusedRowwiseAdagrad, check_rates
from ttrec_kernels.ops import FusedState


class FusedStates(nn.Module):
    """State of `optimizer` for `weights` (first dimension: rows or slices), zeros at first; part of `state_dict`."""

    rate: Tensor

    def __init__(self, optimizer: FusedOptimizer, weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.optimizer = optimizer
        device = weights[0].device if weights else None
        # A tensor, so that a captured CUDA graph sees a new rate.
        self.register_buffer("rate", torch.tensor([optimizer.learning_rate], dtype=torch.float64, device=device))
        self._names: list[str] = []
        for number, weight in enumerate(weights):
            if isinstance(optimizer, FusedAdagrad | FusedRowwiseAdagrad):
                is_rowwise = isinstance(optimizer, FusedRowwiseAdagrad)
                size = weight.shape[:1] if is_rowwise else weight.shape
                self._names.append(f"sum{number}")
                self.register_buffer(self._names[-1], torch.zeros(size, dtype=torch.float32, device=weight.device))

    @property
    def learning_rate(self) -> float:
        """Rate of the next step."""
        return float(self.rate.item())

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        check_rates(value)
        self.rate.fill_(value)

    def as_op_takes(self) -> FusedState:
        """The optimiser, its states and its rate.

        Raises `UnsupportedError` where several processes train: each would change its own cores, and they would part.
        """
        if not torch.compiler.is_compiling() and _several_processes():
            raise UnsupportedError(
                "a fused optimiser changes the cores within backward, before gradients are averaged over the "
                f"{distributed.get_world_size()} processes; use fused_optimizer=None and an optimiser of torch"
            )
        return FusedState(self.optimizer, [self.get_buffer(name) for name in self._names], self.rate)

    def states_of(self, weights: Sequence[Tensor], weight: Tensor) -> list[Tensor]:
        """State of one of the `weights` it was made for."""
        return [self.get_buffer(name) for name, each in zip(self._names, weights, strict=False) if each is weight]


class WithFusedOptimizer:
    """What modules share whose backward pass may change their weights: the rate of the next step."""

    fused: FusedStates | None

    @property
    def learning_rate(self) -> float:
        """Of the fused optimiser; may be set between steps. Raises `UnsupportedError` without one."""
        return self._states.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._states.learning_rate = value

    @property
    def _states(self) -> FusedStates:
        if self.fused is None:
            raise UnsupportedError("there is no fused optimiser with a learning rate; set that of your own optimiser")
        return self.fused


def _several_processes() -> bool:
    """Whether this process trains together with others."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
