"""How the contract drives the CUDA launchers: on the host through the emulator, or on a device."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from contracts.lookup_cases import Lookup
from contracts.lookup_judge import Gradients, Optimizer
from cuda_emulator.emulator import Emulator
from torch import Tensor

from ttrec_kernels.cuda.arguments import Batch
from ttrec_kernels.cuda.backward import (
    WORKSPACE_BYTES,
    FusedStep,
    OptimizerKind,
    dense_row_gradients,
    fused_step,
    lookup_backward,
)
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

    def forward(self, lookup: Lookup) -> Tensor:
        with self._installed():
            return lookup_forward(call_of(lookup))

    def backward(self, lookup: Lookup, grad_out: Tensor) -> Gradients:
        with self._installed():
            call = call_of(lookup)
            wanted = [not self.sparse or slot not in call.tables.row_slots for slot in range(len(lookup.weights))]
            found = lookup_backward(
                call, grad_out, wanted, deterministic=self.deterministic, workspace_bytes=self.workspace_bytes
            )
            for slot in call.tables.row_slots if self.sparse else ():
                rows, values = dense_row_gradients(call, grad_out, workspace_bytes=self.workspace_bytes)
                found[slot] = _dense(rows, values, lookup.weights[slot])
            weights = None if lookup.sample_weights is None else sample_weight_gradient(call, grad_out)
        return Gradients(tuple(found), weights)

    def fused_step(self, lookup: Lookup, grad_out: Tensor, optimizer: Optimizer, states: Sequence[Tensor]) -> None:
        rate = torch.tensor([optimizer.learning_rate], device=grad_out.device)
        step = FusedStep(KINDS[optimizer.kind], rate, optimizer.eps, states)
        with self._installed():
            fused_step(
                call_of(lookup),
                grad_out,
                step,
                [True] * len(lookup.weights),
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


def _dense(rows: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """A sparse gradient as a dense one; each row that has values occurs once."""
    used = values.any(dim=1)
    assert rows[used].unique().numel() == int(used.sum())
    dense = torch.zeros(weight.shape, device=weight.device).index_add(0, rows, values)
    return dense.to(weight.dtype)
