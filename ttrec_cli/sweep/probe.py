"""Measure the speed of a trial by a hundred steps of it, with the very code that trains."""

import time
from collections.abc import Iterable
from itertools import islice

import torch

from ttrec_cli.data import ClickLog
from ttrec_cli.dlrm.training import Batch, Schedule, train
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.probe_times import Speed
from ttrec_cli.sweep.trial_run import build_model, build_optimizers

WARM_UP_STEPS = 5
STEPS = 100
STEP_SECONDS = 4.0
"""Where a hundred steps would take longer, fewer are measured."""
EVALUATED_BATCHES = 2


def measure(trial: Trial, log: ClickLog, device: torch.device) -> Speed:
    """The speed of a trial on this device. Raises whatever its training raises."""
    started = time.perf_counter()
    model = build_model(trial, device, dense_features=log.dense.shape[1])
    optimizers = build_optimizers(model, trial.config.train)
    build_seconds = time.perf_counter() - started
    config = trial.config.train
    batches = _Limited(log, config.test_batch_size)

    def run(steps: int) -> tuple[float, float, int]:
        batches.evaluated = 0
        schedule = Schedule(steps * config.batch_size, config.batch_size, config.test_batch_size, 1)
        point = train(model, optimizers, batches, schedule, _ignore)[-1]
        return point.train_seconds, point.evaluate_seconds, batches.evaluated

    warm, _, _ = run(WARM_UP_STEPS)
    again, _, _ = run(WARM_UP_STEPS)
    del warm  # the first steps compile and allocate
    steps = max(WARM_UP_STEPS, min(STEPS, int(STEP_SECONDS / max(again / WARM_UP_STEPS, 1e-6))))
    train_seconds, evaluate_seconds, evaluated = run(steps)
    return Speed(build_seconds, train_seconds / steps, evaluate_seconds / max(1, evaluated))


class _Limited:
    """A log's batches, but only a few of those that are evaluated on; counts their samples."""

    def __init__(self, log: ClickLog, test_batch_size: int) -> None:
        self._log = log
        self._most = EVALUATED_BATCHES if test_batch_size >= 1024 else EVALUATED_BATCHES * 1024 // test_batch_size
        self.evaluated = 0

    def __call__(self, split: str, batch_size: int) -> Iterable[Batch]:
        batches: Iterable[Batch] = self._log.batches(split, batch_size)
        if split != "train":
            batches = list(islice(batches, self._most))
            self.evaluated += sum(len(batch.label) for batch in batches)
        return batches


def _ignore(samples: int, loss: float) -> None:
    """Nobody watches a probe."""
