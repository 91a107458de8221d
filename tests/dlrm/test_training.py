"""The training loop against one written out by hand, and what it does when a loss is not a number."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from ttrec_cli.dlrm.metrics import click_metrics
from ttrec_cli.dlrm.model import DLRM
from ttrec_cli.dlrm.training import DivergedError, Schedule, curve_stops, evaluate, train

TABLES, DIM, ROWS = 3, 4, 20


@dataclass(frozen=True)
class Samples:
    dense: np.ndarray
    sparse: np.ndarray
    label: np.ndarray


@pytest.fixture
def log():
    chance = np.random.default_rng(42)
    sizes = {"train": 50, "validation": 30, "test": 31}
    samples = {
        split: Samples(
            chance.random((size, 13), dtype=np.float32),
            chance.integers(0, ROWS, (size, TABLES), dtype=np.int32),
            chance.integers(0, 2, size, dtype=np.uint8),
        )
        for split, size in sizes.items()
    }

    def batches(split: str, batch_size: int) -> Iterator[Samples]:
        whole = samples[split]
        for start in range(0, len(whole.label), batch_size):
            part = slice(start, start + batch_size)
            yield Samples(whole.dense[part], whole.sparse[part], whole.label[part])

    return batches


class Tables(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(TABLES, ROWS, DIM, generator=torch.Generator().manual_seed(1)))

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        return self.weight[torch.arange(TABLES), indices]


def model() -> DLRM:
    return DLRM(Tables(), tables=TABLES, dim=DIM, bottom_widths=(8,), top_widths=(8,), seed=2)


def test_two_epochs_of_sgd_equal_a_loop_written_out(log) -> None:
    ours, theirs = model(), model()
    schedule = Schedule(samples=100, batch_size=16, test_batch_size=7, evaluations=2)
    curve = train(ours, [torch.optim.SGD(ours.parameters(), lr=0.1)], log, schedule, lambda *_: None)

    losses = []
    for _ in range(2):
        for batch in log("train", 16):
            logits = theirs(torch.from_numpy(batch.dense), torch.from_numpy(batch.sparse).long())
            p = torch.sigmoid(logits)
            y = torch.from_numpy(batch.label).float()
            loss = -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()
            gradients = torch.autograd.grad(loss, list(theirs.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(theirs.parameters(), gradients, strict=True):
                    parameter.sub_(0.1 * gradient)
            losses.append(loss.item())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    assert [point.samples for point in curve] == [50, 100]
    weights = np.array([16, 16, 16, 2])
    assert curve[1].train_logloss == pytest.approx(np.average(losses[4:], weights=weights), rel=1e-5)


def test_evaluation_does_not_depend_on_the_batch_size(log) -> None:
    fixed = model()
    whole = next(iter(log("test", 100)))
    logits = fixed(torch.from_numpy(whole.dense), torch.from_numpy(whole.sparse).long()).detach().numpy()
    expected = click_metrics(logits, whole.label)
    for size in (1, 7, 31, 100):
        found = evaluate(fixed, log("test", size))
        assert found.logloss == pytest.approx(expected.logloss, rel=1e-6)
        assert found.auc == pytest.approx(expected.auc)


def test_steps_are_told_and_a_loss_that_is_not_a_number_ends_training(log) -> None:
    told = []
    trained = model()
    train(trained, [], log, Schedule(50, 10, 10, 1), lambda samples, loss: told.append((samples, loss)))
    assert told[-1][0] == 50
    with torch.no_grad():
        trained.top_mlp[0].weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match="nan"):
        train(trained, [], log, Schedule(50, 10, 10, 1), lambda *_: None)
    with pytest.raises(DivergedError, match="predictions"):
        evaluate(trained, log("test", 10))


def test_curve_points_are_evenly_spaced_and_end_with_the_last_sample() -> None:
    assert curve_stops(1000, 4) == [250, 500, 750, 1000]
    assert curve_stops(3, 10) == [1, 2, 3]
    assert curve_stops(1, 1) == [1]
