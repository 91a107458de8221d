"""Figures 1, 5a and 5b: the design space; log-loss and accuracy by rank and tables compressed."""

from collections.abc import Sequence
from dataclasses import replace

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.findings.study_parts import ACCURACY, MADE_UP, accuracy_claim, effects_table, series_of
from ttrec_cli.paper.plots import Kind, Plot, Series
from ttrec_cli.paper.training import Study
from ttrec_cli.paper.trends import LOGLOSS, difference
from ttrec_cli.paper.verdict import Claim, Verdict, as_control, signed, unknown
from ttrec_cli.pareto import Analysis, Metric, Point, analyse
from ttrec_cli.pareto.points import DENSE, TT, TT_FROZEN
from ttrec_cli.report.picture import make_picture
from ttrec_cli.report.record import Table


def figure_one(study: Study) -> Finding:
    """The memory–accuracy plane; what lies on the frontier, by log-loss, since accuracy hardly moves on few samples."""
    analysis = analyse(study.groups[0], Metric.LOGLOSS)
    dim = min(point.dim for point in study.points)
    tables = max(study.values("tables", method=TT, dim=dim))
    claims = (
        _falls_with_rank(study, tables, dim),
        _optimal_settings_vary(analysis),
        _training_counts(study, tables, dim),
    )
    return Finding(claims, pictures=(make_picture(analyse(study.groups[0], Metric.ACCURACY)), make_picture(analysis)))


def _optimal_settings_vary(analysis: Analysis) -> Claim:
    points = [each.point for each in analysis.frontier if each.point.method == TT]
    values = {
        "ranks": sorted({point.rank for point in points if point.rank is not None}),
        "dims": sorted({point.dim for point in points}),
        "tables": sorted({point.tables for point in points}),
    }
    shown = "; ".join(f"{name} {', '.join(map(str, found))}" for name, found in values.items())
    varied = all(len(found) > 1 for found in values.values())
    return Claim(
        "the best settings vary with the memory there is",
        "ranks, dims and tables vary along the frontier",
        shown,
        Verdict.AGREES if varied else Verdict.DIFFERS,
        "tensor trains on the frontier (log-loss) have at least two ranks, two dims and two numbers of tables",
        "" if varied else shown,
    )


def _training_counts(study: Study, tables: int, dim: int) -> Claim:
    rank = max(study.values("rank", method=TT_FROZEN, tables=tables, dim=dim), default=None)
    trained, frozen = (study.one(method=method, tables=tables, dim=dim, rank=rank) for method in (TT, TT_FROZEN))
    name = f"training the cores lowers log-loss ({tables} tables, rank {rank})"
    return as_control(signed(name, None, difference(trained, frozen), -1))


def _falls_with_rank(study: Study, tables: int, dim: int) -> Claim:
    ranks = study.values("rank", method=TT, tables=tables, dim=dim)
    low, high = (study.one(method=TT, tables=tables, dim=dim, rank=rank) for rank in (ranks[0], ranks[-1]))
    return signed(
        f"{tables} tables: log-loss falls from rank {ranks[0]} to {ranks[-1]}",
        "falls",
        difference(high, low),
        -1,
        study.gain_on_frozen([(1, high), (-1, low)], LOGLOSS),
    )


def figure_five_a(study: Study) -> Finding:
    """Kaggle: log-loss falls with rank, more tables cost accuracy, and which rank is best."""
    dim, tables = _only_dim(study), study.values("tables", method=TT)
    claims = [_falls_with_rank(study, count, dim) for count in reversed(tables)]
    claims.append(_costs(study, tables, dim))
    claims += [_best_rank(study, count, dim) for count in tables if count in published.BEST_RANK]
    claims.append(_accuracy_lost(study, tables, dim))
    return Finding(tuple(claims), _plots(study, dim), (_table(study, dim),))


def figure_five_b(study: Study) -> Finding:
    """Terabyte: tensor trains beat the uncompressed model there; and the trend with rank."""
    dim, tables = _only_dim(study), study.values("tables", method=TT)
    dense = study.dense(dim)
    best = {count: _best(study, count, dim) for count in tables}
    claims = [
        signed(
            f"{count} tables at the best rank: lower log-loss than uncompressed",
            f"+{published.TERABYTE_ACCURACY[count] - published.TERABYTE_ACCURACY[0]:.3f} points of accuracy",
            difference(best[count], dense),
            -1,
        )
        for count in tables
        if count in published.TERABYTE_ACCURACY
    ]
    claims += [_falls_with_rank(study, count, dim) for count in reversed(tables)]
    claims.append(_costs(study, tables, dim))
    for count, printed in published.TERABYTE_ACCURACY.items():
        name = "uncompressed: accuracy in %" if count == 0 else f"{count} tables, best rank: accuracy in %"
        claims.append(accuracy_claim(study, name, printed, dense if count == 0 else best.get(count)))
    plots = _plots(study, dim)
    if not study.synthetic:  # levels stand on one axis on the same data alone
        plots = (_with_published(plots[0]), *plots[1:])
    return Finding(tuple(claims), plots, (_table(study, dim),))


def _with_published(plot: Plot) -> Plot:
    printed = {str(count): value for count, value in published.TERABYTE_ACCURACY.items() if count}
    marks = Series("published", tuple(printed), tuple(printed.values()), kind=Kind.MARKS, published=True)
    return replace(plot, series=(*plot.series, marks))


def _only_dim(study: Study) -> int:
    return min(point.dim for point in study.points)


