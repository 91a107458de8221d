"""Table 1 and Figure 5c: what initial values are worth, of uncompressed tables and of cores."""

from dataclasses import replace

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.findings.study_parts import ACCURACY, accuracy_claim, effects_table, series_of
from ttrec_cli.paper.plots import Kind, Plot, Series
from ttrec_cli.paper.training import Study
from ttrec_cli.paper.trends import LOGLOSS, Interval, difference
from ttrec_cli.paper.verdict import Claim, signed, small_beside
from ttrec_cli.pareto import Point
from ttrec_cli.pareto.points import DENSE, TT, TT_FROZEN

SYMBOLS = {
    "uniform": "Uniform(±1/√n)",
    "normal-1": "N(0, 1)",
    "normal-1/2": "N(0, 1/2)",
    "normal-1/8": "N(0, 1/8)",
    "normal-1/3n": "N(0, 1/3n)",
    "normal-1/9n2": "N(0, 1/9n²)",
}
WIDE = ("normal-1", "normal-1/2", "normal-1/8")
CORES = ("sampled-gaussian", "gaussian", "uniform")
SCALES = {"paper": "Algorithm 3 as published", "calibrated": "calibrated"}


def table_one(study: Study) -> Finding:
    """Wide normal distributions harm, N(0, 1/3n) does not: judged by log-loss, paired by seed."""
    points = {name: _dense_point(study, name) for name in SYMBOLS}
    uniform = points["uniform"]
    gaps = {name: difference(point, uniform) for name, point in points.items()}
    claims = [
        signed(f"{SYMBOLS[name]} has a higher log-loss than Uniform", _printed_gap(name), gaps[name], 1)
        for name in WIDE
    ]
    claims += [
        small_beside(
            "N(0, 1/3n) is as good as Uniform", _printed_gap("normal-1/3n"), gaps["normal-1/3n"], _widest(gaps)
        ),
        signed("N(0, 1/9n²) has a higher log-loss than Uniform", _printed_gap("normal-1/9n2"), gaps["normal-1/9n2"], 1),
        signed(
            "N(0, 1) has a higher log-loss than N(0, 1/8)",
            _points_apart("normal-1", "normal-1/8"),
            difference(points["normal-1"], points["normal-1/8"]),
            1,
        ),
    ]
    claims += [
        accuracy_claim(study, f"{SYMBOLS[name]}: accuracy in %", printed, points[name])
        for name, printed in published.TABLE_ONE.items()
    ]
    rows = [(SYMBOLS[name], point) for name, point in points.items()]
    table = effects_table("Uncompressed models; the baseline is Uniform", rows, uniform)
    return Finding(tuple(claims), (_gaps_plot(points),), (table,))


def _dense_point(study: Study, name: str) -> Point | None:
    setting = None if name == "uniform" else name  # DLRM's own is no setting of a point
    return study.one(method=DENSE, init__dense_distribution=setting)


def _printed_gap(name: str) -> str:
    return _points_apart(name, "uniform")


def _points_apart(name: str, other: str) -> str:
    gap = published.TABLE_ONE[name] - published.TABLE_ONE[other]
    return f"{gap:+.3f} points of accuracy".replace("-", "−")


def _widest(gaps: dict[str, Interval | None]) -> Interval | None:
    found = [gap for name in WIDE if (gap := gaps[name]) is not None]
    return max(found, key=lambda gap: gap.mean, default=None)


def _gaps_plot(points: dict[str, Point | None]) -> Plot:
    """Differences in accuracy to Uniform: these stand on one axis with the printed ones, levels do not."""
    names = [name for name in SYMBOLS if name != "uniform"]
    gaps = {name: difference(points[name], points["uniform"], ACCURACY) for name in names}
    found = {name: gap for name, gap in gaps.items() if gap is not None}
    has_bars = all(gap.low is not None for gap in found.values())
    ours = Series(
        "ours, 95 % interval",
        tuple(SYMBOLS[name] for name in found),
        tuple(100 * gap.mean for gap in found.values()),
        0,
        Kind.MARKS,
        lows=tuple(100 * (gap.low or 0.0) for gap in found.values()) if has_bars else (),
        highs=tuple(100 * (gap.high or 0.0) for gap in found.values()) if has_bars else (),
    )
    printed = tuple(published.TABLE_ONE[name] - published.TABLE_ONE["uniform"] for name in names)
    marks = Series("published", tuple(SYMBOLS[name] for name in names), printed, kind=Kind.MARKS, published=True)
    return Plot(
        title="Accuracy of the uncompressed model, minus that with Uniform(±1/√n)",
        summary="Differences in validation accuracy to the model whose tables start uniform, in points, for five "
        "normal distributions, ours with 95 % intervals and the published ones. The table below has the numbers.",
        x_title="initial distribution of the tables",
        y_title="points of accuracy",
        series=(ours, marks),
        categories=tuple(SYMBOLS[name] for name in names),
        level=(0.0, "Uniform(±1/√n)"),
    )


def figure_five_c(study: Study) -> Finding:
    """Sampled Gaussian against the plain distributions at both scales; an effect counts above frozen cores."""
    claims = [_better(study, other, scale) for scale in SCALES for other in CORES[1:]]
    rows = [
        (f"{distribution}, {SCALES[scale]}, {method}", _core_point(study, method, distribution, scale))
        for scale in SCALES
        for method in (TT, TT_FROZEN)
        for distribution in CORES
    ]
    dense = next(iter(study.where(method=DENSE)), None)
    table = effects_table("The baseline is the uncompressed model", [("uncompressed", dense), *rows], dense)
    plots = (
        _cores_plot(study, ACCURACY, "Validation accuracy (%)", dense),
        _cores_plot(study, LOGLOSS, "Validation log-loss", dense),
    )
    return Finding(tuple(claims), plots, (table,))


def _core_point(study: Study, method: str, distribution: str, scale: str) -> Point | None:
    return study.one(method=method, init__distribution=distribution, init__scale=scale)


def _better(study: Study, other: str, scale: str) -> Claim:
    ours, theirs = _core_point(study, TT, CORES[0], scale), _core_point(study, TT, other, scale)
    return signed(
        f"{SCALES[scale]}: sampled Gaussian has a lower log-loss than {other}",
        "highest accuracy of all",
        difference(ours, theirs),
        -1,
        study.gain_on_frozen([(1, ours), (-1, theirs)], LOGLOSS),
    )


def _cores_plot(study: Study, score: str, y_title: str, dense: Point | None) -> Plot:
    series = []
    for look, (scale, words) in enumerate(SCALES.items()):
        for method in (TT, TT_FROZEN):
            points = [_core_point(study, method, distribution, scale) for distribution in CORES]
            name = words if method == TT else f"{words}, frozen cores"
            found = series_of(name, CORES, points, score, look, dashed=method == TT_FROZEN)
            series.append(replace(found, kind=Kind.MARKS))
    factor = 100 if score == ACCURACY else 1
    return Plot(
        title=f"{y_title}, 7 tables at rank 32",
        summary=f"{y_title} by the initial distribution of cores, at both scales, trained and frozen; bars reach from "
        "the lowest seed to the highest. The table below has the numbers.",
        x_title="initial distribution of the cores",
        y_title=y_title,
        series=tuple(each for each in series if each.xs),
        categories=CORES,
        level=None if dense is None else (factor * dense.mean(score), "uncompressed"),
    )
