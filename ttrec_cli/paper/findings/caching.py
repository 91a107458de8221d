"""Figure 10: how large a cache of frequent rows must be, and how long rows must be counted before it is filled."""

from collections.abc import Sequence

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.findings.study_parts import ACCURACY, MADE_UP, effects_table, series_of
from ttrec_cli.paper.plots import Plot, percent
from ttrec_cli.paper.training import Study, value_of
from ttrec_cli.paper.trends import LOGLOSS, difference
from ttrec_cli.paper.verdict import Claim, as_control, no_better, signed, small_beside, unknown
from ttrec_cli.pareto import Point
from ttrec_cli.pareto.points import TT, TT_FROZEN

SECONDS = "train_seconds"
SHARED = "trials ran beside others, so times are shared"
FRACTION, WARMUP, REFRESH = "cache__rows_fraction", "cache__warmup_fraction", "cache__refresh_every"
STAND_IN_SCALE = 100
"""The stand-in's tables are so many times smaller: the same share of theirs are so many times fewer rows."""


def figure_ten_size(study: Study) -> Finding:
    """Cached rows from none to 10 % of each table."""
    fractions = _numbers(study, FRACTION, TT)
    points = {fraction: _cached(study, TT, fraction) for fraction in (0.0, *fractions)}
    enough = _nearest(fractions, published.SUFFICIENT_CACHE * (STAND_IN_SCALE if study.stand_in else 1))
    most, none = points[fractions[-1]], points[0.0]
    helps = difference(points[enough], none)
    claims = (
        signed(f"a cache of {_share(enough)} lowers log-loss", _gain("kaggle"), helps, -1),
        no_better(
            f"{_share(fractions[-1])} gain no more than {_share(enough)}",
            f"{_share(published.SUFFICIENT_CACHE)} suffice",
            difference(most, points[enough]),
            helps,
        ),
        as_control(
            signed(
                f"beside a cache of {_share(enough)}, training the cores lowers log-loss",
                None,
                difference(points[enough], _cached(study, TT_FROZEN, enough)),
                -1,
            )
        ),
        unknown(
            "accuracy gained by the cache, in points",
            _gain("kaggle"),
            "the same data",
            MADE_UP,
            _points_of(study, enough),
        ),
    )
    rows = [(f"{method}, {_share(f)}", _cached(study, method, f)) for method in (TT, TT_FROZEN) for f in points]
    plots = (
        _plot(study, (0.0, *fractions), ACCURACY, "Validation accuracy (%)"),
        _plot(study, (0.0, *fractions), LOGLOSS, "Validation log-loss"),
        _plot(study, (0.0, *fractions), SECONDS, "Training time (s)"),
    )
    notes = (_shares_note(),) if study.stand_in else ()
    return Finding(claims, plots, (effects_table("The baseline has no cache", rows, none),), notes=notes)


def _shares_note() -> str:
    return (
        f"The stand-in's tables are {STAND_IN_SCALE} times smaller than Kaggle's: 1 % of its rows are as many "
        "as 0.01 % of Kaggle's."
    )


def _gain(data: str) -> str:
    return f"+{published.CACHE_ACCURACY_GAIN[data]} points of accuracy"


def _points_of(study: Study, fraction: float) -> str | None:
    gap = difference(_cached(study, TT, fraction), _cached(study, TT, 0.0), ACCURACY)
    return None if gap is None else f"{100 * gap.mean:+.2f}".replace("-", "−")


def _numbers(study: Study, name: str, method: str) -> tuple[float, ...]:
    return tuple(sorted({float(value) for value in study.values(name, method=method)}))


def _nearest(values: Sequence[float], wanted: float) -> float:
    return min(values, key=lambda value: abs(value - wanted))


def _cached(study: Study, method: str, fraction: float) -> Point | None:
    """The point with so many cached rows; 0: without a cache."""
    found = [point for point in study.where(method=method) if _number(point, FRACTION) == fraction]
    return found[0] if len(found) == 1 else None


def _number(point: Point, name: str) -> float:
    """A setting as a number; 0 where the point has no cache and so no such setting."""
    value = value_of(point, name)
    return 0.0 if value in (None, "null") else float(value)


def _share(fraction: float) -> str:
    return "no cache" if fraction == 0 else f"{100 * fraction:g} % of the rows"


