"""Groups: points that may be compared, because data, budget and seeds are the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ttrec_cli.pareto.points import (
    IDENTITY,
    SCORES,
    SIZES,
    Point,
    Row,
    counts,
    make_point,
    number,
    text,
    whole,
)
from ttrec_cli.pareto.sharing import shared_trainings, training
from ttrec_cli.pareto.tuning import best_tuned

PROVENANCE = (
    "ttrec_version",
    "git_commit",
    "torch_version",
    "cupy_version",
    "numpy_version",
    "python_version",
    "platform",
    "cpu",
    "gpu",
    "driver",
    "device",
    "backend",
    "host",
    "command_line",
)
"""Columns that say where and how a trial ran."""

FINE = ("ok", "stopped")
"""Status of trials that did not fail: `stopped` ones were not worth going on with, the search found."""

_OTHERS = (
    "key", "sweep", "status", "reason", "seed", "budget", "dataset", "dataset_fingerprint", "synthetic",
    "stand_in", "left_dense", "plan", "tuned", "trained_as", "started_at", "ended_at",
)  # fmt: skip

_Identity = tuple[object, ...]
_Seeds = frozenset[int]


@dataclass(frozen=True)
class Group:
    """Points on one dataset with one budget and the same seeds, smallest model first.

    A point whose `seeds` are fewer than the group's has not finished (or lost a trial): it is kept and shown,
    but does not compete, because a mean over fewer seeds is not comparable. `stand_in` says that the data is
    what the sweep file names as a replacement for data that was absent. `shared_trials`: so many ran while another
    trial ran on the same machine, which makes all times doubtful.
    """

    dataset: str
    dataset_fingerprint: str
    budget: str
    seeds: tuple[int, ...]
    sweeps: tuple[str, ...]
    synthetic: bool
    stand_in: bool
    started_at: str
    ended_at: str
    points: tuple[Point, ...]
    provenance: Mapping[str, tuple[str, ...]] = field(hash=False)
    shared_trials: int = 0

    def is_complete(self, point: Point) -> bool:
        """Whether the point has a finished trial for every seed of the group."""
        return point.seeds == self.seeds


@dataclass(frozen=True)
class Failure:
    """A trial that did not succeed, with its reason; `rank` is None when dense."""

    sweep: str
    method: str
    rank: int | None
    tables: int
    dim: int
    seed: int
    status: str
    reason: str


def groups(frame: pd.DataFrame) -> tuple[Group, ...]:
    """The comparable groups among result rows, the one that ended last first; only finished trials count."""
    by_data: dict[_Identity, dict[_Identity, list[Row]]] = defaultdict(lambda: defaultdict(list))
    records = _records(frame)
    shared = shared_trainings(records)
    for row in best_tuned(_newest(records)):
        data = (text(row["dataset_fingerprint"]), text(row["budget"]))
        by_data[data][_identity(row)].append(row)
    found = [
        _group(members, seeds, shared)
        for configurations in by_data.values()
        for seeds, members in _by_seeds(configurations).items()
    ]
    return tuple(sorted(found, key=lambda group: group.ended_at, reverse=True))


def failures(frame: pd.DataFrame) -> tuple[Failure, ...]:
    """The trials that did not succeed, in order of sweep and configuration."""
    if frame["status"].isin(FINE).all():
        return ()
    found = [
        Failure(
            sweep=text(row["sweep"]),
            method=text(row["method"]),
            rank=None if pd.isna(row["rank"]) else whole(row["rank"]),
            tables=whole(row["tables"]),
            dim=whole(row["dim"]),
            seed=whole(row["seed"]),
            status=text(row["status"]),
            reason=text(row["reason"]),
        )
        for row in _newest(_records(frame))
        if row["status"] not in FINE
    ]
    return tuple(sorted(found, key=lambda f: (f.sweep, f.method, f.dim, f.tables, f.rank or 0, f.seed)))


def _records(frame: pd.DataFrame) -> list[Row]:
    wanted = [*IDENTITY, *SIZES, *SCORES, *PROVENANCE, *_OTHERS]
    return list(frame.reindex(columns=wanted).to_dict("records"))


def _identity(row: Row) -> _Identity:
    return tuple(text(row[name]) for name in IDENTITY)


def _newest(rows: Iterable[Row]) -> list[Row]:
    """One row a trial: a finished one before a failed one, then the later (a folder may hold copies)."""
    best: dict[_Identity, Row] = {}
    for row in sorted(rows, key=lambda row: (row["status"] == "ok", text(row["ended_at"]))):
        data = (text(row["dataset_fingerprint"]), text(row["budget"]))
        best[(*data, *_identity(row), number(row["seed"]))] = row
    return list(best.values())


def _by_seeds(configurations: Mapping[_Identity, Sequence[Row]]) -> dict[_Seeds, list[Sequence[Row]]]:
    """Configurations by the seeds they were asked to run with.

    Failed trials count as asked. A configuration with only some of the seeds of another one in the same sweep
    was interrupted: it belongs to that one's group.
    """
    asked = {
        identity: (frozenset(whole(row["seed"]) for row in rows), {text(row["sweep"]) for row in rows})
        for identity, rows in configurations.items()
        if any(counts(row) for row in rows)
    }
    widest: dict[str, set[_Seeds]] = defaultdict(set)
    for seeds, sweeps in asked.values():
        for sweep in sweeps:
            widest[sweep].add(seeds)
    found: dict[_Seeds, list[Sequence[Row]]] = defaultdict(list)
    for identity, (seeds, sweeps) in asked.items():
        around = {other for sweep in sweeps for other in widest[sweep] if other >= seeds}
        target = max(around, key=lambda other: (len(other), sorted(other)))
        found[target].append(configurations[identity])
    return found


def _group(members: Sequence[Sequence[Row]], seeds: _Seeds, shared: frozenset[str]) -> Group:
    finished = [[row for row in rows if counts(row)] for rows in members]
    rows = [row for some in finished for row in some]
    first = rows[0]
    return Group(
        dataset=text(first["dataset"]),
        dataset_fingerprint=text(first["dataset_fingerprint"]),
        budget=text(first["budget"]),
        seeds=tuple(sorted(seeds)),
        sweeps=_distinct(rows, "sweep"),
        synthetic=any(row["synthetic"] is True or row["synthetic"] == 1 for row in rows),
        stand_in=any(row["stand_in"] is True or row["stand_in"] == 1 for row in rows),
        started_at=min(text(row["started_at"]) for row in rows),
        ended_at=max(text(row["ended_at"]) for row in rows),
        points=tuple(sorted((make_point(some) for some in finished), key=lambda point: point.order)),
        provenance={name: _distinct(rows, name) for name in PROVENANCE},
        shared_trials=sum(training(row) in shared for row in rows),
    )


def _distinct(rows: Iterable[Row], column: str) -> tuple[str, ...]:
    return tuple(sorted({text(row[column]) for row in rows} - {""}))
