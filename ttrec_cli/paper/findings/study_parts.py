"""What findings of training studies share: series of points with their seeds' range, tables, absolute accuracies."""

from collections.abc import Sequence
from math import isfinite

from ttrec_cli.paper.plots import Series
from ttrec_cli.paper.training import Study
from ttrec_cli.paper.trends import LOGLOSS, difference
from ttrec_cli.paper.verdict import Claim, equal, unknown
from ttrec_cli.pareto import Point
from ttrec_cli.report.record import Column, Table

ACCURACY = "val_accuracy"
MADE_UP = "made-up clicks: levels say nothing about real data"
WITHIN = 0.1
"""Points of accuracy between ours and the paper's on the same data that count as the same."""


def series_of(
    name: str,
    places: Sequence[float | str],
    points: Sequence[Point | None],
    score: str,
    look: int,
    dashed: bool = False,
) -> Series:
    """Means of points at their places, bars from the lowest to the highest seed; missing points are left out."""
    found = [(place, point) for place, point in zip(places, points, strict=True) if point is not None]
    factor = 100 if score == ACCURACY else 1
    return Series(
        name,
        tuple(place for place, _ in found),
        tuple(factor * point.mean(score) for _, point in found),
        look,
        lows=tuple(factor * min(point.scores[score]) for _, point in found),
        highs=tuple(factor * max(point.scores[score]) for _, point in found),
        dashed=dashed,
    )


def accuracy_claim(study: Study, name: str, printed: float, point: Point | None) -> Claim:
    """An accuracy in percent beside the paper's: comparable on the same data alone."""
    rule = f"on the same data, at most {WITHIN} points of accuracy apart"
    measured = None if point is None else round(100 * point.mean(ACCURACY), 3)
    if study.synthetic or point is None:
        return unknown(name, printed, rule, MADE_UP if study.synthetic else "trials are missing", measured)
    return equal(name, printed, measured or 0.0, WITHIN)


def effects_table(caption: str, rows: Sequence[tuple[str, Point | None]], baseline: Point | None) -> Table:
    """Accuracy and log-loss of points, and their paired difference to a baseline."""
    cells = []
    for name, point in rows:
        if point is None:
            continue
        gap = None if point is baseline else difference(point, baseline)
        change = point.mean("tt_core_change")
        cells.append(
            (
                name,
                f"{100 * point.mean(ACCURACY):.3f} %",
                f"{point.mean(LOGLOSS):.5f}",
                "–" if gap is None else str(gap),
                f"{change:.3g}" if isfinite(change) else "–",
                str(len(point.seeds)),
            )
        )
    titles = ("Validation accuracy", "Log-loss", "Log-loss to the baseline (95 % interval)", "Change of cores", "Seeds")
    return Table(caption, (Column("Configuration"), *(Column(title, numeric=True) for title in titles)), tuple(cells))
