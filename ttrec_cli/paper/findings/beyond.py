"""Studies of our own that the paper lacks: log-loss over bytes, a curve a setting, without a verdict on the paper."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.findings.study_parts import effects_table
from ttrec_cli.paper.plots import Plot, Series
from ttrec_cli.paper.training import Study
from ttrec_cli.paper.trends import LOGLOSS
from ttrec_cli.pareto import Metric, Point, analyse
from ttrec_cli.pareto.points import DENSE, TT
from ttrec_cli.pareto.settings import flat_settings, split_settings
from ttrec_cli.report.tables import frontier_table

UNEVEN = "ranks"
"""A setting that is a rank, not a way to choose shapes: uneven and even ranks are two curves, not one each."""


def own_study(study: Study) -> Finding:
    """Curves at equal bytes, the frontier with paired intervals to the uncompressed model, and all points."""
    points = [point for point in study.points if point.method != DENSE]
    dense = next(iter(study.where(method=DENSE)), None)
    _, varying = split_settings(points)
    curves: Mapping[str, list[Point]] = defaultdict(list)
    for point in sorted(points, key=lambda each: each.model_bytes):
        curves[_name(point, varying)].append(point)
    analysis = analyse(study.groups[0], Metric.LOGLOSS)
    rows = [
        ("uncompressed", dense),
        *((f"{name}, rank {_rank(p)}", p) for name, found in curves.items() for p in found),
    ]
    return Finding(
        plots=(_plot(curves, dense),),
        tables=(frontier_table(analysis), effects_table("The baseline is the uncompressed model", rows, dense)),
        notes=(analysis.answer.sentence, "The paper has no such study, so there is nothing to compare with."),
    )


def _name(point: Point, varying: Sequence[str]) -> str:
    settings = flat_settings(point.settings)
    told = [f"{key.rpartition('.')[2]} {settings[key]}" for key in varying if key in settings and key != UNEVEN]
    told += ["uneven ranks"] if UNEVEN in settings else []
    told += ["frozen cores"] if point.method != TT else []
    return ", ".join(told) or "even ranks"


def _rank(point: Point) -> str:
    return flat_settings(point.settings).get(UNEVEN, str(point.rank))


def _plot(curves: Mapping[str, Sequence[Point]], dense: Point | None) -> Plot:
    series = tuple(
        Series(
            name,
            tuple(float(point.model_bytes) for point in found),
            tuple(point.mean(LOGLOSS) for point in found),
            look,
            lows=tuple(min(point.scores[LOGLOSS]) for point in found),
            highs=tuple(max(point.scores[LOGLOSS]) for point in found),
            dashed=any(point.method != TT for point in found),
            texts=tuple(f"rank {_rank(point)}" for point in found),
        )
        for look, (name, found) in enumerate(curves.items())
    )
    return Plot(
        title="Validation log-loss over model bytes",
        summary=f"Validation log-loss over model bytes, logarithmic, a curve for each of: {'; '.join(curves)}. Bars "
        "reach from the lowest seed to the highest, a dashed line is the uncompressed model. Tables have the numbers.",
        x_title="model bytes (logarithmic)",
        y_title="validation log-loss",
        series=series,
        x_log=True,
        level=None if dense is None else (dense.mean(LOGLOSS), "uncompressed"),
    )
