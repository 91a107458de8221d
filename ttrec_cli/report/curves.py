"""How the chosen models learned: quality on validation over the samples seen."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from ttrec_cli.errors import DataError
from ttrec_cli.pareto import Analysis, Metric, Point
from ttrec_cli.pareto.wording import format_value
from ttrec_cli.report.chosen import chosen_points, short_name
from ttrec_cli.report.record import Chart, Column, Line, Lines, Table

if TYPE_CHECKING:
    import pandas as pd

CurveReader = Callable[[str], "pd.DataFrame | None"]
"""From a trial's key to its learning curve, None where there is none."""


def curve_reader(*results: Path) -> CurveReader:
    """Looks for curves in all sweeps below the folders; damaged ones count as absent."""
    from ttrec_cli.store import read_curve

    folders = [folder.parent for root in results for folder in root.rglob("curves") if folder.is_dir()]

    def read(key: str) -> "pd.DataFrame | None":
        for folder in folders:
            if (folder / "curves" / f"{key}.parquet").exists():
                try:
                    return read_curve(folder, key)
                except DataError:
                    return None
        return None

    return read


def curves_chart(analysis: Analysis, read: CurveReader) -> Chart | None:
    """A line for each chosen model, the mean over the seeds that have a curve; None if no model has one."""
    metric = analysis.metric
    points = chosen_points(analysis)
    same_dim = len({point.dim for point in points}) == 1
    found = [_line(point, metric, read, short_name(point, same_dim)) for point in points]
    lines = tuple(line for line in found if line is not None)
    if not lines:
        return None
    unit = " (%)" if metric == Metric.ACCURACY else ""
    last = max(line.xs[-1] for line in lines)
    return Chart(
        topic="Learning curves",
        title=f"Validation {metric.label} over samples seen",
        summary=f"Validation {metric.label} of {len(lines)} models over up to {last:,.0f} training samples. "
        "The numbers are in the table below.",
        content=Lines(lines, "Samples seen", f"Validation {metric.label}{unit}"),
        table=_table(lines, metric),
    )


def _line(point: Point, metric: Metric, read: CurveReader, name: str) -> Line | None:
    scale = 100 if metric == Metric.ACCURACY else 1
    seen: dict[float, list[float]] = {}
    curves = 0
    for key in point.keys:
        curve = read(key)
        if curve is None:
            continue
        curves += 1
        for samples, value in zip(curve["samples"], curve[metric.validation], strict=True):
            if isfinite(value):
                seen.setdefault(float(samples), []).append(scale * float(value))
    # Places that some seeds lack would make the mean jump.
    places = sorted(samples for samples, values in seen.items() if len(values) == curves)
    if not places:
        return None
    ys = tuple(sum(seen[samples]) / curves for samples in places)
    several = curves > 1
    return Line(
        name,
        tuple(places),
        ys,
        tuple(min(seen[samples]) for samples in places) if several else (),
        tuple(max(seen[samples]) for samples in places) if several else (),
    )


def _table(lines: tuple[Line, ...], metric: Metric) -> Table:
    scale = 100 if metric == Metric.ACCURACY else 1
    samples = sorted({x for line in lines for x in line.xs})
    rows = []
    for x in samples:
        by_line = (dict(zip(line.xs, line.ys, strict=True)).get(x, float("nan")) / scale for line in lines)
        rows.append((f"{x:,.0f}", *(format_value(value, metric) for value in by_line)))
    heads = (Column(line.name, numeric=True) for line in lines)
    return Table(f"Validation {metric.label} by samples seen", (Column("Samples", numeric=True), *heads), tuple(rows))
