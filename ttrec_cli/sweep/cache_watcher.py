"""A trial's row cache in training: told of each step, asked for its hit rates."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ttrec_cli.dlrm.training import CurvePoint
from ttrec_kernels import EmbeddingTables, TableKind, TablePlan
from ttrec_kernels.row_cache import RowCache

Hits = Sequence[Sequence[int]]
"""Hits and lookups of each table with a cache."""


class CacheWatcher:
    """Has the tables' cache count rows after each step and moves the optimisers' state with cached rows."""

    def __init__(self, tables: EmbeddingTables, cache: RowCache, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        self._tables = tables
        self._cache = cache
        self._optimizers = optimizers

    def after_step(self, indices: NDArray[np.int32], samples_done: int) -> None:
        """Count a batch's `indices` (batch, tables)."""
        self._tables.after_step(indices, samples_done, self._optimizers)

    def hits(self) -> tuple[tuple[int, int], ...]:
        """Hits and lookups of each tensor train since they were last forgotten."""
        return self._cache.hits()

    def forget_hits(self) -> None:
        """Begin to count hits anew."""
        self._cache.forget_hits()


def cache_watcher(tables: EmbeddingTables, optimizers: Sequence[torch.optim.Optimizer]) -> CacheWatcher | None:
    """The watcher of tables that have a cache."""
    return None if tables.row_cache is None else CacheWatcher(tables, tables.row_cache, optimizers)


def hit_columns(plans: Sequence[TablePlan], hits: Hits) -> dict[str, Any]:
    """Hit rate of all tensor trains together, and of each by its table's name as JSON; none before the cache is
    filled."""
    if not sum(lookups for _, lookups in hits):
        return {"cache_hit_rate": None, "cache_hit_rates": None}
    names = [plan.name for plan in plans if plan.kind == TableKind.TT]
    rates = {name: _rate((pair,)) for name, pair in zip(names, hits, strict=True)}
    return {"cache_hit_rate": _rate(hits), "cache_hit_rates": json.dumps(rates, ensure_ascii=False)}


def total_hits(curve: Sequence[CurvePoint]) -> Hits:
    """Hits and lookups over a whole learning curve."""
    found = [np.array(point.cache_hits) for point in curve if point.cache_hits]
    totals: list[list[int]] = np.sum(found, axis=0).tolist() if found else []
    return totals


def _rate(hits: Hits) -> float:
    return sum(hit for hit, _ in hits) / max(1, sum(lookups for _, lookups in hits))
