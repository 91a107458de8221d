"""Sizes, ranks and shapes in words, for everything that `ttrec factorize` shows."""

from collections.abc import Sequence

from ttrec_kernels.shapes import TTShape, format_factors

BAR = 8
"""Characters of the longest bar."""

AFTER, BEFORE, SLIVER = "█", "░", "▏"


def size_text(count: float) -> str:
    """Three figures with a decimal unit; MB = 10^6 bytes."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{short(count / size)} {unit}"
    return f"{count:.0f} B"


def flops_text(count: float) -> str:
    """Three figures with a decimal prefix: 17.2 k."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{short(count / size)} {unit}FLOPs"
    return f"{count:.0f} FLOPs"


def short(value: float) -> str:
    """About three figures, and every digit before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percent(fraction: float) -> str:
    """A share with one decimal."""
    return "<0.1 %" if 0 < fraction < 0.0005 else f"{100 * fraction:.1f} %"


def factors_text(shape: TTShape) -> str:
    """Row factors × dim factors."""
    return f"{format_factors(shape.row_factors)} × {format_factors(shape.dim_factors)}"


def rank_text(shape: TTShape) -> str:
    """One number where all ranks are equal, else all of them."""
    return inner_text(shape.ranks[1:-1])


def inner_text(inner: Sequence[int]) -> str:
    """Inner ranks: one number where they are equal, else all of them."""
    return str(inner[0]) if len(set(inner)) == 1 else format_factors(tuple(inner))


def bar(before: float, after: float) -> str:
    """Two shares of the longest bar in one: solid up to `after`, light from there up to `before`."""
    solid, light = round(BAR * after), round(BAR * before)
    start = AFTER * solid or (SLIVER if after > 0 else "")
    return start + BEFORE * (light - len(start))
