"""Ranges and ticks of logarithmic axes."""

import re
from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from typing import Any


def log_ticks(
    lines: Sequence[Sequence[float]], text: Callable[[float], str], steps: Sequence[int] = (1,)
) -> dict[str, Any]:
    """A range around all values above 0, with some room, and ticks at these steps of each decade."""
    values = [value for line in lines for value in line if value > 0]
    low, high = log10(min(values)), log10(max(values))
    room = 0.03 * (high - low) + 0.05
    ticks = [step * 10**decade for decade in range(floor(low - room), ceil(high + room)) for step in steps]
    shown = [tick for tick in ticks if tick >= 1 and low - room <= log10(tick) <= high + room]
    return {"range": [low - room, high + room], "tickvals": shown, "ticktext": [_round(text(tick)) for tick in shown]}


def _round(text: str) -> str:
    """A round number without the zeros after its point: 10 kB."""
    return re.sub(r"\.0+\b", "", text)
