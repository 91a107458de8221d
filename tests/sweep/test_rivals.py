"""Rivals as values of the axis `method`: bytes, keys, training, int8 after training."""

from pathlib import Path

import pytest
import torch

from ttrec_cli.config import SweepConfig, SyntheticData, load_sweep
from ttrec_cli.data import open_click_log
from ttrec_cli.sweep.dataset import Dataset, materialise
from ttrec_cli.sweep.grid import expand
from ttrec_cli.sweep.messages import Task
from ttrec_cli.sweep.trial_run import build_model, run_trial
from ttrec_kernels import TableKind

METHODS = ["tt", "hash", "double-hash", "qr", "low-rank", "tt+hash", "int8", "tt+int8"]
DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 9_000), 6000, "f" * 64)
BASE = {
    "name": "t",
    "data": {"format": "synthetic", "rows": 7000},
    "grid": {"method": METHODS, "rank": [4, 8], "tables": [2], "dim": [4]},
    "match_bytes": "tt",
    "seeds": [0],
}


def by_method(**changes):
    trials = expand(SweepConfig.model_validate(BASE | changes), DATA)
    return {(trial.config.method.value, trial.config.rank): trial for trial in trials}


def test_every_method_is_a_trial_of_its_own_and_bytes_match() -> None:
    found = by_method()
    assert len(found) == 1 + 2 * (len(METHODS) - 1) + 1  # dense, two ranks of each, int8 once
    # At both ranks low-rank takes its least bytes: one training, two points.
    assert len({trial.trained_as for trial in found.values()}) == len(found) - 1
    for rank in (4, 8):
        most = found["tt", rank].costs.embedding_bytes
        for method in ("hash", "double-hash", "tt+hash", "tt+int8"):
            assert 0.6 * most <= found[method, rank].costs.embedding_bytes <= most, method
    int8, dense = found["int8", None].costs, found["dense", None].costs
    assert int8.embedding_bytes == 59_000 * (4 + 4) + 4 * 4 * 4
    assert dense.embedding_bytes == 59_004 * 4 * 4
    assert int8.training_bytes == dense.training_bytes  # it is trained in fp32
    assert int8.compression == pytest.approx(dense.embedding_bytes / int8.embedding_bytes)


def test_labels_and_keys_of_tensor_trains_are_as_they_were() -> None:
    alone = by_method(grid={"method": ["tt"], "rank": [4], "tables": [2], "dim": [4]})
    assert alone["tt", 4].key == by_method()["tt", 4].key
    assert by_method()["hash", 4].label == "hash rank 4, 2 tables, dim 4, seed 0"


def test_a_plan_of_rivals_is_a_cell(tmp_path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("tables:\n- {name: C1, rows: 50000, dim: 4, kind: hash, buckets: 100}\n")
    (trial,) = expand(SweepConfig.model_validate(BASE | {"grid": {}, "plan": str(path), "baseline": False}), DATA)
    assert trial.config.method == "hash"
    assert (trial.config.tables, trial.config.rank) == (1, None)
    assert trial.plans[0].kind == TableKind.HASH


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    data = SyntheticData.model_validate({"format": "synthetic", "rows": 7000, "table_scale": 0.0005, "seed": 3})
    log = open_click_log(materialise(data, tmp_path_factory.mktemp("data"), lambda rows: None))
    dataset = Dataset("toy", True, log.columns, log.cardinalities, 6000, "f" * 64)
    config = SweepConfig.model_validate(
        {
            "name": "t",
            "data": data.model_dump(),
            "model": {"bottom_mlp": [8], "top_mlp": [8]},
            "train": {
                "optimizer": "adagrad", "learning_rate": 0.05, "batch_size": 100, "evaluations": 1, "samples": 3000
            },
            "grid": {"method": METHODS, "rank": [4], "tables": [3], "dim": [4]},
        }
    )  # fmt: skip
    trials = expand(config, dataset)
    return {
        trial.config.method.value: (
            trial,
            run_trial(Task(trial, str(log.path)), log, torch.device("cpu"), lambda *_: None),
        )
        for trial in trials
    }


class TestTraining:
    """Every method trains in the worker that trains all others."""

    def test_all_learn(self, outcomes) -> None:
        assert set(outcomes) == {"dense", *METHODS}
        for method, (_, outcome) in outcomes.items():
            assert outcome.status == "ok", outcome.reason
            assert 0.3 < outcome.columns["val_logloss"] < 0.69, method

    def test_int8_is_dense_rounded_after_training(self, outcomes) -> None:
        dense, int8 = outcomes["dense"][1].columns, outcomes["int8"][1].columns
        assert int8["train_logloss"] == dense["train_logloss"]
        assert int8["val_logloss"] != dense["val_logloss"]
        assert int8["val_logloss"] == pytest.approx(dense["val_logloss"], abs=2e-3)

    def test_bytes_are_those_of_the_weights(self, outcomes) -> None:
        for method in ("hash", "double-hash", "qr", "low-rank", "tt+hash", "tt"):
            trial, _ = outcomes[method]
            embedding = build_model(trial, torch.device("cpu")).embedding
            assert trial.costs.embedding_bytes == 4 * sum(map(torch.numel, embedding.parameters())), method


def test_the_shipped_file_asks_for_all() -> None:
    loaded = load_sweep(Path(__file__).parents[2] / "sweeps" / "methods.yaml")
    assert set(METHODS) <= set(loaded.config.grid["method"])
    assert loaded.config.tune
