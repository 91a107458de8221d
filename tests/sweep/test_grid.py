"""Cells become trials: no trial twice, keys that follow what they should, exact bytes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ttrec_cli.config import SweepConfig
from ttrec_cli.errors import ConfigError
from ttrec_cli.sweep.costs import mlp_size
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.grid import expand
from ttrec_cli.sweep.rows import planned_columns

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
    assert found[0].costs.training_bytes == found[1].costs.training_bytes  # the fused optimiser holds no gradients


def test_bytes_are_those_of_the_model_that_is_built() -> None:
    torch = pytest.importorskip("torch")
    from ttrec_cli.sweep.trial_run import build_model, build_optimizers

    for trial in trials(train={"optimizer": "adagrad"}, seeds=[0]):
        model = build_model(trial, torch.device("cpu"))
        built = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        assert built == trial.costs.model_bytes
        optimizers = build_optimizers(model, trial.config.train)
        states = [state["sum"] for optimizer in optimizers for state in optimizer.state.values()]
        states += model.embedding.fused.as_op_takes().states
        assert sum(state.numel() * state.element_size() for state in states) == trial.costs.optimizer_bytes


@pytest.mark.parametrize("features", [1, 2, 40])
def test_bytes_follow_the_number_of_dense_features(features: int) -> None:
    torch = pytest.importorskip("torch")
    from ttrec_cli.sweep.trial_run import build_model

    trial = expand(SweepConfig.model_validate(BASE), replace(DATA, dense_features=features))[0]
    model = build_model(trial, torch.device("cpu"), dense_features=features)
    assert sum(p.numel() * p.element_size() for p in model.parameters()) == trial.costs.model_bytes
    assert model(torch.zeros(5, features), torch.zeros(5, 3, dtype=torch.int64)).shape == (5,)


def test_uneven_ranks_and_named_tables_become_plans() -> None:
    axes = {"rank": [2, [2, 4]], "tables": [1, ["C3", "C1"]], "dim": [4]}
    found = trials(grid=axes, seeds=[0], baseline=False)
    assert [trial.label for trial in found] == [
        "tt rank 2, 1 table, dim 4, seed 0",
        "tt rank 2, tables C1+C3, dim 4, seed 0",
        "tt rank 2-4, 1 table, dim 4, seed 0",
        "tt rank 2-4, tables C1+C3, dim 4, seed 0",
    ]
    shapes = [[plan.shape.ranks if plan.shape else None for plan in trial.plans] for trial in found]
    assert shapes[3] == [(1, 2, 4, 1), None, (1, 2, 4, 1)]
    assert shapes[2] == [(1, 2, 4, 1), None, None]
    row = planned_columns(found[3], DATA, "t", False)
    assert (row["rank"], row["tables"]) == (4, 2)
    settings = json.loads(row["settings"])
    assert (settings["ranks"], settings["table_names"]) == ([2, 4], ["C1", "C3"])


def test_the_order_of_named_tables_is_no_difference() -> None:
    found = trials(grid={"rank": [2], "tables": [["C3", "C1"], ["C1", "C3"]]}, seeds=[0], baseline=False)
    assert len(found) == 1


def test_names_that_the_data_lacks_are_refused() -> None:
    with pytest.raises(ConfigError, match="no table 'C9'; its tables: C1, C2, C3"):
        trials(grid={"rank": [2], "tables": [["C9"]]})


def test_every_point_and_the_baseline_are_trained_at_every_tuned_value() -> None:
    rates = [0.1, 0.2, 0.3]
    found = trials(grid={"rank": [2], "tables": [1], "dim": [4]}, tune={"train.learning_rate": rates})
    assert [(t.config.method, t.config.train.learning_rate, t.config.seed) for t in found] == [
        (method, rate, seed) for method in ("dense", "tt") for rate in rates for seed in (0, 1)
    ]
    assert [t.tuned["train.learning_rate"] for t in found[::2]] == rates * 2
    assert json.loads(planned_columns(found[-1], DATA, "t", False)["tuned"]) == {"train.learning_rate": 0.3}
    scales = trials(grid={"rank": [2], "tables": [1]}, tune={"init.scale": ["paper", "calibrated"]}, seeds=[0])
    assert [t.config.method for t in scales] == ["dense", "tt", "tt"]  # no cores, no initialisation to tune


def test_excluding_all_of_a_dim_leaves_out_its_baseline() -> None:
    found = trials(grid={"rank": [2], "tables": [1], "dim": [4, 8]}, exclude=["dim == 8"], seeds=[0])
    assert [(t.config.method, t.config.dim) for t in found] == [("dense", 4), ("tt", 4)]


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
