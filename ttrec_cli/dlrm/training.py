"""Train a DLRM for a number of samples, with a learning curve and evaluation on validation and test."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_cli.dlrm.bags import Bags, read_bags
from ttrec_cli.dlrm.metrics import Metrics, click_metrics

FINITE_CHECK_STEPS = 64
"""Steps between looks at the loss: each look waits for the device."""


class Batch(Protocol):
    """Samples of a click log: dense (n, features) float32, sparse (n, tables) int32, label (n,) uint8.

    Arrays or tensors. With an attribute `bag_widths`, not empty, `sparse` holds bags: see `read_bags`.
    """

    @property
    def dense(self) -> NDArray[np.float32] | Tensor: ...
    @property
    def sparse(self) -> NDArray[np.int32] | Tensor: ...
    @property
    def label(self) -> NDArray[np.uint8] | Tensor: ...


Batches = Callable[[str, int], Iterable[Batch]]
"""Batches of a split ("train", "validation" or "test") at a batch size."""


class DivergedError(Exception):
    """The training loss is not a finite number any more."""


@dataclass(frozen=True)
class Schedule:
    """How much and how a model trains: `samples` in all, evaluated `evaluations` times, evenly spaced."""

    samples: int
    batch_size: int
    test_batch_size: int
    evaluations: int


@dataclass(frozen=True)
class CurvePoint:
    """State of training after `samples`: mean train log-loss since the last point, metrics, seconds so far."""

    samples: int
    train_logloss: float
    validation: Metrics
    test: Metrics
    train_seconds: float
    evaluate_seconds: float


def train(
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    batches: Batches,
    schedule: Schedule,
    on_step: Callable[[int, float], None],
) -> list[CurvePoint]:
    """Train on the train split, over again if `samples` exceed it; one curve point per evaluation.

    `on_step(samples, loss)` is called every FINITE_CHECK_STEPS steps. Raises `DivergedError` when the loss is
    not finite. Runs on the device of the model's parameters.
    """
    device = next(model.parameters()).device
    stops = curve_stops(schedule.samples, schedule.evaluations)
    curve: list[CurvePoint] = []
    done, train_seconds, evaluate_seconds = 0, 0.0, 0.0
    stream = _endless(batches, schedule)
    for stop in stops:
        started = time.perf_counter()
        trained, mean_loss = _train_until(model, optimizers, stream, stop - done, device, done, on_step)
        done += trained
        evaluated = time.perf_counter()
        train_seconds += evaluated - started
        validation = evaluate(model, batches("validation", schedule.test_batch_size))
        test = evaluate(model, batches("test", schedule.test_batch_size))
        evaluate_seconds += time.perf_counter() - evaluated
        curve.append(CurvePoint(done, mean_loss, validation, test, train_seconds, evaluate_seconds))
    return curve


def curve_stops(samples: int, evaluations: int) -> list[int]:
    """Numbers of samples after which to evaluate: evenly spaced, the last is `samples`."""
    return sorted({max(1, round(samples * k / evaluations)) for k in range(1, evaluations + 1)})


def _endless(batches: Batches, schedule: Schedule) -> Iterator[Batch]:
    while True:
        yield from batches("train", schedule.batch_size)


def _train_until(
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    stream: Iterator[Batch],
    samples: int,
    device: torch.device,
    offset: int,
    on_step: Callable[[int, float], None],
) -> tuple[int, float]:
    """Train on at least `samples` more; returns how many and their mean loss."""
    model.train()
    loss_function = nn.BCEWithLogitsLoss()
    loss_sum = torch.zeros((), dtype=torch.float64, device=device)
    done, steps = 0, 0
    while done < samples:
        batch = next(stream)
        dense, sparse, label = to_device(batch, device)
        loss = loss_function(model(dense, sparse), label)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        count = len(label)
        loss_sum += loss.detach().double() * count
        done += count
        steps += 1
        if steps % FINITE_CHECK_STEPS == 0 or done >= samples:
            mean = float(loss_sum) / done
            if not np.isfinite(mean):
                raise DivergedError(f"the training loss is {mean} after {offset + done} samples")
            on_step(offset + done, mean)
    return done, float(loss_sum) / done


def evaluate(model: nn.Module, batches: Iterable[Batch]) -> Metrics:
    """Metrics of a model over all batches. Raises `DivergedError` when a prediction is not finite."""
    device = next(model.parameters()).device
    model.eval()
    logits, labels = [], []
    with torch.no_grad():
        for batch in batches:
            dense, sparse, _ = to_device(batch, device)
            logits.append(model(dense, sparse).float().cpu().numpy())
            labels.append(batch.label.cpu().numpy() if isinstance(batch.label, Tensor) else np.asarray(batch.label))
    scores = np.concatenate(logits)
    if not np.isfinite(scores).all():
        raise DivergedError("predictions are not finite")
    return click_metrics(scores, np.concatenate(labels))


def to_device(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor | Bags, Tensor]:
    """The batch on a device: dense float32, indices (n, tables) integer or bags of them, label float32."""
    dense, sparse, label = (_tensor(values).to(device) for values in (batch.dense, batch.sparse, batch.label))
    widths: tuple[int, ...] = getattr(batch, "bag_widths", ())
    return dense, read_bags(sparse, widths) if widths else sparse, label.float()


def _tensor(values: NDArray[np.generic] | Tensor) -> Tensor:
    # The copies are small, and torch refuses to wrap the read-only pages of a memory map.
    return values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