def _plot(study: Study, fractions: Sequence[float], score: str, y_title: str) -> Plot:
    places = tuple(_share(fraction).removesuffix(" of the rows") for fraction in fractions)
    series = [
        series_of(name, places, [_cached(study, method, f) for f in fractions], score, look, dashed=look > 0)
        for look, (method, name) in enumerate(((TT, "trained cores"), (TT_FROZEN, "frozen cores")))
    ]
    return Plot(
        title=f"{y_title} by cache size",
        summary=f"{y_title} over the cached share of each table's rows, for trained and frozen cores; bars reach from "
        "the lowest seed to the highest. The table below has the numbers.",
        x_title="cached rows of each table",
        y_title=y_title,
        series=tuple(each for each in series if each.xs),
        categories=places,
    )


def figure_ten_warmup(study: Study) -> Finding:
    """Counting rows from 2 % to 70 % of the training before the cache is filled."""
    warmups = _numbers(study, WARMUP, TT)
    points = {warmup: _warmed(study, TT, warmup) for warmup in warmups}
    few, some, many = (points.get(warmup) for warmup in (0.1, 0.3, 0.7))
    none = _cached(study, TT, 0.0)
    claims = (
        _takes_longer(
            study,
            "training takes longer with 30 % of warm-up than with 10 %",
            f"+{published.WARMUP_TIME} %",
            some,
            few,
            1,
        ),
        _takes_longer(study, "beyond 30 % of warm-up it takes less time again (70 %)", "falls", many, some, -1),
        small_beside(
            "warm-up hardly moves log-loss (30 % against 10 %)",
            "negligible",
            difference(some, few),
            difference(few, none),
        ),
    )
    rows = [("tt, no cache", none), *((f"tt, warm-up {percent(warmup)}", point) for warmup, point in points.items())]
    rows += [("tt, warm-up 5 %, refreshed every 20 steps", _refreshed(study))]
    rows += [(f"tt-frozen, warm-up {percent(w)}" if w else "tt-frozen, no cache", p) for w, p in _frozen(study)]
    plots = tuple(
        _warmup_plot(study, points, *each)
        for each in (
            (SECONDS, "Training time (s)"),
            (ACCURACY, "Validation accuracy (%)"),
            (LOGLOSS, "Validation log-loss"),
        )
    )
    return Finding(claims, plots, (effects_table("The baseline has no cache", rows, none),))


def _takes_longer(study: Study, name: str, printed: str, point: Point | None, other: Point | None, sign: int) -> Claim:
    is_shared = study.shares_times(point) or study.shares_times(other)
    found = signed(name + ", in seconds", printed, difference(point, other, SECONDS), sign)
    return unknown(found.name, printed, found.rule, SHARED, found.measured) if is_shared else found


def _warmed(study: Study, method: str, warmup: float) -> Point | None:
    """The point that fills its cache once, after so much of the training."""
    fitting = [
        point
        for point in study.where(method=method)
        if _number(point, WARMUP) == warmup and _number(point, FRACTION) and not _number(point, REFRESH)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _refreshed(study: Study) -> Point | None:
    return next((point for point in study.where(method=TT) if _number(point, REFRESH)), None)


def _frozen(study: Study) -> list[tuple[float, Point]]:
    pairs = [(_number(p, WARMUP) if _number(p, FRACTION) else 0.0, p) for p in study.where(method=TT_FROZEN)]
    return sorted(pairs, key=lambda pair: pair[0])


def _warmup_plot(study: Study, points: dict[float, Point | None], score: str, y_title: str) -> Plot:
    places = [100 * warmup for warmup in points]
    frozen = [(100 * warmup, point) for warmup, point in _frozen(study) if warmup]
    series = [series_of("trained cores", places, list(points.values()), score, 0)]
    series.append(series_of("frozen cores", [w for w, _ in frozen], [p for _, p in frozen], score, 1, dashed=True))
    none, factor = _cached(study, TT, 0.0), 100 if score == ACCURACY else 1
    return Plot(
        title=f"{y_title} by warm-up",
        summary=f"{y_title} over the share of training in which rows are counted before the cache is filled; bars "
        "reach from the lowest seed to the highest, a dashed line is training without one. The table has the numbers.",
        x_title="warm-up, % of training",
        y_title=y_title,
        series=tuple(each for each in series if each.xs),
        level=None if none is None else (factor * none.mean(score), "no cache"),
    )
