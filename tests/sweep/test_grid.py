"""Cells become trials: no trial twice, keys that follow what they should, exact bytes."""

from dataclasses import replace
from pathlib import Path

import pytest

from ttrec_cli.config import SweepConfig
from ttrec_cli.errors import ConfigError
from ttrec_cli.sweep.costs import mlp_size
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.grid import expand

DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 900), 6000, "f" * 64)
BASE = {
    "name": "t",
    "data": {"format": "synthetic", "rows": 7000},
    "grid": {"rank": [2, 4], "tables": [1, 2], "dim": [4]},
    "seeds": [0, 1],
}


def trials(**changes):
    return expand(SweepConfig.model_validate(BASE | changes), DATA)


def test_the_grid_is_a_product_with_one_baseline_per_dim_and_shared_seeds() -> None:
    found = trials()
    assert [trial.config.method for trial in found[:2]] == ["dense", "dense"]
    assert len(found) == 2 + 2 * 2 * 2
    assert {trial.config.seed for trial in found} == {0, 1}
    assert len({trial.key for trial in found}) == len(found)


def test_adding_values_keeps_the_keys_of_those_that_were_there() -> None:
    before = {trial.key for trial in trials()}
    after = {trial.key for trial in trials(grid={"rank": [2, 4, 8], "tables": [1, 2], "dim": [4]}, seeds=[0, 1, 2])}
    assert before < after


@pytest.mark.parametrize("change", [{"train": {"learning_rate": 0.2}}, {"model": {"top_mlp": [16]}}])
def test_settings_change_the_keys(change) -> None:
    assert not {trial.key for trial in trials()} & {trial.key for trial in trials(**change)}


def test_the_name_of_the_sweep_is_not_part_of_the_key() -> None:
    assert {trial.key for trial in trials()} == {trial.key for trial in trials(name="other")}


def test_initialisation_of_cores_does_not_concern_the_baseline() -> None:
    dense = {trial.key for trial in trials() if trial.config.method == "dense"}
    found = trials(grid={"rank": [2], "tables": [1], "init.scale": ["calibrated", "paper"]}, seeds=[0])
    other = [trial for trial in found if trial.config.method == "dense"]
    assert len(other) == 1
    assert trials(init={"scale": "paper"})[0].key in dense


def test_cells_with_the_same_plan_are_trained_once_and_stay_separate() -> None:
    small = Dataset("toy", True, ("C1", "C2"), (30, 4), 6000, "f" * 64)
    stays_dense = expand(
        SweepConfig.model_validate(BASE | {"seeds": [0], "grid": {"rank": [64, 128], "tables": [1, 2], "dim": [4]}}),
        small,
    )
    assert len({trial.trained_as for trial in stays_dense}) == 1
    assert len({trial.key for trial in stays_dense}) == 5
    assert all(plan.reason for trial in stays_dense[1:] for plan in trial.plans[:1])


def test_more_tables_than_there_are_is_said_with_the_key_to_add() -> None:
    with pytest.raises(ConfigError, match="add `tables: \\[3\\]`"):
        trials(grid={"rank": [2]})


def test_axes_beyond_the_common_ones_are_in_the_label() -> None:
    found = trials(grid={"rank": [2], "tables": [1], "train.batch_size": [64, 128]}, seeds=[0], baseline=False)
    assert [trial.label for trial in found] == [
        f"tt rank 2, 1 table, dim 16, seed 0, train.batch_size={size}" for size in (64, 128)
    ]


def test_frozen_cores_are_another_training() -> None:
    found = trials(grid={"method": ["tt", "tt-frozen"], "rank": [2], "tables": [1]}, seeds=[0], baseline=False)
    assert len({trial.trained_as for trial in found}) == 2
    assert found[0].costs.model_bytes == found[1].costs.model_bytes
    assert found[0].costs.training_bytes > found[1].costs.training_bytes


def test_bytes_are_those_of_the_model_that_is_built() -> None:
    torch = pytest.importorskip("torch")
    from ttrec_cli.sweep.trial_run import build_model, build_optimizers

    for trial in trials(train={"optimizer": "adagrad"}, seeds=[0]):
        model = build_model(trial, torch.device("cpu"))
        built = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        assert built == trial.costs.model_bytes
        optimizers = build_optimizers(model, trial.config.train)
        states = [state["sum"] for optimizer in optimizers for state in optimizer.state.values()]
        assert sum(state.numel() * state.element_size() for state in states) == trial.costs.optimizer_bytes


@pytest.mark.parametrize("features", [1, 2, 40])
def test_bytes_follow_the_number_of_dense_features(features: int) -> None:
    torch = pytest.importorskip("torch")
    from ttrec_cli.sweep.trial_run import build_model

    trial = expand(SweepConfig.model_validate(BASE), replace(DATA, dense_features=features))[0]
    model = build_model(trial, torch.device("cpu"), dense_features=features)
    assert sum(p.numel() * p.element_size() for p in model.parameters()) == trial.costs.model_bytes
    assert model(torch.zeros(5, features), torch.zeros(5, 3, dtype=torch.int64)).shape == (5,)


def test_kaggle_mlps_have_the_parameters_of_mlperf() -> None:
    config = SweepConfig.model_validate(BASE)
    bottom = 14 * 512 + 513 * 256 + 257 * 64 + 65 * 16
    top = 368 * 512 + 513 * 256 + 257
    assert mlp_size(config.model, tables=26, dim=16) == bottom + top


def test_the_shipped_sweeps_expand() -> None:
    from ttrec_cli.config import load_sweep
    from ttrec_cli.sweep.dataset import describe

    folder = Path(__file__).resolve().parents[2] / "sweeps"
    found = {path.stem: expand(*_load(path, load_sweep, describe)) for path in folder.glob("*.yaml")}
    assert len(found["quickstart"]) >= 8
    assert len(found["kaggle"]) % 39 == 0


def _load(path, load_sweep, describe):
    config = load_sweep(path).config
    return config, describe(config.data)
