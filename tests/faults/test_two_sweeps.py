"""Two sweeps at once on one results folder: no trial twice, and neither leaves before all is done."""

import json

from ttrec_cli.store import read

SWEEP = """\
name: shared
data: {format: synthetic, rows: 21000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {rank: [2, 4], tables: [3], dim: [4]}
seeds: [0, 1]
"""
TRIALS = 6


def counts(output: str) -> dict[str, int]:
    return json.loads(output)["result"]["trials"]


def test_two_at_once_share_the_work(make_sweep) -> None:
    sweep = make_sweep(SWEEP)
    both = [sweep.start(), sweep.start()]
    ends = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    found = [counts(output) for output, _ in ends]
    assert sum(each["ok"] for each in found) == TRIALS
    assert [each["ok"] + each["skipped"] for each in found] == [TRIALS, TRIALS]
    frame = read(sweep.results)
    assert (len(frame), set(frame["status"])) == (TRIALS, {"ok"})
    assert not list(sweep.results.rglob("claims/*"))
    assert not list(sweep.results.rglob("*.tmp"))


def test_a_claim_of_a_dead_driver_is_taken_at_once(make_sweep, processes) -> None:
    sweep = make_sweep(SWEEP.replace("seeds: [0, 1]", "seeds: [2]"))  # hangs
    first = sweep.start(**sweep.with_faults())
    processes.wait_for(lambda: list(sweep.results.rglob("logs/*")))
    second = sweep.start()
    lines = []
    while not any("no trial is trained twice" in line for line in lines):
        lines.append(second.stderr.readline())
        assert lines[-1], lines
    assert f"process {first.pid}" in lines[-1]
    first.kill()
    first.communicate()
    output, errors = second.communicate(timeout=120)
    assert second.returncode == 0, errors
    assert counts(output) == {"total": 3, "ok": 3, "skipped": 0, "failed": 0}
