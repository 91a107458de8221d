"""Training studies: sweeps whose trials lie in one folder for each dataset, so that figures share them."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ttrec_cli.config import LoadedSweep
from ttrec_cli.paper.trends import Interval, contrast
from ttrec_cli.pareto import Group, Point, groups
from ttrec_cli.pareto.points import DENSE, TT, TT_FROZEN, Row
from ttrec_cli.pareto.settings import flat_settings
from ttrec_cli.pareto.sharing import shared_trainings, training
from ttrec_cli.sweep.dataset import describe
from ttrec_cli.sweep.run import Sweep, folder_name, prepare_in

FACTS = ("ttrec_version", "git_commit", "torch_version", "cpu", "gpu", "device", "backend", "host")


@dataclass(frozen=True)
class Study:
    """The finished trials of an item. `total` trials in all, `finished` and `failed` of them now.

    `groups` hold points that may be compared; a study has one unless its trials differ in budget or seeds.
    `shared_keys` name trials that ran beside others on the same machine.
    """

    groups: tuple[Group, ...]
    synthetic: bool
    stand_in: bool
    total: int
    finished: int = 0
    failed: int = 0
    provenance: tuple[tuple[str, str], ...] = ()
    shared_keys: frozenset[str] = frozenset()

    @property
    def points(self) -> tuple[Point, ...]:
        """All configurations of which a trial has finished."""
        return tuple(point for group in self.groups for point in group.points)

    def shares_times(self, point: Point | None) -> bool:
        """Whether a trial of a point ran beside another one, so that its time says little."""
        return point is not None and not self.shared_keys.isdisjoint(point.keys)

    @property
    def is_settled(self) -> bool:
        """Whether no trial is left to train: all have finished or failed."""
        return self.finished + self.failed == self.total

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds that occur."""
        return tuple(sorted({seed for point in self.points for seed in point.seeds}))

    def where(self, **wanted: Any) -> tuple[Point, ...]:
        """Points with these attributes, and with settings written as `init__scale="paper"`."""
        return tuple(point for point in self.points if all(value_of(point, k) == v for k, v in wanted.items()))

    def one(self, **wanted: Any) -> Point | None:
        """The only point that fits; None where there is none, or several."""
        found = self.where(**wanted)
        return found[0] if len(found) == 1 else None

    def values(self, name: str, **wanted: Any) -> tuple[Any, ...]:
        """The values of an attribute or setting that occur, rising."""
        return tuple(sorted({value_of(point, name) for point in self.where(**wanted)} - {None}))

    def dense(self, dim: int) -> Point | None:
        """The uncompressed model of a dim, as DLRM draws it."""
        return self.one(method=DENSE, dim=dim)

    def gain_on_frozen(self, weights: Sequence[tuple[float, Point | None]], score: str) -> Interval | None:
        """A contrast of trained points minus the same of their frozen controls; None where a control is missing."""
        frozen = [(-weight, self._control(point)) for weight, point in weights]
        return contrast([*weights, *frozen], score)

    def _control(self, point: Point | None) -> Point | None:
        if point is None or point.method != TT:
            return None
        found = (other for other in self.points if other.method == TT_FROZEN and _same_plan(other, point))
        return next(found, None)


def value_of(point: Point, name: str) -> Any:
    """An attribute of a point, or a setting as its text: `cache__rows_fraction` is `cache.rows_fraction`."""
    if "__" in name:
        return flat_settings(point.settings).get(name.replace("__", "."))
    return getattr(point, name)


def _same_plan(one: Point, other: Point) -> bool:
    return (one.rank, one.tables, one.dim, one.settings) == (other.rank, other.tables, other.dim, other.settings)


def prepare_study(loaded: LoadedSweep, out: Path) -> Sweep:
    """The sweep of an item, in the folder of its dataset below `out`; nothing is written."""
    dataset = describe(loaded.config.data)
    return prepare_in(loaded, out / folder_name(f"{dataset.name}-{dataset.fingerprint[:8]}"))


def study_of(sweep: Sweep) -> Study:
    """What a prepared sweep has come to: the rows of its own trials among those of the folder."""
    rows = [_as_asked(sweep, trial.key) for trial in sweep.trials if trial.key in sweep.stored]
    frame = pd.DataFrame(rows) if rows else pd.DataFrame({"status": []})
    return Study(
        groups=groups(frame) if rows else (),
        synthetic=sweep.dataset.synthetic,
        stand_in=sweep.loaded.stand_in,
        total=len(sweep.trials),
        finished=sum(row["status"] == "ok" for row in rows),
        failed=sum(row["status"] not in ("ok", "stopped", "interrupted") for row in rows),
        provenance=tuple(_facts(rows)),
        shared_keys=_shared(rows),
    )


def _shared(rows: Sequence[Row]) -> frozenset[str]:
    overlapping = shared_trainings(rows)
    beside = (row for row in rows if training(row) in overlapping or (row.get("parallel") or 1) > 1)
    return frozenset(str(row["key"]) for row in beside)


def _as_asked(sweep: Sweep, key: str) -> Row:
    """A row with the sweep that asks for it now in place of the one that trained it."""
    found: dict[Hashable, Any] = dict(sweep.stored[key].items())
    return found | {"sweep": sweep.loaded.config.name}


def _facts(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for name in FACTS:
        values = sorted({str(row[name]) for row in rows if row.get(name)})
        if values:
            yield name, "; ".join(values)
