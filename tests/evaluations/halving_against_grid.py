"""Does halving find the frontier of the full grid, and at which share of its training samples?

    ttrec sweep sweeps/kaggle.yaml --out full --set train.evaluations=6
    ttrec sweep sweeps/kaggle.yaml --out halved --set search.method=halving
    python tests/evaluations/halving_against_grid.py full [halved]

The hypervolume is that of log10 bytes and mean validation log-loss of points with all their seeds; its reference point
is the largest uncompressed model's bytes and the worst log-loss of the full grid. With one folder the search itself is
replayed, once with each seed as the first, on the grid's learning curves, which need a point where its first rung ends
(with three seeds a sixth). Not a test: it takes as long as the sweeps.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ttrec_cli.config import SearchConfig, load_sweep
from ttrec_cli.pareto.frontier import Reference, hypervolume, on_frontier
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.store import Status, read, read_curve
from ttrec_cli.sweep.events import Event
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.messages import PAUSED, Machine, Outcome
from ttrec_cli.sweep.results import Results
from ttrec_cli.sweep.run import Sweep, prepare
from ttrec_cli.sweep.search import Search

LOSS = Metric.LOGLOSS
POINT = ["method", "rank", "tables", "dim", "settings"]
NEAR = 0.02
"""How far from a rung's end a point of a learning curve may lie, in shares of the whole training."""


@dataclass(frozen=True)
class Point:
    """A configuration with all its seeds: its size in bytes and mean final log-loss."""

    size: int
    loss: float
    is_dense: bool


class Replay:
    """Trains as the driver would, in no time: losses are those of the grid's learning curves."""

    def __init__(self, results: Results, curves: Mapping[str, pd.DataFrame]) -> None:
        self.paused: dict[str, Outcome] = {}
        self._results = results
        self._curves = curves

    def train(self, trials: Sequence[Trial], until: int | None = None) -> int:
        """Look up what the trials came to."""
        for trial in trials:
            samples = trial.train_samples if until is None else until
            columns = {"val_logloss": loss_at(self._curves[trial.trained_as], samples, trial), "train_samples": samples}
            if samples < trial.train_samples:
                self.paused[trial.trained_as] = Outcome(PAUSED, columns=columns)
            else:
                outcome = Outcome(Status.OK, columns=columns)
                self._results.store(trial, outcome, Machine(), "", self._results.task(trial, None))
        return 0


def loss_at(curve: pd.DataFrame, samples: int, trial: Trial) -> float:
    """Validation log-loss after so many samples."""
    points = [(abs(at - samples), loss) for at, loss in zip(curve["samples"], curve["val_logloss"], strict=True)]
    distance, loss = min(points)
    if distance > NEAR * trial.train_samples:
        share = trial.train_samples / samples
        raise SystemExit(
            f"no point of a learning curve lies at {samples} samples: train.evaluations must divide by {share:.3g}"
        )
    return float(loss)


def points_of(frame: pd.DataFrame) -> dict[str, Point]:
    """Configurations of which all seeds have finished, by name."""
    found = {}
    for name, rows in frame.groupby(POINT, dropna=False):
        if (rows["status"] == Status.OK).all():
            size, loss = int(rows["model_bytes"].iloc[0]), float(rows["val_logloss"].mean())
            found[str(name)] = Point(size, loss, bool(rows["method"].iloc[0] == "dense"))
    return found


def volume(points: Mapping[str, Point], reference: Reference) -> float:
    """Hypervolume of points."""
    found = list(points.values())
    return hypervolume([p.size for p in found], [p.loss for p in found], LOSS, reference)


def samples_of(frame: pd.DataFrame) -> int:
    """Training samples, those of a shared training once."""
    return int(frame.drop_duplicates("trained_as")["train_samples"].fillna(0).sum())


def replay(folder: Path, frame: pd.DataFrame, first: int) -> pd.DataFrame:
    """The rows that a search would have left which begins with the `first` of the seeds."""
    (resolved,) = folder.rglob("sweep.yaml")
    loaded = load_sweep(resolved)
    config = loaded.config
    seeds = (*config.seeds[first:], *config.seeds[:first])
    search = SearchConfig()
    loaded = replace(loaded, config=config.model_copy(update={"seeds": seeds, "search": search}))
    curves = {
        str(row["trained_as"]): read_curve(resolved.parent, str(row["key"]))
        for row in frame.to_dict("records")
        if (resolved.parent / "curves" / f"{row['key']}.parquet").exists()
    }
    with tempfile.TemporaryDirectory() as scratch:
        sweep: Sweep = prepare(loaded, Path(scratch))
        results = Results(sweep, Path(scratch))
        Search(results, search, ignore).train(Replay(results, curves), sweep.pending())
        return read(scratch)


def ignore(event: Event) -> None:
    """Nobody watches a replay."""


def main(arguments: list[str]) -> None:
    """Print the comparison as a table."""
    frame = read(arguments[0])
    points = points_of(frame)
    dense = max(point.size for point in points.values() if point.is_dense)
    reference = Reference(float(dense), max(point.loss for point in points.values()))
    whole, samples = volume(points, reference), samples_of(frame)
    mask = on_frontier([p.size for p in points.values()], [p.loss for p in points.values()], LOSS)
    frontier = {name for name, wins in zip(points, mask, strict=True) if wins}
    say(f"full grid: {len(points)} points, {len(frontier)} on the frontier, {samples:,} samples, volume {whole:.5f}")
    if len(arguments) > 1:
        tried = [("halving", read(arguments[1]))]
    else:
        seeds = sorted(frame["seed"].unique())
        tried = [(f"replayed, seed {seed} first", replay(Path(arguments[0]), frame, n)) for n, seed in enumerate(seeds)]
    for name, other in tried:
        found = points_of(other)
        share, part = volume(found, reference) / whole, samples_of(other) / samples
        kept = len(frontier & set(found))
        say(f"{name}: {share:.2%} of the hypervolume with {part:.2%} of the samples; {kept} of the frontier")


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
