"""A trial with a row cache that is stopped between two refreshes goes on with the same weights, bit for bit."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from contracts.stopped_training import Samples, StopError

from ttrec_cli.config import SweepConfig
from ttrec_cli.dlrm.checkpoint import load_checkpoint, save_checkpoint
from ttrec_cli.dlrm.training import Schedule, Training
from ttrec_cli.sweep.cache_watcher import cache_watcher
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.grid import Trial, expand
from ttrec_cli.sweep.trial_run import build_model, build_optimizers, embedding_of
from ttrec_kernels.row_cache import RowCache

ROWS = (50_000, 4, 900)
SAMPLES, BATCH, REFRESH = 2000, 50, 8
STEPS = SAMPLES // BATCH
DATA = Dataset("toy", True, ("C1", "C2", "C3"), ROWS, SAMPLES, "f" * 64)
SCHEDULE = Schedule(SAMPLES, BATCH, test_batch_size=500, evaluations=4)


def trial(optimizer: str) -> Trial:
    (found,) = expand(
        SweepConfig.model_validate(
            {
                "name": "t",
                "data": {"format": "synthetic", "rows": 7000},
                "grid": {"rank": [4], "tables": [2], "dim": [4]},
                "baseline": False,
                "train": {"optimizer": optimizer, "learning_rate": 0.1, "batch_size": BATCH},
                "cache": {"rows_fraction": 0.01, "warmup_fraction": 0.1, "refresh_every": REFRESH},
            }
        ),
        DATA,
    )
    return found


@pytest.fixture(scope="module")
def log() -> Samples:
    """Few rows are popular, and others as time goes on, so that each refresh changes what is cached."""
    chance = np.random.default_rng(11)
    popular = chance.geometric(0.02, (SAMPLES, len(ROWS))) + np.arange(SAMPLES)[:, None] // 20
    return Samples(
        chance.random((SAMPLES, 13), dtype=np.float32),
        (popular % np.array(ROWS)).astype(np.int32),
        chance.integers(0, 2, SAMPLES, dtype=np.uint8),
    )


def make(log: Samples, optimizer: str, tick: Callable[[Training], None] = lambda _: None) -> Training:
    def read(_split: str, size: int) -> Iterator[Samples]:
        for start in range(0, SAMPLES, size):
            part = slice(start, start + size)
            yield Samples(log.dense[part], log.sparse[part], log.label[part])

    asked = trial(optimizer)
    torch.manual_seed(asked.config.seed)
    model = build_model(asked, torch.device("cpu"))
    optimizers = build_optimizers(model, asked.config.train)
    return Training(
        model, optimizers, read, SCHEDULE, tick=tick, watcher=cache_watcher(embedding_of(model), optimizers)
    )


def cache_of(training: Training) -> RowCache:
    cache = embedding_of(training.model).row_cache
    assert cache is not None
    return cache


def check_same(ours: Training, theirs: Training) -> None:
    expected = theirs.model.state_dict()
    for name, value in ours.model.state_dict().items():
        equal = torch.equal(value, expected[name]) if isinstance(value, torch.Tensor) else value == expected[name]
        assert equal, name
    for one, other in zip(ours.optimizers, theirs.optimizers, strict=True):
        for state, wanted in zip(one.state.values(), other.state.values(), strict=True):
            assert all(torch.equal(torch.as_tensor(state[key]), torch.as_tensor(wanted[key])) for key in wanted)
    for x, y in zip(ours.curve, theirs.curve, strict=True):
        assert (x.samples, x.train_logloss, x.validation, x.test) == (y.samples, y.train_logloss, y.validation, y.test)
        assert x.cache_hits == y.cache_hits


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
@pytest.mark.parametrize("steps", [2, REFRESH * 2 + 3, STEPS - 1])
def test_going_on_between_two_refreshes(log: Samples, optimizer: str, steps: int, tmp_path: Path) -> None:
    undisturbed = make(log, optimizer)
    undisturbed.run()
    assert sum(hits for point in undisturbed.curve for hits, _ in point.cache_hits) > 0

    def stop(training: Training) -> None:
        if training.position.steps == steps:
            raise StopError

    stopped = make(log, optimizer, stop)
    with pytest.raises(StopError):
        stopped.run()
    save_checkpoint(stopped, tmp_path / "state.safetensors", "trial")
    resumed = make(log, optimizer)
    load_checkpoint(resumed, tmp_path / "state.safetensors", "trial")
    assert torch.equal(cache_of(resumed).keys, cache_of(stopped).keys)
    cached = cache_of(stopped).keys.clone()
    resumed.run()
    if steps < STEPS - REFRESH:
        assert not torch.equal(cached, cache_of(resumed).keys), "no refresh after the stop: nothing was tested"
    check_same(resumed, undisturbed)


def test_the_comparison_notices_a_count_that_is_lost(log: Samples, tmp_path: Path) -> None:
    """Counts decide what the next refresh keeps: without them the training ends elsewhere."""
    undisturbed = make(log, "sgd")
    undisturbed.run()

    def forget(training: Training) -> None:
        if training.position.steps == REFRESH * 2 + 3:
            for counts in cache_of(training).row_counts:
                counts.counts.zero_()

    forgetful = make(log, "sgd", forget)
    forgetful.run()
    with pytest.raises(AssertionError):
        check_same(forgetful, undisturbed)
