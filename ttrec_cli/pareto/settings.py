"""Settings of configurations as text, and which of them tell the points of a group apart."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from ttrec_cli.pareto.points import Point


@lru_cache(maxsize=4096)
def flat_settings(settings: str) -> Mapping[str, str]:
    """A settings text as dotted keys and values: `{"init": {"scale": 1}}` is `init.scale: 1`."""
    try:
        nested = json.loads(settings) if settings else {}
    except ValueError:  # not written by us: shown as it is
        return MappingProxyType({"settings": settings})
    return MappingProxyType(dict(_flatten("", nested)))


def split_settings(points: Iterable[Point]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Settings that all points share, and the dotted keys of those that vary among them.

    A setting that some points lack (uncompressed models have no TT initialisation) is shared if the others agree.
    """
    texts = {point.settings for point in points}
    every = [flat_settings(text) for text in texts]
    keys = dict.fromkeys(key for settings in every for key in settings)
    values = {key: {settings[key] for settings in every if key in settings} for key in keys}
    shared = {key: next(iter(values[key])) for key in keys if len(values[key]) == 1}
    return shared, tuple(key for key in keys if len(values[key]) > 1)


def _flatten(prefix: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            pair for key, inner in value.items() for pair in _flatten(f"{prefix}.{key}" if prefix else str(key), inner)
        ]
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return [(prefix or "settings", shown)]
