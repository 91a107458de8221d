"""What surrounds a captured step, with a recorder that runs on the CPU: the same training as one step after another.

That a CUDA graph itself records and replays a step needs a GPU: tests/kernels/test_cuda_device.py runs where one is.
"""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ttrec_cli.config import Optimizer, Precision
from ttrec_cli.dlrm.graph_step import WARM_UP_STEPS, CudaRecorder, GraphStep, why_one_by_one
from ttrec_cli.dlrm.model import DLRM
from ttrec_cli.dlrm.optimizers import mlp_optimizer
from ttrec_cli.dlrm.precision import use_precision
from ttrec_cli.dlrm.step import Step
from ttrec_cli.planning import plan_tables
from ttrec_kernels import EmbeddingTables, FusedSGD, RowCacheSettings, UnsupportedError

CPU = torch.device("cpu")
ROWS = (300, 9)


class OnCPU:
    """Records by keeping the work: a repetition does it again and must find its inputs where they were."""

    def __init__(self) -> None:
        self.ran = self.repeated = 0

    def run(self, work: Callable[[], Tensor]) -> Tensor:
        self.ran += 1
        return work()

    def record(self, work: Callable[[], Tensor]) -> Callable[[], object]:
        def repeat() -> None:
            self.repeated += 1
            work()

        return repeat


def model(precision: Precision = Precision.FP32, **options: object) -> DLRM:
    tables = EmbeddingTables(plan_tables(("a", "b"), ROWS, 4, 2, 1), **{"fused_optimizer": FusedSGD(0.3), **options})
    return DLRM(tables, tables=2, dim=4, bottom_widths=(8,), top_widths=(6,), seed=2, precision=precision)


def optimizer(of: DLRM) -> torch.optim.Optimizer:
    return mlp_optimizer([*of.bottom_mlp.parameters(), *of.top_mlp.parameters()], Optimizer.SGD, 0.1)


def batches(sizes: tuple[int, ...]) -> list[tuple[Tensor, Tensor, Tensor]]:
    chance = torch.Generator().manual_seed(3)
    return [
        (
            torch.rand(count, 13, generator=chance),
            torch.stack([torch.randint(rows, (count,), generator=chance) for rows in ROWS], dim=1).int(),
            (torch.rand(count, generator=chance) < 0.5).float(),
        )
        for count in sizes
    ]


def test_replayed_steps_train_on_their_own_batches_and_short_ones_run_by_themselves() -> None:
    ours = model()
    theirs = copy.deepcopy(ours)
    recorder = OnCPU()
    replayed, plain = GraphStep(Step(ours, [optimizer(ours)]), recorder), Step(theirs, [optimizer(theirs)])
    sizes = (8,) * 5 + (3,) + (8,) * 2
    for batch in batches(sizes):
        assert float(replayed(*batch)) == float(plain(*batch))
    for (name, found), expected in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert torch.equal(found, expected), name
    assert recorder.ran == WARM_UP_STEPS + 1
    assert recorder.repeated == len(sizes) - recorder.ran


@pytest.mark.skipif(not torch.cuda.is_available(), reason="a CUDA graph needs a GPU")
def test_a_cuda_graph_trains_as_single_steps_do() -> None:
    device = torch.device("cuda")
    ours = model().to(device)
    theirs = copy.deepcopy(ours)
    assert why_one_by_one(ours, [optimizer(ours)], device) == ""
    replayed = GraphStep(Step(ours, [optimizer(ours)]), CudaRecorder(device))
    plain = Step(theirs, [optimizer(theirs)])
    for batch in batches((64,) * 8):
        on_device = [each.to(device) for each in batch]
        torch.testing.assert_close(replayed(*on_device), plain(*on_device))


def test_why_steps_are_taken_one_by_one() -> None:
    gpu = torch.device("cuda")  # only named, not used
    plain = model()
    assert "trains on a CPU" in why_one_by_one(plain, [optimizer(plain)], CPU)
    assert why_one_by_one(plain, [optimizer(plain)], gpu) == ""
    unfused = model(fused_optimizer=None)
    assert "without a fused optimiser" in why_one_by_one(unfused, [optimizer(unfused)], gpu)
    cached = model(cache=RowCacheSettings(0.1))
    assert "row cache" in why_one_by_one(cached, [optimizer(cached)], gpu)
    assert "only SGD and Adagrad" in why_one_by_one(plain, [torch.optim.Adam(plain.bottom_mlp.parameters())], gpu)


def test_bf16_rounds_the_mlps_alone_and_tf32_is_refused_on_a_cpu() -> None:
    rounded, exact = model(Precision.BF16), model()
    (batch,) = batches((64,))
    found, expected = rounded(*batch[:2]), exact(*batch[:2])
    assert found.dtype == torch.float32
    error = (found - expected).abs().max()
    assert 1e-5 < error < 0.05
    assert torch.equal(rounded.embedding(batch[1]), exact.embedding(batch[1]))
    before = rounded.top_mlp[0].weight.detach().clone()
    Step(rounded, [optimizer(rounded)])(*batch)
    assert rounded.top_mlp[0].weight.dtype == torch.float32
    assert not torch.equal(before, rounded.top_mlp[0].weight)
    with pytest.raises(UnsupportedError, match="tf32 is a mode of GPUs"):
        use_precision(Precision.TF32, CPU)
