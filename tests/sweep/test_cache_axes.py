"""The cache and initial distributions as axes: keys change only where they make a difference, bytes are exact."""

import json

import pytest
import torch

from ttrec_cli.config import SweepConfig
from ttrec_cli.config.axes import axis_names
from ttrec_cli.sweep.costs import row_cache_settings
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.grid import Trial, expand
from ttrec_cli.sweep.rows import planned_columns
from ttrec_kernels import EmbeddingTables

DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 900), 6000, "f" * 64)
BASE = {
    "name": "t",
    "data": {"format": "synthetic", "rows": 7000},
    "grid": {"rank": [2], "tables": [2], "dim": [4]},
    "baseline": False,
}


def trials(**changes: object) -> tuple[Trial, ...]:
    return expand(SweepConfig.model_validate(BASE | changes), DATA)


def grid(**axes: list[object]) -> dict[str, list[object]]:
    return {"rank": [2], "tables": [2], "dim": [4]} | {name.replace("__", "."): values for name, values in axes.items()}


def test_the_axes_are_known() -> None:
    assert {"cache.rows_fraction", "cache.warmup_fraction", "cache.refresh_every", "init.dense_distribution"} <= set(
        axis_names()
    )


def test_a_cache_of_no_rows_is_no_cache() -> None:
    (plain,) = trials()
    (off,) = trials(cache={"rows_fraction": 0, "warmup_fraction": 0.5})
    assert (plain.key, plain.trained_as) == (off.key, off.trained_as)
    several = trials(grid=grid(cache__rows_fraction=[0, 0.01, 0.1], cache__warmup_fraction=[0.1, 0.2]))
    assert len(several) == 1 + 2 * 2
    assert plain.key in {trial.key for trial in several}
    assert len({trial.trained_as for trial in several}) == 5


def test_the_uncompressed_model_has_no_cache_but_an_initial_distribution() -> None:
    def dense(**sections: object) -> Trial:
        return trials(trials=[{"method": "dense", "dim": 4}], grid={}, **sections)[0]

    assert dense().key == dense(cache={"rows_fraction": 0.1}).key == dense(init={"scale": "paper"}).key
    assert dense(init={"dense_distribution": "uniform"}).key == dense().key
    other = dense(init={"dense_distribution": "normal-1/8"})
    assert other.key != dense().key
    assert other.trained_as != dense().trained_as
    assert other.trained_as == dense(init={"dense_distribution": "normal-1/8", "scale": "paper"}).trained_as


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_bytes_of_the_cache_are_those_of_its_tensors(optimizer: str) -> None:
    asked = {"optimizer": optimizer, "batch_size": 10}
    (plain,) = trials(train=asked)
    (trial,) = trials(train=asked, cache={"rows_fraction": 0.01, "warmup_fraction": 0.25})
    settings = row_cache_settings(trial.config, trial.plans, trial.train_samples)
    assert settings is not None
    assert settings.warmup_samples == 1500
    cache = EmbeddingTables(trial.plans, cache=settings).row_cache
    assert cache is not None

    def held(*tensors: torch.Tensor) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    rows, index = held(cache.weight), held(cache.keys, cache.slots)
    counts = sum(held(each.keys, each.counts) for each in cache.row_counts)
    assert trial.costs.cache_bytes == rows + index
    assert trial.costs.embedding_bytes - plain.costs.embedding_bytes == rows + index
    assert trial.costs.model_bytes - plain.costs.model_bytes == rows + index
    state = rows if optimizer == "adagrad" else 0
    assert trial.costs.optimizer_bytes - plain.costs.optimizer_bytes == state
    more = trial.costs.training_bytes - plain.costs.training_bytes
    assert more == rows + index + state + counts  # gradients are applied at once, none is held
    assert trial.costs.compression < plain.costs.compression


def test_columns_say_what_was_cached_and_drawn() -> None:
    (trial,) = trials(cache={"rows_fraction": 0.01}, init={"dense_distribution": "normal-1/3n"})
    columns = planned_columns(trial, DATA, "t", stand_in=False)
    assert columns["cache_rows_fraction"] == 0.01
    assert columns["cache_warmup_fraction"] == 0.1
    assert columns["cache_bytes"] == trial.costs.cache_bytes > 0
    assert columns["dense_distribution"] == "normal-1/3n"
    assert json.loads(columns["settings"])["cache"]["rows_fraction"] == 0.01
    (plain,) = trials()
    columns = planned_columns(plain, DATA, "t", stand_in=False)
    assert (columns["cache_rows_fraction"], columns["cache_bytes"]) == (0, 0)
    assert "cache" not in json.loads(columns["settings"])
