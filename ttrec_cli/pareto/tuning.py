"""Tuned settings: of each configuration the value with the best validation log-loss counts, the others do not."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ttrec_cli.pareto.points import Row, counts, number, text

SCORE = "val_logloss"
_SAME = ("dataset_fingerprint", "budget", "sweep", "method", "rank", "tables", "dim")

_Key = tuple[str, ...]


def best_tuned(rows: Sequence[Row]) -> list[Row]:
    """The rows without those of configurations that lost against themselves at another tuned value.

    What a sweep tunes stands in the column `tuned` of its rows. Of values with the most finished seeds the one with the
    least mean validation log-loss over them wins: the same rule for every method, so that none is compared at
    a setting that suits another. Where no value has a finished trial all rows stay.
    """
    axes = _tuned_axes(rows)
    if not axes:
        return list(rows)
    rivals: dict[_Key, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        settings = text(row["settings"])
        same = tuple(text(row[name]) for name in _SAME)
        rivals[*same, _without(settings, axes.get(text(row["sweep"]), frozenset()))][settings].append(row)
    losers = {id(row) for values in rivals.values() for row in _losers(list(values.values()))}
    return [row for row in rows if id(row) not in losers]


def _losers(values: Sequence[Sequence[Row]]) -> Iterable[Row]:
    best = min(range(len(values)), key=lambda index: _rank(values[index]))
    if not any(counts(row) for row in values[best]):
        return []
    return [row for index, some in enumerate(values) if index != best for row in some]


def _rank(rows: Sequence[Row]) -> tuple[int, float]:
    losses = [number(row[SCORE]) for row in rows if counts(row)]
    mean = math.fsum(losses) / len(losses) if losses else math.inf
    return -len(losses), mean if math.isfinite(mean) else math.inf


def _tuned_axes(rows: Sequence[Row]) -> Mapping[str, frozenset[str]]:
    """By sweep the settings that any of its rows says were tuned."""
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        tuned = text(row.get("tuned"))
        if tuned:
            sweep = text(row["sweep"])
            found[sweep] = found.get(sweep, frozenset()) | frozenset(_mapping(tuned))
    return found


@lru_cache(maxsize=65536)
def _without(settings: str, axes: frozenset[str]) -> str:
    """A settings text without some dotted keys."""
    values = dict(_mapping(settings))
    for axis in axes:
        section, _, key = axis.partition(".")
        if isinstance(values.get(section), dict):
            values[section] = {name: value for name, value in values[section].items() if name != key}
    return json.dumps(values, sort_keys=True) if axes else settings


def _mapping(json_text: str) -> Mapping[str, Any]:
    try:
        values = json.loads(json_text)
    except ValueError:  # not written by us
        return {}
    return values if isinstance(values, dict) else {}
