"""How workers share a machine, and what a budget leaves; pure."""

from dataclasses import replace

import pytest

from ttrec_cli.config import load_sweep
from ttrec_cli.config.run_settings import BudgetConfig, ResourcesConfig
from ttrec_cli.sweep.rows import TAIL_CHARACTERS, log_tail
from ttrec_cli.sweep.run import prepare
from ttrec_cli.sweep.training_groups import Allowance, finished_elsewhere, group_trials
from ttrec_cli.sweep.worker_limits import usable_cores, visible_gpus, worker_settings


def test_one_worker_leaves_the_threads_to_torch() -> None:
    (only,) = worker_settings("cpu", ResourcesConfig(memory=10**9))
    assert (only.gpu, only.threads, only.parallel, only.memory) == (None, None, 1, 10**9)


def test_cores_are_divided_among_parallel_workers() -> None:
    settings = worker_settings("cpu", ResourcesConfig(parallel=3))
    assert [each.threads for each in settings] == [max(1, usable_cores() // 3)] * 3
    assert [each.threads for each in worker_settings("cpu", ResourcesConfig(parallel=2, threads=5))] == [5, 5]


def test_parallel_workers_go_round_the_visible_gpus(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 5")
    assert visible_gpus() == ("3", "5")
    settings = worker_settings("auto", ResourcesConfig(parallel=2))
    assert [each.gpu for each in settings] == ["3", "5", "3", "5"]
    assert {each.parallel for each in settings} == {2}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert [each.gpu for each in worker_settings("auto", ResourcesConfig())] == [None]


def test_trials_of_one_training_are_one_group(tiny, tmp_path) -> None:
    trials = prepare(load_sweep(tiny, ("grid.rank=[64, 128, 2]", "grid.method=[tt]", "seeds=[0]")), tmp_path).trials
    assert [len(group) for group in group_trials(trials)] == [3, 1]  # dense, and ranks too large to be worth it


@pytest.mark.parametrize(
    ("budget", "taken"),
    [({}, 4), ({"trials": 2}, 2), ({"samples": 12_000}, 2), ({"samples": 11_999}, 1), ({"trials": 3, "samples": 1}, 0)],
)
def test_a_budget_is_not_exceeded(tiny, tmp_path, budget: dict, taken: int) -> None:
    trials = prepare(load_sweep(tiny, ("grid.rank=[2]",)), tmp_path).trials[:4]
    allowance = Allowance(BudgetConfig(**budget))
    assert sum(allowance.take(trial, trial.train_samples) for trial in trials) == taken


def test_a_continued_trial_counts_once(tiny, tmp_path) -> None:
    trial = prepare(load_sweep(tiny), tmp_path).trials[0]
    allowance = Allowance(BudgetConfig(trials=1, samples=6000))
    assert allowance.take(trial, 2000)
    assert allowance.take(trial, 6000)
    assert not allowance.take(replace(trial, trained_as="other"), 1)


def test_a_row_is_news_when_it_ended_later_than_the_known_one() -> None:
    old, new = {"status": "failed", "ended_at": "1"}, {"status": "ok", "ended_at": "2"}
    assert finished_elsewhere(None, new, ("interrupted",))
    assert finished_elsewhere(old, new, ("interrupted",))
    assert not finished_elsewhere(old, dict(old), ("interrupted",))
    assert not finished_elsewhere(old, None, ("interrupted",))
    assert not finished_elsewhere(None, {"status": "interrupted", "ended_at": "3"}, ("interrupted",))


def test_the_tail_of_a_log_is_whole_lines() -> None:
    assert log_tail("a\nb\n") == "a\nb"
    tail = log_tail("\n".join(f"line {number}" for number in range(1000)))
    assert len(tail) <= TAIL_CHARACTERS
    assert tail.endswith("line 999")
    assert tail.splitlines()[0].startswith("line ")
