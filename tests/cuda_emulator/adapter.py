"""How the contract drives the CUDA launchers: on the host through the emulator, or on a device."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor

from contracts.lookup_cases import Lookup
from contracts.lookup_judge import Gradients, Optimizer
from cuda_emulator.emulator import Emulator
from ttrec_kernels.cuda.arguments import Batch
from ttrec_kernels.cuda.backward import WORKSPACE_BYTES, FusedStep, OptimizerKind, RowPairs, fused_step, lookup_backward
from ttrec_kernels.cuda.call import Call
from ttrec_kernels.cuda.lookup_forward import lookup_forward
from ttrec_kernels.cuda.sample_weight_gradient import sample_weight_gradient
from ttrec_kernels.cuda.tables import prepare_tables

KINDS = {
    "sgd": OptimizerKind.SGD,
    "adagrad": OptimizerKind.ADAGRAD,
    "rowwise-adagrad": OptimizerKind.ROWWISE_ADAGRAD,
}


@dataclass
class CudaBackend:
    """The launchers of ttrec_kernels.cuda behind the contract's adapter."""

    emulator: Emulator | None = None
    deterministic: bool = True
    sparse: bool = False
    workspace_bytes: int = WORKSPACE_BYTES
    bad: Tensor | None = field(default=None)

    def forward(self, lookup: Lookup) -> Tensor:
        with self._installed():
            return lookup_forward(call_of(lookup), self.bad)

    def backward(self, lookup: Lookup, grad_out: Tensor) -> Gradients:
        with self._installed():
            call = call_of(lookup)
            found = lookup_backward(
                call,
                grad_out,
                sparse=self.sparse,
                deterministic=self.deterministic,
                workspace_bytes=self.workspace_bytes,
            )
            weights = None if lookup.sample_weights is None else sample_weight_gradient(call, grad_out)
        slots = zip(found, lookup.weights, strict=True)
        return Gradients(tuple(_dense(gradient, weight) for gradient, weight in slots), weights)

    def fused_step(self, lookup: Lookup, grad_out: Tensor, optimizer: Optimizer, states: Sequence[Tensor]) -> None:
        rate = torch.tensor([optimizer.learning_rate], device=grad_out.device)
        step = FusedStep(KINDS[optimizer.kind], rate, optimizer.eps, states)
        with self._installed():
            fused_step(
                call_of(lookup),
                grad_out,
                step,
                deterministic=self.deterministic,
                workspace_bytes=self.workspace_bytes,
            )

    def _installed(self) -> AbstractContextManager[None]:
        return nullcontext() if self.emulator is None else self.emulator.installed()


def call_of(lookup: Lookup) -> Call:
    """The launchers' form of a made-up lookup."""
    tables = prepare_tables(lookup.matrix, lookup.dim, lookup.indices.device)
    batch = Batch(
        lookup.weights,
        lookup.cache_keys,
        lookup.cache_slots,
        lookup.indices.contiguous(),
        lookup.offsets,
        lookup.bags,
        lookup.sample_weights,
        lookup.mean,
    )
    return Call(tables, batch)


def _dense(gradient: Tensor | RowPairs | None, weight: Tensor) -> Tensor:
    if gradient is None:
        return torch.zeros_like(weight)
    if isinstance(gradient, RowPairs):
        dense = torch.zeros(weight.shape, device=weight.device).index_add(0, gradient.rows, gradient.values)
        return dense.to(weight.dtype)
    return gradient
