"""Kills at random instants: what the sweep comes to is what it would have come to undisturbed, metric for metric."""

import os
import random
import signal
import sys
import time

import pandas as pd

from ttrec_cli.store import read

KILLS = int(os.environ.get("TTREC_KILLS", "6"))
SWEEP = """\
name: killed
data: {format: synthetic, rows: 21000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 50, evaluations: 3}
grid: {rank: [2, 4], tables: [3], dim: [4]}
seeds: [0, 1]
resources: {parallel: 2, checkpoint_seconds: 0.2}
"""
METRICS = ["status", "train_samples", "train_logloss", "tt_core_change", "embedding_bytes", "model_bytes"] + [
    f"{split}_{metric}" for split in ("val", "test") for metric in ("accuracy", "logloss", "auc", "ne")
]


def outcome(folder) -> pd.DataFrame:
    return read(folder).set_index("key").sort_index()[METRICS]


def test_after_random_kills_of_workers_and_drivers_all_metrics_are_the_same(make_sweep, processes) -> None:
    seed = int(os.environ.get("TTREC_KILL_SEED", "11"))
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    undisturbed = make_sweep(SWEEP, "undisturbed")
    began = time.monotonic()
    code, _, errors = undisturbed.run()
    assert code == 0, errors
    span = time.monotonic() - began
    killed = make_sweep(SWEEP, "killed")
    kills, process, finished_runs = {"worker": 0, "driver": 0}, None, 0
    while sum(kills.values()) < KILLS:
        if process is None:
            process = killed.start("--retry", "failed")
        time.sleep(chance.random() * span / 2)
        if process.poll() is not None:
            assert process.returncode in (0, 3), process.communicate()
            process.communicate()
            process, finished_runs = None, finished_runs + 1
            for file in (killed.results / "killed" / "trials").glob("*.parquet"):
                file.unlink()  # all over again: there are kills left
            continue
        workers = processes.workers_of(process.pid)
        if workers and chance.random() < 0.5:
            try:
                os.kill(chance.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                continue
            kills["worker"] += 1
        else:
            process.kill()
            process.communicate()
            kills["driver"] += 1
            process = None
            processes.wait_for(lambda before=workers: not any(map(processes.is_alive, before)), 20)
    if process is not None:
        process.communicate(timeout=300)
    code, _, errors = killed.run("--retry", "failed")
    assert code == 0, errors
    assert not list((killed.results / "killed" / "checkpoints").iterdir())
    pd.testing.assert_frame_equal(outcome(killed.results), outcome(undisturbed.results), check_exact=True)
    resumed = read(killed.results)["resumed_samples"].tolist()
    sys.stdout.write(f"{kills}, {finished_runs} whole runs between, went on from {resumed}\n")
