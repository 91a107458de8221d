"""How near does `--dry-run` come to the time that a sweep then takes?

    python tests/evaluations/prediction_against_outcome.py sweeps/quickstart.yaml [--set KEY=VALUE …]

Predicts the sweep by its probes, runs it, and prints both in seconds with their ratio, and the ratios of single trials.
Results go to a temporary folder. Not a test: a speed is measured, on a machine that is otherwise idle.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from ttrec_cli.store import read


def ttrec(*arguments: str) -> tuple[dict[str, Any], float]:
    """The result of a command, and its wall time in seconds. Raises `SystemExit` with what it said when it fails."""
    started = time.monotonic()
    command = [sys.executable, "-m", "ttrec_cli.app", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout)["result"]
    return result, time.monotonic() - started


def main(arguments: list[str]) -> None:
    """Predict, run, print."""
    with tempfile.TemporaryDirectory(prefix="ttrec-prediction-") as out:
        options = ("sweep", *arguments, "--out", out)
        plan, _ = ttrec(*options, "--dry-run")
        _, wall = ttrec(*options)
        predicted = {trial["key"]: trial["predicted_seconds"] for trial in plan["plan"]}
        rows = read(out)
        ratios = [
            predicted[row["key"]] / (row["train_seconds"] + row["evaluate_seconds"])
            for row in rows.drop_duplicates("trained_as").to_dict("records")
        ]
    whole = plan["predicted_seconds"]
    sys.stdout.write(
        f"{len(rows)} trials: predicted {whole:.1f} s, took {wall:.1f} s, ratio {whole / wall:.3f}; single trials "
        f"{min(ratios):.2f} to {max(ratios):.2f}, median {statistics.median(ratios):.2f}\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
