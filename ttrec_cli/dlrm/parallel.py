"""A training step that several processes take together (torch.distributed): data parallelism.

Every process holds the whole model and goes through the same batches, takes its share of each, and all of them end a
step with the same weights: those of one process up to rounding. Tensor trains are small enough for that.
"""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, distributed, nn

from ttrec_cli.dlrm.bags import Bags
from ttrec_cli.dlrm.graph_step import CudaRecorder, GraphStep, why_one_by_one
from ttrec_cli.dlrm.step import Step
from ttrec_kernels import UnsupportedError

StepLike = Callable[[Tensor, Tensor | Bags, Tensor], Tensor]
"""From dense features, indices or bags, and labels (float) of a batch to its mean loss before the step."""

logger = logging.getLogger(__name__)


def processes() -> int:
    """How many train together; 1 where no process group is there."""
    is_group = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if is_group else 1


def make_step(model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], device: torch.device) -> StepLike:
    """The step of this process: together with others, as a CUDA graph, or one by one."""
    if processes() > 1:
        return ParallelStep(model, optimizers)
    reason = why_one_by_one(model, optimizers, device)
    if not reason:
        return GraphStep(Step(model, optimizers), CudaRecorder(device))
    logger.info("steps are taken one by one: %s", reason)
    return Step(model, optimizers)


class ParallelStep(Step):
    """Called by all processes with the same whole batch; no optimiser may be fused into the backward pass."""

    def __init__(self, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        super().__init__(model, optimizers)
        self._summed_loss = nn.BCEWithLogitsLoss(reduction="sum")
        self._parameters = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]

    def __call__(self, dense: Tensor, sparse: Tensor | Bags, label: Tensor) -> Tensor:
        """As of `Step`: the mean loss of the whole batch."""
        if isinstance(sparse, Bags):
            raise UnsupportedError("several processes share batches of one row a table; this log has bags")
        count, rank, all_ranks = len(label), distributed.get_rank(), distributed.get_world_size()
        mine = slice(rank * count // all_ranks, (rank + 1) * count // all_ranks)
        # Sums over the whole batch's size: shares of different sizes weigh what they should.
        loss: Tensor = self._summed_loss(self.model(dense[mine], sparse[mine]), label[mine]) / count
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        found = [p for p in self._parameters if p.grad is not None]
        total = _sum_dense([p for p in found if not _gradient(p).is_sparse], loss.detach())
        for parameter in found:
            if _gradient(parameter).is_sparse:
                parameter.grad = _gather_rows(_gradient(parameter))
        for optimizer in self.optimizers:
            optimizer.step()
        return total


def _gradient(parameter: Tensor) -> Tensor:
    if parameter.grad is None:
        raise ValueError("a parameter without a gradient takes no part in a step")
    return parameter.grad


def _sum_dense(parameters: Sequence[Tensor], loss: Tensor) -> Tensor:
    """Sum gradients over all processes, in one message; the sum of the losses."""
    gradients = [_gradient(parameter) for parameter in parameters]
    message = torch.cat([loss.reshape(1), *(gradient.flatten() for gradient in gradients)])
    distributed.all_reduce(message)
    start = 1
    for gradient in gradients:
        gradient.copy_(message[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
    return message[0]


def _gather_rows(gradient: Tensor) -> Tensor:
    """The sparse gradient (rows, dim) with the rows of all processes, in the order of their ranks."""
    rows, values = gradient._indices()[0], gradient._values()
    counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(processes())]
    distributed.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
    sizes = [int(count) for count in counts]
    every_row, every_value = (_gather(each, sizes) for each in (rows, values))
    return torch.sparse_coo_tensor(every_row.unsqueeze(0), every_value, gradient.shape, check_invariants=False)


def _gather(mine: Tensor, sizes: Sequence[int]) -> Tensor:
    """All processes' tensors below each other; they have so many rows each."""
    padded = mine.new_zeros((max(sizes), *mine.shape[1:]))
    padded[: len(mine)] = mine
    found = [torch.empty_like(padded) for _ in sizes]
    distributed.all_gather(found, padded)
    return torch.cat([each[:size] for each, size in zip(found, sizes, strict=True)])
