"""A training step captured once as a CUDA graph and replayed: the host launches one graph, not a hundred kernels."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ttrec_cli.dlrm.bags import Bags
from ttrec_cli.dlrm.step import Step
from ttrec_kernels import EmbeddingTables, UnsupportedError

WARM_UP_STEPS = 3
"""Taken one by one first: they compile kernels and allocate what is kept."""

Work = Callable[[], Tensor]


class Recorder(Protocol):
    """Records work on a device and gives back what repeats it."""

    def run(self, work: Work) -> Tensor:
        """Do the work now, where it will be recorded later."""

    def record(self, work: Work) -> Callable[[], object]:
        """Record the work without doing it; its result is a tensor that each repetition fills anew."""


class CudaRecorder:
    """CUDA graphs on a stream of their own."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def run(self, work: Work) -> Tensor:
        """On that stream, between what came before and comes after on the current one."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            found = work()
        current.wait_stream(self._stream)
        return found

    def record(self, work: Work) -> Callable[[], object]:
        """One graph."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            work()
        return graph.replay


class GraphStep:
    """A step that is recorded after a few batches of one size; batches of other sizes are trained on one by one.

    Called and answering as `Step`; the loss is the same tensor at each call and holds until the next one.
    """

    def __init__(self, step: Step, recorder: Recorder) -> None:
        self._step = step
        self._recorder = recorder
        self._inputs: tuple[Tensor, Tensor, Tensor] | None = None
        self._loss: Tensor | None = None
        self._replay: Callable[[], object] | None = None
        self._taken = 0

    def __call__(self, dense: Tensor, sparse: Tensor | Bags, label: Tensor) -> Tensor:
        """Train on a batch on the device."""
        if isinstance(sparse, Bags):
            raise UnsupportedError("a graph has tensors of fixed sizes, and bags vary; take steps one by one")
        if self._inputs is None:
            self._inputs = (dense.clone(), sparse.clone(), label.clone())
        if label.shape != self._inputs[2].shape:
            return self._recorder.run(lambda: self._step(dense, sparse, label))
        for kept, given in zip(self._inputs, (dense, sparse, label), strict=True):
            kept.copy_(given)
        if self._taken < WARM_UP_STEPS:
            self._taken += 1
            return self._recorder.run(self._work)
        if self._replay is None:
            self._replay = self._recorder.record(self._work)
        self._replay()
        if self._loss is None:
            raise RuntimeError("nothing was recorded")
        return self._loss

    def _work(self) -> Tensor:
        if self._inputs is None:
            raise RuntimeError("there is no batch to train on")
        self._loss = self._step(*self._inputs)
        return self._loss


def why_one_by_one(model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer], device: torch.device) -> str:
    """Why steps cannot be replayed as a graph here; empty where they can."""
    if device.type != "cuda":
        return "graphs are recorded on GPUs, and this trains on a CPU"
    tables = getattr(model, "embedding", None)
    if not isinstance(tables, EmbeddingTables) or tables.fused is None:
        return "without a fused optimiser gradients of tables have sizes that vary"
    if tables.rival_parameters():
        return "tables that are neither dense nor tensor trains check their indices on the host"
    if tables.row_cache is not None:
        return "a row cache counts rows on the host after each step"
    if any(isinstance(optimizer, torch.optim.SGD | torch.optim.Adagrad) is False for optimizer in optimizers):
        return "only SGD and Adagrad keep nothing on the host"
    return ""
