"""The frontier of what has finished while a sweep runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ttrec_cli.config.run_settings import Objectives
from ttrec_cli.pareto.frontier import on_frontier
from ttrec_cli.pareto.metric import Metric

_POINT = ("method", "rank", "tables", "dim", "settings", "dataset_fingerprint", "budget")


@dataclass(frozen=True)
class FrontierPoint:
    """A configuration in words, its size in bytes, the mean quality over `seeds` finished seeds on validation."""

    label: str
    size_bytes: int
    quality: float
    seeds: int


class FrontierSoFar:
    """Collects finished rows; a point is the mean over the seeds that are there."""

    def __init__(self, objectives: Objectives) -> None:
        self._size, quality = objectives
        self._metric = Metric(quality)
        self._column = f"val_{quality}"
        self._points: dict[tuple[str, ...], tuple[str, int, dict[int, float]]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a finished trial's row; a later one of the same trial replaces it."""
        value, size = row.get(self._column), row.get(self._size)
        if value is None or size is None or not math.isfinite(float(value)):
            return
        name = tuple(str(row.get(column)) for column in _POINT)
        _, _, values = self._points.setdefault(name, (_label(row), int(size), {}))
        values[int(row["seed"])] = float(value)

    def points(self) -> tuple[FrontierPoint, ...]:
        """What nothing dominates, smallest first."""
        found = [
            FrontierPoint(label, size, math.fsum(values.values()) / len(values), len(values))
            for label, size, values in self._points.values()
        ]
        if not found:
            return ()
        mask = on_frontier([point.size_bytes for point in found], [point.quality for point in found], self._metric)
        best = [point for point, wins in zip(found, mask, strict=True) if wins]
        return tuple(sorted(best, key=lambda point: (point.size_bytes, point.label)))


def _label(row: Mapping[str, Any]) -> str:
    if row["method"] == "dense":
        return f"dense, dim {row['dim']}"
    rank = "" if row["rank"] is None else f" rank {row['rank']}"
    return f"{row['method']}{rank}, {row['tables']} table{'s' * (row['tables'] != 1)}, dim {row['dim']}"
