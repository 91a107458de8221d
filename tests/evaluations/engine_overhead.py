"""What does the engine cost beside training, and how soon does a finished sweep say that nothing is left to do?

    python tests/evaluations/engine_overhead.py overhead [--samples 600000]
    python tests/evaluations/engine_overhead.py resume [--trials 1000]

`overhead`: the wall time of a sweep of 12 trials less the sum of their training and evaluation times, as a share of the
wall time. `--samples` sets how long a trial takes; 20 seconds are meant. Kernels are compiled by one trial before.
`resume`: the wall time of the same command on a folder where all trials have finished; the rows are written by the
store, as a sweep would, without training. Not a test: a speed is measured, on a machine that is otherwise idle.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ttrec_cli.config import load_sweep
from ttrec_cli.store import read, write_trial
from ttrec_cli.store.provenance import now
from ttrec_cli.sweep.messages import Machine, Outcome
from ttrec_cli.sweep.results import merge_many
from ttrec_cli.sweep.rows import result_row
from ttrec_cli.sweep.run import prepare

OVERHEAD = """\
name: overhead
data: {format: synthetic, rows: ROWS, table_scale: 0.01, seed: 3}
model: {bottom_mlp: [64, 32], top_mlp: [64]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 1024, evaluations: 3}
grid: {rank: [8, 16, 32], tables: [3, 5, 7], dim: [16]}
trials: [{rank: 8, tables: 4}, {rank: 8, tables: 6}]
seeds: [0]
"""
RESUME = """\
name: many
data: {format: synthetic, rows: 7000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad}
grid: {rank: [2, 4, 8, 16], tables: [1, 2, 3, 5, 7], dim: [4, 8, 16, 32, 64]}
baseline: false
seeds: SEEDS
"""
CONFIGURATIONS = 100
REPEATS = 3


def ttrec(folder: Path, *arguments: str) -> tuple[dict[str, Any], float]:
    """The result of a command, and its wall time in seconds. Raises `SystemExit` when it fails."""
    started = time.monotonic()
    command = [sys.executable, "-m", "ttrec_cli.app", "sweep", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=folder, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout)["result"]
    return result, time.monotonic() - started


def overhead(folder: Path, samples: int) -> str:
    """The engine's share of a sweep's wall time, as a line."""
    (folder / "overhead.yaml").write_text(OVERHEAD.replace("ROWS", str(samples * 7 // 6)))
    first = ("--set", "grid.rank=[8]", "--set", "grid.tables=[3]", "--set", "trials=[]", "--set", "baseline=false")
    ttrec(folder, "overhead.yaml", *first)
    before = read(folder / "results")
    _, wall = ttrec(folder, "overhead.yaml", "--rerun", str(before["key"][0]))
    rows = read(folder / "results")
    busy = float((rows["train_seconds"] + rows["evaluate_seconds"]).sum())
    return (
        f"{len(rows)} trials of {busy / len(rows):.1f} s: wall {wall:.1f} s, training and evaluation {busy:.1f} s, "
        f"overhead {(wall - busy) / wall:.2%}"
    )


def resume(folder: Path, trials: int) -> str:
    """The time of a sweep with nothing to do, as a line."""
    file = folder / "many.yaml"
    file.write_text(RESUME.replace("SEEDS", str(list(range(max(1, trials // CONFIGURATIONS))))))
    sweep = prepare(load_sweep(file), folder / "results")
    names = [f"{split}_{metric}" for split in ("val", "test") for metric in ("accuracy", "logloss", "auc", "ne")]
    columns = dict.fromkeys(names, 0.5) | {"train_seconds": 1.0, "evaluate_seconds": 1.0, "train_samples": 6000}
    for trial in sweep.trials:
        row = result_row(sweep.planned(trial), Outcome("ok", columns=columns), Machine("cpu", "cpu"), now(), now())
        write_trial(sweep.directory, row)
    merge_many(sweep.directory)
    walls, before = [], resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(REPEATS):
        result, wall = ttrec(folder, "many.yaml")
        walls.append(wall)
        if result["trials"]["skipped"] != len(sweep.trials):
            raise SystemExit(f"{result['trials']}: all trials must have been skipped")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / REPEATS
    return f"{len(sweep.trials)} finished trials: nothing to do after {min(walls):.2f} s, {cpu:.2f} s of CPU time"


def main() -> None:
    """Measure what is asked for and print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("overhead", "resume"))
    parser.add_argument("--samples", type=int, default=600_000)
    parser.add_argument("--trials", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ttrec-overhead-") as folder:
        line = overhead(Path(folder), asked.samples) if asked.what == "overhead" else resume(Path(folder), asked.trials)
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
