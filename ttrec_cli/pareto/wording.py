"""Numbers and points in words, the same on the terminal and on the page."""

from collections.abc import Sequence
from math import floor, isfinite, log10

from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.paired import Difference
from ttrec_cli.pareto.points import DENSE, TT, Point
from ttrec_cli.pareto.settings import flat_settings

NOTHING = "–"
"""Stands where there is no number."""


def format_bytes(count: float, figures: int = 3) -> str:
    """Significant figures with a decimal unit: 20.3 MB; MB = 10^6 bytes."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size * 0.9995:
            return f"{significant(count / size, figures)} {unit}"
    return f"{count:.0f} B"


def format_factor(factor: float) -> str:
    """How many times smaller: 106×."""
    return f"{significant(factor)}×" if isfinite(factor) else NOTHING


def format_value(value: float, metric: Metric) -> str:
    """A metric's value: accuracy in percent, the others as they are."""
    if not isfinite(value):
        return NOTHING
    return f"{100 * value:.3f} %" if metric == Metric.ACCURACY else f"{value:.5f}"


def format_gap(gap: float, metric: Metric) -> str:
    """A difference with its sign: in points (hundredths) of accuracy, the others as they are."""
    amount = f"{100 * gap:+.2f}" if metric == Metric.ACCURACY else f"{gap:+.4f}"
    if float(amount) == 0:
        amount = "±" + amount[1:]
    return amount.replace("-", "−")


def unit_of_gap(metric: Metric) -> str:
    """What a difference is counted in."""
    return "points of accuracy" if metric == Metric.ACCURACY else metric.label


def format_interval(difference: Difference, metric: Metric) -> str:
    """The 95 % interval as `−0.08 … +0.02`; empty with a single seed."""
    if difference.low is None or difference.high is None:
        return ""
    return f"{format_gap(difference.low, metric)} … {format_gap(difference.high, metric)}"


def describe(point: Point, varying: Sequence[str] = ()) -> str:
    """The configuration with its `varying` settings: `7 tables at rank 32, dim 16 (init.scale paper)`."""
    tables = "1 table" if point.tables == 1 else f"{point.tables} tables"
    rank = "" if point.rank is None else f" at rank {point.rank}"  # int8 has none
    name = "uncompressed" if point.method == DENSE else f"{tables}{rank}"
    settings = flat_settings(point.settings)
    remarks = [point.method] if point.method not in (DENSE, TT) else []
    remarks += [f"{key} {settings[key]}" for key in varying if key in settings]
    return f"{name}, dim {point.dim}" + (f" ({', '.join(remarks)})" if remarks else "")


def significant(value: float, figures: int = 3) -> str:
    """Rounded to so many significant figures, all digits before the point kept; never in exponent form."""
    if value <= 0:
        return f"{value:.0f}"
    decimals = max(0, figures - 1 - floor(log10(value)))
    rounded = round(value, decimals)
    decimals = max(0, figures - 1 - floor(log10(rounded))) if rounded > 0 else decimals
    return f"{value:.{min(decimals, 9)}f}"
