"""Train a DLRM for a number of samples, with a learning curve and evaluation on validation and test."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_cli.dlrm.bags import Bags, read_bags
from ttrec_cli.dlrm.metrics import Metrics, click_metrics
from ttrec_cli.dlrm.parallel import make_step
from ttrec_kernels import UnsupportedError
from ttrec_kernels.cuda.bad_index import check_indices

FINITE_CHECK_STEPS = 64
"""Steps between looks at the loss. Each look waits for the device, so on a GPU there are none but at curve points."""


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


class StepWatcher(Protocol):
    """What follows each training step, such as a cache that counts rows; `hits` are its (hits, lookups) by table."""

    def after_step(self, indices: NDArray[np.int32], samples_done: int) -> None:
        """`indices` (batch, tables) were trained on; so many samples are done in all."""

    def hits(self) -> tuple[tuple[int, int], ...]:
        """Since they were last forgotten."""

    def forget_hits(self) -> None:
        """Begin a new part of the learning curve."""


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
    cache_hits: tuple[tuple[int, int], ...] = ()
    """Hits and lookups of each table's row cache since the last point."""


@dataclass
class Position:
    """Where a training is: steps and samples done, those since the last curve point with their summed loss, times."""

    steps: int = 0
    samples: int = 0
    segment_samples: int = 0
    segment_loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0


class Training:
    """A model in training: it can stop after any step, be saved, and go on as if it had not stopped.

    Trains on the train split, over again if the schedule's samples exceed it; `curve` has a point per evaluation.
    `on_step(samples, loss)` is called every FINITE_CHECK_STEPS steps with the loss last looked at, NaN before that;
    `tick(training)` after every step and before every batch of an evaluation: the state is whole then, so it may save
    it, and may raise to end the run. `watcher` sees the indices of each step.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: list[torch.optim.Optimizer],
        batches: Batches,
        schedule: Schedule,
        on_step: Callable[[int, float], None] = lambda *_: None,
        tick: "Callable[[Training], None]" = lambda *_: None,
        watcher: StepWatcher | None = None,
    ) -> None:
        self.model = model
        self.optimizers = optimizers
        self.curve: list[CurvePoint] = []
        self.device = next(model.parameters()).device
        self.position = Position()
        self.position.segment_loss = self.position.segment_loss.to(self.device)
        self._batches = batches
        self._schedule = schedule
        self._stops = curve_stops(schedule.samples, schedule.evaluations)
        self._on_step = on_step
        self._tick = tick
        self._watcher = watcher
        self._seen_loss = float("nan")
        self._train_on = make_step(model, optimizers, self.device)

    def run(self, until: int | None = None) -> CurvePoint:
        """Train to the schedule's end, or to the first step that reaches `until` samples; the point reached.

        A stop at `until` changes nothing of what comes later: its point is not part of the curve unless the schedule
        has it. Raises `DivergedError` when the loss is not finite, and what the tick raises.
        """
        end = self._schedule.samples if until is None else min(until, self._schedule.samples)
        stream = islice(_endless(self._batches, self._schedule), self.position.steps, None)
        while True:
            evaluated = self.curve[-1].samples if self.curve else 0
            if any(evaluated < stop <= self.position.samples for stop in self._stops):
                self.curve.append(self._evaluate())
                self.position.segment_samples = 0
                self.position.segment_loss.zero_()
                if self._watcher is not None:
                    self._watcher.forget_hits()
            if self.position.samples >= end:
                break
            self._train_to(min(stop for stop in (*self._stops, end) if stop > self.position.samples), stream)
        return self.curve[-1] if self.position.segment_samples == 0 else self._evaluate()

    def _train_to(self, stop: int, stream: Iterator[Batch]) -> None:
        """Train until at least `stop` samples are done."""
        self.model.train()
        at = self.position
        while at.samples < stop:
            started = time.perf_counter()
            count, loss = self._step(next(stream))
            at.segment_loss += loss.double() * count
            at.segment_samples += count
            at.samples += count
            at.steps += 1
            if at.samples >= stop or (at.steps % FINITE_CHECK_STEPS == 0 and self.device.type == "cpu"):
                self._look_at_loss()
            if at.samples >= stop or at.steps % FINITE_CHECK_STEPS == 0:
                self._on_step(at.samples, self._seen_loss)
            at.train_seconds += time.perf_counter() - started
            self._tick(self)

    def _step(self, batch: Batch) -> tuple[int, Tensor]:
        dense, sparse, label = to_device(batch, self.device)
        loss = self._train_on(dense, sparse, label)
        if self._watcher is not None:
            if isinstance(sparse, Bags):
                raise UnsupportedError(
                    "a row cache counts one row a table and sample, but this log has bags; leave `cache` out"
                )
            self._watcher.after_step(np.asarray(batch.sparse), self.position.samples + len(label))
        return len(label), loss

    def _look_at_loss(self) -> None:
        mean = float(self.position.segment_loss) / self.position.segment_samples
        if not np.isfinite(mean):
            raise DivergedError(f"the training loss is {mean} after {self.position.samples} samples")
        self._seen_loss = mean

    def _evaluate(self) -> CurvePoint:
        at, size = self.position, self._schedule.test_batch_size
        if self.device.type == "cuda":
            check_indices()  # lookups on a GPU only note a bad index: looking for it waits
        started = time.perf_counter()
        validation = evaluate(self.model, self._batches("validation", size), lambda: self._tick(self))
        test = evaluate(self.model, self._batches("test", size), lambda: self._tick(self))
        at.evaluate_seconds += time.perf_counter() - started
        mean_loss = float(at.segment_loss) / at.segment_samples
        hits = () if self._watcher is None else self._watcher.hits()
        return CurvePoint(at.samples, mean_loss, validation, test, at.train_seconds, at.evaluate_seconds, hits)


def train(
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    batches: Batches,
    schedule: Schedule,
    on_step: Callable[[int, float], None],
    watcher: StepWatcher | None = None,
) -> list[CurvePoint]:
    """Train from the start to the end of the schedule, see `Training`; one curve point per evaluation."""
    training = Training(model, optimizers, batches, schedule, on_step, watcher=watcher)
    training.run()
    return training.curve


def curve_stops(samples: int, evaluations: int) -> list[int]:
    """Numbers of samples after which to evaluate: evenly spaced, the last is `samples`."""
    return sorted({max(1, round(samples * k / evaluations)) for k in range(1, evaluations + 1)})


def _endless(batches: Batches, schedule: Schedule) -> Iterator[Batch]:
    while True:
        yield from batches("train", schedule.batch_size)


def evaluate(model: nn.Module, batches: Iterable[Batch], tick: Callable[[], None] = lambda: None) -> Metrics:
    """Metrics of a model over all batches, with a `tick` before each. Raises `DivergedError` when a prediction is
    not finite."""
    device = next(model.parameters()).device
    model.eval()
    logits, labels = [], []
    with torch.no_grad():
        for batch in batches:
            tick()
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
