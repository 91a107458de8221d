"""Real signals at a real sweep: no finished trial is lost, none is trained twice."""

import json
import os
import random
import signal
import time

import pytest

from ttrec_cli.store import read

SWEEP = """\
name: killed
data: {format: synthetic, rows: 21000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {rank: [2, 4], tables: [3], dim: [4]}
seeds: [0, 1]
"""
TRIALS = 6


@pytest.fixture
def sweep(make_sweep):
    return make_sweep(SWEEP)


def test_sigkill_of_the_driver_loses_and_repeats_nothing(sweep, processes) -> None:
    chance = random.Random(11)
    process = sweep.start()
    processes.wait_for(lambda: len(sweep.rows()) >= 2)
    time.sleep(chance.random())
    workers = processes.workers_of(process.pid)
    process.kill()
    process.communicate()
    before = sweep.rows()
    rerun = sweep.start()  # at once
    output, errors = rerun.communicate(timeout=300)
    assert rerun.returncode == 0, errors
    counts = json.loads(output)["result"]["trials"]
    assert counts["skipped"] == len(before) >= 2
    assert counts["ok"] == TRIALS - len(before)
    after = sweep.rows()
    assert {key: after[key] for key in before} == before
    assert len(after) == TRIALS
    assert workers
    processes.wait_for(lambda: not any(processes.is_alive(worker) for worker in workers), 10)


def test_sigkill_of_the_worker_becomes_a_row_and_the_rest_goes_on(sweep, processes) -> None:
    process = sweep.start()
    processes.wait_for(lambda: len(sweep.rows()) >= 1)
    os.kill(processes.workers_of(process.pid)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 3
    assert json.loads(output)["result"]["trials"] == {"total": TRIALS, "ok": TRIALS - 1, "skipped": 0, "failed": 1}
    frame = read(sweep.results)
    reasons = frame.loc[frame["status"] == "failed", "reason"].tolist()
    assert len(reasons) == 1
    assert "SIGKILL" in reasons[0]


def test_sigterm_of_the_worker_keeps_its_trial_and_the_rest_goes_on(make_sweep, processes) -> None:
    sweep = make_sweep(
        SWEEP.replace("rank: [2, 4]", "rank: [4]").replace("seeds: [0, 1]", "seeds: [7, 8]\nbaseline: false")
    )
    process = sweep.start(**sweep.with_faults())  # seed 7 is slow
    processes.wait_for(lambda: list(sweep.results.rglob("logs/*")))
    (worker,) = processes.workers_of(process.pid)
    time.sleep(1)
    os.kill(worker, signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert json.loads(output)["result"]["trials"] == {"total": 2, "ok": 1, "skipped": 0, "failed": 0}
    assert "1 trials are left to train" in errors
    frame = read(sweep.results).set_index("seed")
    assert frame["status"].to_dict() == {7: "interrupted", 8: "ok"}
    assert "samples, which are kept" in frame["reason"][7]
    assert not processes.is_alive(worker)
    code, output, errors = sweep.run()
    assert (code, json.loads(output)["result"]["trials"]["ok"]) == (0, 1), errors
    assert read(sweep.results).set_index("seed")["resumed_samples"][7] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_interruption_keeps_what_finished(sweep, processes, number: signal.Signals) -> None:
    process = sweep.start()
    processes.wait_for(lambda: len(sweep.rows()) >= 1)
    workers = processes.workers_of(process.pid)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    processes.wait_for(lambda: not any(processes.is_alive(worker) for worker in workers), 10)
    kept = read(sweep.results)
    assert "ok" in set(kept["status"])
    rerun = sweep.start()
    output, errors = rerun.communicate(timeout=300)
    assert rerun.returncode == 0, errors
    counts = json.loads(output)["result"]["trials"]
    assert counts["skipped"] == (kept["status"] == "ok").sum()
    assert (read(sweep.results)["status"] == "ok").sum() == TRIALS


def test_ctrl_c_twice_ends_at_once_and_a_hung_trial_does_not_hold_the_driver(make_sweep, processes) -> None:
    sweep = make_sweep(SWEEP.replace("seeds: [0, 1]", "seeds: [2]"))
    process = sweep.start(**sweep.with_faults())
    processes.wait_for(lambda: list(sweep.results.rglob("logs/*")))
    workers = processes.workers_of(process.pid)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # it waits for a checkpoint
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not any(processes.is_alive(worker) for worker in workers)
    assert read(sweep.results)["status"].tolist() == ["interrupted"]


def test_an_interrupted_trial_goes_on_and_comes_to_the_same(make_sweep, processes) -> None:
    text = SWEEP.replace("rank: [2, 4]", "rank: [4]").replace("seeds: [0, 1]", "seeds: [7]\nbaseline: false")
    metrics = ["val_logloss", "test_auc", "tt_core_change", "train_logloss"]
    whole, parts = make_sweep(text, "whole"), make_sweep(text, "parts")
    assert whole.run()[0] == 0
    process = parts.start(**parts.with_faults())  # seed 7 is slow, and the same otherwise
    processes.wait_for(lambda: list(parts.results.rglob("logs/*")))
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    row = read(parts.results).iloc[0]
    assert row["status"] == "interrupted"
    assert "samples, which are kept" in row["reason"]
    code, _, errors = parts.run()
    assert code == 0, errors
    rows = [read(sweep.results) for sweep in (whole, parts)]
    assert rows[0][metrics].equals(rows[1][metrics])
    assert rows[0]["resumed_samples"].tolist() == [0]
    assert rows[1]["resumed_samples"][0] > 0
