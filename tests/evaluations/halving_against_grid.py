"""Does halving find the frontier of the full grid, and at which share of its training samples?

    ttrec sweep sweeps/kaggle.yaml --out full --set train.evaluations=9
    ttrec sweep sweeps/kaggle.yaml --out halved --set search.method=halving
    python tests/evaluations/halving_against_grid.py full [halved]

The hypervolume is that of log10 bytes and mean validation log-loss; its reference point is the largest uncompressed
model's bytes and the worst log-loss of the full grid. With one folder the search is replayed from the grid's learning
curves, which need points where its rungs end (evaluations a multiple of eta ** (rungs - 1)): what it would have done.
Not a test: it takes as long as the sweeps.
"""

import math
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ttrec_cli.config import SearchConfig
from ttrec_cli.pareto.frontier import Reference, hypervolume, on_frontier
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.store import read, read_curve
from ttrec_cli.sweep.halving import Candidate, rungs, survivors, wanted_after

LOSS = Metric.LOGLOSS
POINT = ["method", "rank", "tables", "dim", "settings"]


@dataclass(frozen=True)
class Point:
    """A configuration: its size, mean final log-loss, keys of its trials in the order of their seeds."""

    size: int
    loss: float
    keys: tuple[str, ...]
    dim: int
    is_dense: bool


def points_of(frame: pd.DataFrame) -> dict[str, Point]:
    """Finished configurations by name."""
    finished = frame[frame["status"] == "ok"]
    return {
        str(name): Point(
            int(rows["model_bytes"].iloc[0]),
            float(rows["val_logloss"].mean()),
            tuple(rows.sort_values("seed")["key"]),
            int(rows["dim"].iloc[0]),
            bool(rows["method"].iloc[0] == "dense"),
        )
        for name, rows in finished.groupby(POINT, dropna=False)
    }


def volume(points: Mapping[str, Point], reference: Reference) -> float:
    """Hypervolume of points."""
    found = list(points.values())
    return hypervolume([p.size for p in found], [p.loss for p in found], LOSS, reference)


def samples_of(frame: pd.DataFrame) -> int:
    """Training samples, those of a shared training once."""
    return int(frame.drop_duplicates("trained_as")["train_samples"].sum())


def replay(folder: Path, frame: pd.DataFrame, search: SearchConfig) -> tuple[dict[str, Point], int]:
    """The points a search would have finished, and the samples it would have trained, from learning curves."""
    points = points_of(frame)
    directories = {path.stem: path.parent.parent for path in folder.rglob("curves/*.parquet")}
    curves = {key: read_curve(directories[key], key) for point in points.values() for key in point.keys}
    total = max(int(curve["samples"].max()) for curve in curves.values())
    seeds = max(len(point.keys) for point in points.values())
    alive, reached = set(points), dict.fromkeys(curves, 0)
    for number, rung in enumerate(rungs(total, seeds, search)):
        for key in (key for name in alive for key in points[name].keys[: rung.seeds]):
            reached[key] = rung.samples
        if rung.samples == total:
            break
        rivals = []
        for name in sorted(alive):
            point = points[name]
            values = tuple(_loss_at(curves[key], rung.samples, total) for key in point.keys[: rung.seeds])
            rivals.append(Candidate(name, point.size, values, group=str(point.dim)))
        alive = set(survivors(_with_baselines(rivals, points), LOSS, wanted_after(len(points), number, search)))
    return {name: points[name] for name in alive}, sum(reached.values())


def _with_baselines(rivals: list[Candidate], points: Mapping[str, Point]) -> list[Candidate]:
    best: dict[int, tuple[float, str]] = defaultdict(lambda: (math.inf, ""))
    for each in rivals:
        dim = points[each.name].dim
        if points[each.name].is_dense:
            best[dim] = min(best[dim], (math.fsum(each.values), each.name))
    always = {name for _, name in best.values()}
    return [replace(each, always=each.name in always) for each in rivals]


def _loss_at(curve: pd.DataFrame, samples: int, total: int) -> float:
    nearest = (curve["samples"] - samples).abs().idxmin()
    if abs(int(curve["samples"][nearest]) - samples) > 0.02 * total:
        raise SystemExit(f"no point of the learning curve lies at {samples} samples: set train.evaluations to 9")
    return float(curve["val_logloss"][nearest])


def main(arguments: list[str]) -> None:
    """Print the comparison as a table."""
    full = Path(arguments[0])
    frame = read(full)
    points = points_of(frame)
    dense = max(point.size for point in points.values() if point.is_dense)
    reference = Reference(float(dense), max(point.loss for point in points.values()))
    whole, samples = volume(points, reference), samples_of(frame)
    mask = on_frontier([p.size for p in points.values()], [p.loss for p in points.values()], LOSS)
    frontier = {name for name, wins in zip(points, mask, strict=True) if wins}
    lines = [
        f"full grid: {len(points)} points, {len(frontier)} on the frontier, {samples:,} samples, volume {whole:.5f}"
    ]
    if len(arguments) > 1:
        other = read(Path(arguments[1]))
        tried = [("halving", points_of(other), samples_of(other))]
    else:
        tried = [
            (f"replayed, eta {eta}, {count} rungs", *replay(full, frame, SearchConfig(eta=eta, rungs=count)))
            for eta, count in ((3, 3), (3, 2))
        ]
    for name, found, spent in tried:
        share, part = volume(found, reference) / whole, spent / samples
        kept = len(frontier & set(found))
        lines.append(f"{name}: {share:.2%} of the hypervolume with {part:.2%} of the samples; {kept} of the frontier")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