def _points(study: Study, count: int, dim: int, method: str = TT) -> list[Point]:
    found = study.where(method=method, tables=count, dim=dim)
    return sorted(found, key=lambda point: point.rank or 0)


def _best(study: Study, count: int, dim: int) -> Point | None:
    return min(_points(study, count, dim), key=lambda point: point.mean(LOGLOSS), default=None)


def _costs(study: Study, tables: Sequence[int], dim: int) -> Claim:
    few, many = _best(study, tables[0], dim), _best(study, tables[-1], dim)
    name = f"{tables[-1]} tables have a higher log-loss than {tables[0]}, each at its best rank"
    return signed(name, "accuracy falls with the tables compressed", difference(many, few), 1)


def _best_rank(study: Study, count: int, dim: int) -> Claim:
    """The rank with the least mean log-loss; another one differs only if its lead on the published one is clear."""
    name, printed = f"best rank with {count} tables", published.BEST_RANK[count]
    rule = "least mean log-loss; another rank counts only if its paired 95 % interval to the published one excludes 0"
    best = _best(study, count, dim)
    theirs = study.one(method=TT, tables=count, dim=dim, rank=printed)
    if best is None or theirs is None:
        return unknown(name, printed, rule, "trials are missing")
    if best.rank == printed:
        return Claim(name, printed, best.rank, Verdict.AGREES, rule)
    lead = difference(best, theirs)
    if lead is not None and lead.side < 0:
        return Claim(name, printed, best.rank, Verdict.DIFFERS, rule, f"rank {best.rank} leads by {lead} in log-loss")
    return unknown(name, printed, rule, f"rank {best.rank} leads, but not clearly: {lead}", best.rank)


def _accuracy_lost(study: Study, tables: Sequence[int], dim: int) -> Claim:
    name, rule = (
        "accuracy lost at the best rank, in points",
        "on the same data, within 0.03 … 0.3 for 3, 5 and 7 tables",
    )
    low, high = published.ACCURACY_LOSS
    dense = study.dense(dim)
    gaps = [difference(dense, _best(study, count, dim), ACCURACY) for count in tables]
    values = [100 * gap.mean for gap in gaps if gap is not None]
    shown = ", ".join(f"{value:+.2f}".replace("-", "−") for value in values)
    printed = f"{low} … {high}"
    if study.synthetic:
        return unknown(name, printed, rule, MADE_UP, shown)
    inside = all(low - 0.005 <= value <= high + 0.005 for value in values)
    return Claim(name, printed, shown, Verdict.AGREES if inside else Verdict.DIFFERS, rule, "" if inside else shown)


def _plots(study: Study, dim: int) -> tuple[Plot, ...]:
    return (
        _by_tables(study, dim, ACCURACY, "Validation accuracy (%)"),
        _by_tables(study, dim, LOGLOSS, "Validation log-loss"),
        _by_rank(study, dim),
    )


def _by_tables(study: Study, dim: int, score: str, y_title: str) -> Plot:
    """As printed: tables compressed along the axis, a series for each rank."""
    tables, ranks = study.values("tables", method=TT), study.values("rank", method=TT)
    places = tuple(map(str, tables))
    series = [
        series_of(
            f"rank {rank}",
            places,
            [study.one(method=TT, tables=count, dim=dim, rank=rank) for count in tables],
            score,
            look,
        )
        for look, rank in enumerate(ranks)
    ]
    return _plot(
        f"{y_title} by tables compressed", "largest tables as tensor trains", y_title, series, places, study, dim, score
    )


def _by_rank(study: Study, dim: int) -> Plot:
    """Trained cores beside frozen ones, which an effect must beat."""
    tables, ranks = study.values("tables", method=TT), study.values("rank", method=TT)
    places = tuple(map(str, ranks))
    series = [
        series_of(
            f"{count} tables" + (", frozen" if method == TT_FROZEN else ""),
            places,
            [study.one(method=method, tables=count, dim=dim, rank=rank) for rank in ranks],
            LOGLOSS,
            look,
            dashed=method == TT_FROZEN,
        )
        for look, count in enumerate(tables)
        for method in (TT, TT_FROZEN)
    ]
    y_title = "Validation log-loss"
    return _plot(f"{y_title} by rank, frozen cores beside", "rank", y_title, series, places, study, dim, LOGLOSS)


def _plot(
    title: str,
    x_title: str,
    y_title: str,
    series: Sequence[Series],
    places: tuple[str, ...],
    study: Study,
    dim: int,
    score: str,
) -> Plot:
    shown = tuple(each for each in series if each.xs)
    dense, factor = study.dense(dim), 100 if score == ACCURACY else 1
    return Plot(
        title=title,
        summary=f"{title}: {', '.join(each.name for each in shown)}; bars reach from the lowest seed to the highest, "
        "a dashed line is the uncompressed model. The table below has the numbers.",
        x_title=x_title,
        y_title=y_title,
        series=shown,
        categories=places,
        level=None if dense is None else (factor * dense.mean(score), "uncompressed"),
    )


def _table(study: Study, dim: int) -> Table:
    points = sorted(study.points, key=lambda p: (p.method != DENSE, p.method, p.tables, p.rank or 0))
    rows = [
        ("uncompressed" if p.method == DENSE else f"{p.method}, {p.tables} tables, rank {p.rank}", p) for p in points
    ]
    return effects_table("The baseline is the uncompressed model", rows, study.dense(dim))
