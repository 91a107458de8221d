"""The contract on a real GPU, where there is one, and what only a GPU can show: capture in a graph, no waiting."""

import pytest
import torch
from contracts.lookup_cases import SHAPES, Table, fresh_generator, mixed_tables, pack, with_matrix
from contracts.tables_contract import TablesContract
from cuda_emulator.adapter import CudaBackend, call_of

from ttrec_kernels.cuda.backward import FusedStep, OptimizerKind, fused_step
from ttrec_kernels.cuda.lookup_forward import lookup_forward
from ttrec_kernels.cuda.status import cuda_status

STATUS = cuda_status()

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not STATUS.ready, reason=str(STATUS.problem))]


class TestDeterministic(TablesContract):
    device = "cuda"
    backend = CudaBackend()


class TestAtomic(TablesContract):
    device = "cuda"
    backend = CudaBackend(deterministic=False, sparse=True, workspace_bytes=100_000)

    def test_same_bits_twice(self, generator):
        pytest.skip("atomic additions come in any order")


def test_a_training_step_is_captured_in_a_graph():
    """Forward, backward and update wait for nothing; a replay sees new indices and a new learning rate."""
    generator = fresh_generator()
    lookup = with_matrix(pack([*mixed_tables(), Table.of(SHAPES["five cores"])], generator), 64, generator).to("cuda")
    rate = torch.zeros(1, device="cuda")
    grad_out = torch.ones(64, len(lookup.places), lookup.dim, device="cuda")
    call, step = call_of(lookup), FusedStep(OptimizerKind.SGD, rate)

    def train() -> torch.Tensor:
        output = lookup_forward(call)
        fused_step(call, grad_out, step, [True] * len(lookup.weights), deterministic=True)
        return output

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            train()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        output = train()
    rate.fill_(0.01)
    lookup.indices.copy_(lookup.indices.flip(0))
    weights = [weight.clone() for weight in lookup.weights]
    graph.replay()
    torch.cuda.synchronize()
    replayed = [output.clone(), *(weight.clone() for weight in lookup.weights)]
    for weight, old in zip(lookup.weights, weights, strict=True):
        weight.copy_(old)
    expected = [train(), *lookup.weights]
    for found, right in zip(replayed, expected, strict=True):
        assert torch.equal(found, right)
