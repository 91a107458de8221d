"""Real signals at a real sweep: no finished trial is lost, none is trained twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

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
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "killed.yaml"
    path.write_text(SWEEP)
    return path


def start(sweep: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ttrec_cli.app", "sweep", str(sweep), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=sweep.parent)


def finished(sweep: Path) -> dict[str, float]:
    folder = sweep.parent / "results"
    files = list(folder.rglob("trials/*.parquet")) if folder.exists() else []
    return {path.stem: path.stat().st_mtime_ns for path in files}


def wait_for(condition, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def workers_of(pid: int) -> list[int]:
    """Children that run trials; multiprocessing also starts a resource tracker."""
    return [child for child in children_of(pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_sigkill_of_the_driver_loses_and_repeats_nothing(sweep: Path) -> None:
    chance = random.Random(11)
    process = start(sweep)
    wait_for(lambda: len(finished(sweep)) >= 2)
    time.sleep(chance.random())
    workers = workers_of(process.pid)
    process.kill()
    process.communicate()
    before = finished(sweep)
    rerun = start(sweep)  # at once
    output, errors = rerun.communicate(timeout=300)
    assert rerun.returncode == 0, errors
    counts = json.loads(output)["result"]["trials"]
    assert counts["skipped"] == len(before) >= 2
    assert counts["ok"] == TRIALS - len(before)
    after = finished(sweep)
    assert {key: after[key] for key in before} == before
    assert len(after) == TRIALS
    assert workers
    wait_for(lambda: not any(alive(worker) for worker in workers), 10)


def test_sigkill_of_the_worker_becomes_a_row_and_the_rest_goes_on(sweep: Path) -> None:
    process = start(sweep)
    wait_for(lambda: len(finished(sweep)) >= 1)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 3
    assert json.loads(output)["result"]["trials"] == {"total": TRIALS, "ok": TRIALS - 1, "skipped": 0, "failed": 1}
    frame = read(sweep.parent / "results")
    reasons = frame.loc[frame["status"] == "failed", "reason"].tolist()
    assert len(reasons) == 1
    assert "SIGKILL" in reasons[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_interruption_keeps_what_finished(sweep: Path, number: signal.Signals) -> None:
    process = start(sweep)
    wait_for(lambda: len(finished(sweep)) >= 1)
    workers = workers_of(process.pid)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    wait_for(lambda: not any(alive(worker) for worker in workers), 10)
    kept = read(sweep.parent / "results")
    assert "ok" in set(kept["status"])
    rerun = start(sweep)
    output, errors = rerun.communicate(timeout=300)
    assert rerun.returncode == 0, errors
    counts = json.loads(output)["result"]["trials"]
    assert counts["skipped"] == (kept["status"] == "ok").sum()
    assert (read(sweep.parent / "results")["status"] == "ok").sum() == TRIALS
