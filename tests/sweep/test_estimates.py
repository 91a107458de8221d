"""What a run will take and whether it fits, said before it starts."""

import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from ttrec_cli.config import SweepConfig
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.estimates import Forecast, from_finished
from ttrec_cli.sweep.grid import expand
from ttrec_cli.sweep.memory import does_not_fit, machine_memory, memory_there
from ttrec_cli.sweep.probe_times import OUTSIDE_SECONDS, Speed, predicted_seconds
from ttrec_cli.sweep.rows import planned_columns

DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 900), 6000, "f" * 64, evaluated_samples=1000)
BASE = {
    "name": "t",
    "data": {"format": "synthetic", "rows": 7000},
    "grid": {"rank": [2, 4], "tables": [1], "dim": [4]},
}


def trials(**changes):
    return expand(SweepConfig.model_validate(BASE | changes), DATA)


def finished(trial, **changes):
    """A row that took 6 s to train, 2 s to evaluate and 1 s for the rest."""
    return planned_columns(trial, DATA, "t", False) | {
        "status": "ok",
        "host": platform.node(),
        "device": "cpu",
        "train_samples": trial.train_samples,
        "train_seconds": 6.0,
        "evaluate_seconds": 2.0,
        "started_at": "2026-11-01T10:00:00.000+00:00",
        "ended_at": "2026-11-01T10:00:09.000+00:00",
        **changes,
    }


def test_other_seeds_rates_and_lengths_follow_from_a_finished_trial() -> None:
    _, done, _ = trials()
    longer = trials(
        seeds=[3], train={"samples": 12000, "evaluations": 10, "learning_rate": 0.01}, init={"scale": "paper"}
    )
    found = from_finished(longer, [finished(done)], "auto")
    assert {trial.config.rank for trial in longer if trial.key in found} == {2}
    (estimate,) = found.values()
    assert estimate.seconds == pytest.approx(12 + 4 + 1)
    assert estimate.source == "finished"


@pytest.mark.parametrize(
    "change", [{"host": "elsewhere"}, {"status": "failed"}, {"device": "cuda"}], ids=lambda change: next(iter(change))
)
def test_trials_of_another_machine_or_that_failed_say_nothing(change) -> None:
    all_trials = trials()
    assert from_finished(all_trials, [finished(trial, **change) for trial in all_trials], "cpu") == {}


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"batch_size": 64}},
        {"train": {"optimizer": "adagrad"}},
        {"model": {"top_mlp": [8]}},
        {"shape": {"max_skew": 100}},
    ],
    ids=str,
)
def test_another_shape_needs_a_measure_of_its_own(change) -> None:
    rows = [finished(trial) for trial in trials(baseline=False)]
    known = from_finished(trials(baseline=False, **change), rows, "cpu")
    assert (known == {}) or change == {"shape": {"max_skew": 100}}


def test_a_prediction_adds_building_steps_and_every_evaluation() -> None:
    trial = trials(train={"batch_size": 100, "evaluations": 3})[0]
    expected = OUTSIDE_SECONDS + 1 + 60 * 0.01 + 3 * 1000 * 0.001
    assert predicted_seconds(trial, Speed(1.0, 0.01, 0.001), 1000) == pytest.approx(expected)


def test_the_total_counts_trials_of_one_plan_once_and_divides_among_slots() -> None:
    some = trials(seeds=[0, 1])
    estimates = from_finished(some, [finished(trial) for trial in some], "cpu")
    assert len(estimates) == 6
    forecast = Forecast(estimates, start_seconds=2.0)
    assert forecast.total_seconds(some) == pytest.approx(2 + 6 * 9)
    assert replace(forecast, slots=2).total_seconds(some) == pytest.approx(2 + 3 * 9)
    assert replace(forecast, share=0.5).total_seconds(some) == pytest.approx(2 + 3 * 9)
    same_plan = [replace(trial, trained_as="x") for trial in some]
    assert replace(forecast, slots=2).total_seconds(same_plan) == pytest.approx(2 + 9)
    assert Forecast().total_seconds(some) is None
    assert Forecast().total_seconds([]) == 0


def test_what_is_certain_not_to_fit_is_said_with_both_sizes() -> None:
    trial = trials()[0]
    needed = trial.costs.needed_bytes
    assert needed > trial.costs.training_bytes > trial.costs.model_bytes
    assert does_not_fit(trial, needed) == ""
    assert does_not_fit(trial, None) == ""
    assert does_not_fit(trial, 10**6) == f"does not fit: needs {needed / 1e6:,.2f} MB at least, 1.00 MB there"


def test_memory_asked_for_counts_before_the_machine_s() -> None:
    config = SweepConfig.model_validate(BASE)
    there = machine_memory()
    assert there is not None
    assert there > 10**8
    assert memory_there(config) == there
    assert memory_there(config, 80 * 10**9) == 80 * 10**9
    asked = SweepConfig.model_validate(BASE | {"resources": {"device_memory": "16GB"}})
    assert memory_there(asked, 80 * 10**9) == 16 * 10**9


def test_training_really_holds_what_is_counted() -> None:
    torch = pytest.importorskip("torch")
    from ttrec_cli.sweep.trial_run import build_model

    trial = trials(grid={"rank": [2], "tables": [1], "dim": [8]}, train={"batch_size": 32})[-1]
    model = build_model(trial, torch.device("cpu"))
    kept: dict[int, int] = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(torch.zeros(32, 13), torch.zeros(32, 3, dtype=torch.int64))
    assert sum(kept.values()) + 1 >= trial.costs.activation_bytes


def test_dry_run_predicts_and_lists_what_cannot_fit(ttrec, tiny: Path, tmp_path: Path) -> None:
    done = ttrec("sweep", tiny, "--dry-run", "--json", "--set", "resources.device_memory=900kB")
    result = json.loads(done.stdout)["result"]
    assert "trying a hundred steps" in done.stderr
    assert result["memory_bytes"] == 900_000
    cannot = [trial for trial in result["plan"] if trial["problem"]]
    assert {trial["method"] for trial in cannot} == {"dense"}
    assert all("does not fit: needs" in trial["problem"] for trial in cannot)
    rest = [trial for trial in result["plan"] if not trial["problem"]]
    assert all(trial["predicted_from"] == "probe" and trial["predicted_seconds"] > 0 for trial in rest)
    assert result["predicted_seconds"] > sum(trial["predicted_seconds"] for trial in rest)
    assert not (tmp_path / "results").exists()
    fast = json.loads(ttrec("sweep", tiny, "--dry-run", "--no-probe", "--json").stdout)["result"]
    assert fast["predicted_seconds"] is None
