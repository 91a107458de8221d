"""Points: the finished trials of one configuration over its seeds."""

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

SCORES = (
    "val_accuracy",
    "val_logloss",
    "val_auc",
    "val_ne",
    "test_accuracy",
    "test_logloss",
    "test_auc",
    "test_ne",
    "best_test_accuracy",
    "train_logloss",
    "tt_core_change",
    "train_seconds",
    "evaluate_seconds",
    "samples_per_second",
    "peak_training_bytes",
)
"""Columns that differ from seed to seed."""

SIZES = (
    "embedding_bytes",
    "model_bytes",
    "optimizer_bytes",
    "training_bytes",
    "compression",
    "model_compression",
)
"""Columns that the configuration alone decides."""

IDENTITY = ("method", "rank", "tables", "dim", "settings")
"""Columns that tell configurations apart."""

DENSE, TT, TT_FROZEN = "dense", "tt", "tt-frozen"

Row = Mapping[Hashable, Any]


@dataclass(frozen=True)
class Point:
    """One configuration with what its finished trials measured.

    `settings` is the JSON text of all that identifies the configuration beside method, rank, tables and dim.
    `left_dense` names tables that a tensor train would have made larger, each with the reason.
    `plan` is the JSON list of its table plans, empty where none was written; `keys` name the trials, one a
    seed. `scores` holds for each column of `SCORES` one value a seed, in the order of `seeds`; NaN where it is
    missing. Byte counts and compressions are exact and do not depend on the seed. `rank` is None when dense.
    """

    method: str
    rank: int | None
    tables: int
    dim: int
    settings: str
    seeds: tuple[int, ...]
    embedding_bytes: int
    model_bytes: int
    optimizer_bytes: int
    training_bytes: int
    compression: float
    model_compression: float
    left_dense: tuple[str, ...]
    plan: str
    keys: tuple[str, ...] = field(compare=False)
    scores: Mapping[str, tuple[float, ...]] = field(hash=False)

    def mean(self, score: str) -> float:
        """Mean of a score over the seeds, unrounded; NaN if a seed lacks it."""
        return math.fsum(self.scores[score]) / len(self.seeds)

    def at(self, score: str, seed: int) -> float:
        """A score of one seed."""
        return self.scores[score][self.seeds.index(seed)]

    @property
    def is_dense(self) -> bool:
        """Whether this is an uncompressed model, which others are compared with."""
        return self.method == DENSE and self.tables == 0

    @property
    def order(self) -> tuple[int, str, int, int, int, str]:
        """Sorts by size, then by configuration."""
        return (self.model_bytes, self.method, self.rank or 0, self.tables, self.dim, self.settings)


def make_point(rows: Sequence[Row]) -> Point:
    """The point of one configuration from its finished trials, one row a seed."""
    rows = sorted(rows, key=lambda row: whole(row["seed"]))
    first = rows[0]
    return Point(
        method=text(first["method"]),
        rank=None if pd.isna(first["rank"]) else whole(first["rank"]),
        tables=whole(first["tables"]),
        dim=whole(first["dim"]),
        settings=text(first["settings"]),
        seeds=tuple(whole(row["seed"]) for row in rows),
        embedding_bytes=whole(first["embedding_bytes"]),
        model_bytes=whole(first["model_bytes"]),
        optimizer_bytes=whole(first["optimizer_bytes"]),
        training_bytes=whole(first["training_bytes"]),
        compression=number(first["compression"]),
        model_compression=number(first["model_compression"]),
        left_dense=_texts(first["left_dense"]),
        plan=text(first.get("plan")),
        keys=tuple(text(row.get("key")) for row in rows),
        scores={score: tuple(number(row.get(score)) for row in rows) for score in SCORES},
    )


def counts(row: Row) -> bool:
    """Whether a row can be part of a point: finished, and of a finite size on a logarithmic axis."""
    needed = ("model_bytes", "tables", "dim", "seed")
    return (
        row["status"] == "ok"
        and all(math.isfinite(number(row[name])) for name in needed)
        and (number(row["model_bytes"]) > 0)
    )


def _texts(value: Any) -> tuple[str, ...]:
    """The texts of a column that holds a JSON list."""
    try:
        return tuple(str(item) for item in json.loads(text(value) or "[]"))
    except ValueError:  # not written by us: passed on as it is
        return (text(value),)


def number(value: Any) -> float:
    """The value as a float; NaN for all that is missing."""
    return math.nan if pd.isna(value) else float(value)


def whole(value: Any) -> int:
    """The value as a whole number; 0 for all that is missing."""
    return 0 if pd.isna(value) else int(value)


def text(value: Any) -> str:
    """The value as text; empty for all that is missing."""
    return "" if pd.isna(value) else str(value)
