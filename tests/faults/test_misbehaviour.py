"""Trials that misbehave are recorded as what they were, and the rest goes on."""

import json

import pytest

from ttrec_cli.store import read

SWEEP = """\
name: faulty
data: {format: synthetic, rows: 7000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {rank: [2], tables: [3], dim: [4]}
baseline: false
seeds: SEEDS
budget: {}
resources: {memory: 3GB, parallel: 2}
"""
EXPECTED = {
    0: ("ok", ""),
    1: ("out-of-memory", "allocate"),
    3: ("diverged", "training loss is nan"),
    4: ("failed", "SIGSEGV"),
    5: ("failed", "RuntimeError: a mistake in the model"),
    6: ("failed", "exit code 7"),
    8: ("ok", ""),
}


def test_every_misbehaviour_is_recorded_and_the_rest_goes_on(make_sweep) -> None:
    sweep = make_sweep(SWEEP.replace("SEEDS", str(list(EXPECTED))))
    faults = sweep.with_faults()
    code, output, errors = sweep.run(**faults)
    assert code == 3, errors
    assert "Traceback" not in errors
    assert json.loads(output)["result"]["trials"] == {"total": 7, "ok": 2, "skipped": 0, "failed": 5}
    frame = read(sweep.results).set_index("seed")
    for seed, (status, reason) in EXPECTED.items():
        assert (frame["status"][seed], reason in frame["reason"][seed]) == (status, True), frame["reason"][seed]
    assert (frame["parallel"] == 2).all()
    assert "Segmentation fault" in frame["log_tail"][4]
    assert "Traceback" in frame["log_tail"][5]
    assert frame["log_tail"][[0, 8]].isna().all()
    # Skipped when run again; trained again, here without the faults, on request; one alone by its key.
    code, output, _ = sweep.run()
    assert (code, json.loads(output)["result"]["trials"]["ok"]) == (3, 0)
    key = frame["key"][5]
    code, output, _ = sweep.run("--rerun", key)
    assert (code, json.loads(output)["result"]["trials"]["ok"]) == (3, 1)
    code, output, errors = sweep.run("--retry", "failed")
    assert code == 0, errors
    assert json.loads(output)["result"]["trials"] == {"total": 7, "ok": 4, "skipped": 3, "failed": 0}
    code, output, _ = sweep.run("--rerun", key)
    assert json.loads(output)["result"]["trials"] == {"total": 7, "ok": 1, "skipped": 6, "failed": 0}


def test_a_trial_that_hangs_is_ended_and_the_rest_goes_on(make_sweep) -> None:
    sweep = make_sweep(SWEEP.replace("SEEDS", "[2, 5]").replace("budget: {}", "budget: {trial_timeout: 4s}"))
    code, _, errors = sweep.run(**sweep.with_faults())
    assert code == 3, errors
    frame = read(sweep.results).set_index("seed")
    assert frame["status"][2] == "timeout"
    assert "took longer than 4 s" in frame["reason"][2]
    assert 5 in frame.index
    code, output, errors = sweep.run("--retry", "failed", "--set", "budget={}")
    assert (code, json.loads(output)["result"]["trials"]["ok"]) == (0, 2), errors


def test_an_unknown_key_is_one_line(make_sweep) -> None:
    sweep = make_sweep(SWEEP.replace("SEEDS", "[0]"))
    code, _, errors = sweep.run("--rerun", "0123456789abcdef")
    assert code == 2
    assert "no trial of this sweep has the key" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("budget", "left"), [("{trials: 1}", 2), ("{samples: 12500}", 1), ("{wall_time: 4s}", 3)], ids=str
)
def test_a_budget_leaves_the_rest_to_the_next_run(make_sweep, budget: str, left: int) -> None:
    text = SWEEP.replace("SEEDS", "[0, 8, 9]").replace("budget: {}", f"budget: {budget}").replace(", parallel: 2", "")
    environment = {}
    if "wall_time" in budget:
        text = text.replace("[0, 8, 9]", "[7, 8, 9]").replace("evaluations: 2", "evaluations: 2, epochs: 10")
    sweep = make_sweep(text)
    if "wall_time" in budget:
        environment = sweep.with_faults()  # the first is so slow that the time is up; its checkpoint is saved
    code, output, errors = sweep.run(**environment)
    assert code == 0, errors
    assert json.loads(output)["result"]["trials"]["ok"] == 3 - left
    assert f"{left} trials are left" in errors
    code, output, errors = sweep.run("--set", "budget={}")
    assert (code, json.loads(output)["result"]["trials"]["ok"]) == (0, left), errors
