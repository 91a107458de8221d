"""The page's tables: every point, trained against frozen, failed trials."""

from collections.abc import Sequence
from math import isfinite

from ttrec_cli.pareto import Analysis, AssessedPoint, Cost, Difference, Failure, Metric, Point, TrainingEffect
from ttrec_cli.pareto.settings import flat_settings, split_settings
from ttrec_cli.pareto.wording import (
    NOTHING,
    format_bytes,
    format_factor,
    format_gap,
    format_interval,
    format_value,
    significant,
    unit_of_gap,
)
from ttrec_cli.report.record import Column, Table

ON_FRONTIER = "on frontier"
"""Marks a row in text; bold alone would be lost to a screen reader."""

MOST_FAILURES = 500
MOST_WIDE_ROWS = 5000

SHOWN = tuple(metric for metric in Metric if metric != Metric.NE)


def points_table(analysis: Analysis) -> Table:
    """Every point of a group with its numbers, smallest model first."""
    _, varying = split_settings(analysis.group.points)
    return Table(
        caption=f"All {len(analysis.points)} points, smallest model first",
        columns=(Column("Place", key="on_frontier"), *_configuration_columns(varying), *_score_columns(analysis)),
        rows=tuple(_cells(assessed, analysis, varying) for assessed in analysis.points),
        strong=frozenset(at for at, assessed in enumerate(analysis.points) if assessed.on_frontier),
    )


def frontier_table(analysis: Analysis) -> Table:
    """The frontier in few columns, narrow enough for a terminal."""
    group, metric = analysis.group, analysis.metric
    _, varying = split_settings(group.points)
    kind = "SYNTHETIC STAND-IN DATA" if group.stand_in else "SYNTHETIC DATA" if group.synthetic else group.dataset
    seeds = "single seed" if len(group.seeds) == 1 else f"means of {len(group.seeds)} seeds"
    titles = ("Model", "Smaller", _title(metric.label), "To uncompressed")
    return Table(
        caption=f"Frontier: {len(analysis.frontier)} of {len(analysis.points)} points, {seeds}, {kind}",
        columns=(*_configuration_columns(varying), *(Column(title, numeric=True) for title in titles)),
        rows=tuple(
            (
                *_configuration(assessed.point, varying),
                format_bytes(assessed.point.model_bytes),
                format_factor(assessed.point.model_compression),
                format_value(assessed.point.mean(metric.validation), metric),
                _gap(assessed.to_baseline, metric),
            )
            for assessed in analysis.frontier
        ),
    )


def effects_table(analysis: Analysis) -> Table | None:
    """What training the cores gained over leaving them as drawn; None without `tt-frozen` points."""
    if not analysis.effects:
        return None
    _, varying = split_settings(analysis.group.points)
    gains = tuple(Column(f"{_title(unit_of_gap(metric))} (95 % interval)", numeric=True) for metric in SHOWN)
    return Table(
        caption="Trained cores (tt) minus frozen cores (tt-frozen) at the same plan, on the same seeds",
        columns=(*_configuration_columns(varying), *gains, Column("Training the cores helps"), Column("Seeds")),
        rows=tuple(_effect_cells(effect, varying) for effect in analysis.effects),
    )


def failures_table(failures: Sequence[Failure]) -> Table | None:
    """The trials that did not succeed, with reasons; None if all did."""
    if not failures:
        return None
    cut = f"; here are {MOST_FAILURES}, `ttrec pareto --json` lists all" if len(failures) > MOST_FAILURES else ""
    shape = tuple(Column(title, numeric=True) for title in ("Rank", "Tables", "Dim", "Seed"))
    return Table(
        caption=f"{len(failures)} {'trial' if len(failures) == 1 else 'trials'} without a result{cut}",
        columns=(Column("Sweep"), Column("Method"), *shape, Column("Status"), Column("Reason")),
        rows=tuple(
            (f.sweep, f.method, _rank(f.rank), str(f.tables), str(f.dim), str(f.seed), f.status, f.reason)
            for f in failures[:MOST_FAILURES]
        ),
    )


def format_seconds(seconds: float) -> str:
    """A duration in the unit that suits it: 4.21 s, 12.0 min, 3.40 h."""
    if not isfinite(seconds):
        return NOTHING
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{significant(seconds / size)} {unit}"
    return f"{significant(seconds)} s"


def format_chance(probability: float | None) -> str:
    """A probability in percent; none is certain with a handful of seeds."""
    if probability is None:
        return NOTHING
    percent = round(100 * probability)
    return "< 1 %" if percent < 1 else "> 99 %" if percent > 99 else f"{percent} %"


def format_seeds(point: Point, wanted: Sequence[int]) -> str:
    """The seeds of a point, and of how many where some are missing."""
    listed = ", ".join(str(seed) for seed in point.seeds)
    return listed if len(point.seeds) == len(wanted) else f"{listed} ({len(point.seeds)} of {len(wanted)})"


def _configuration_columns(varying: Sequence[str]) -> tuple[Column, ...]:
    numbers = (Column(title, numeric=True, key=title.lower()) for title in ("Rank", "Tables", "Dim"))
    return (Column("Method", key="method"), *(Column(name, key=name) for name in varying), *numbers)


def _configuration(point: Point, varying: Sequence[str]) -> tuple[str, ...]:
    settings = flat_settings(point.settings)
    values = (settings.get(name, NOTHING) for name in varying)
    return (point.method, *values, _rank(point.rank), str(point.tables), str(point.dim))


def _score_columns(analysis: Analysis) -> tuple[Column, ...]:
    metric = analysis.metric
    titles = {
        "Model": "model_bytes",
        f"Validation {metric.label}": metric.validation,
        f"{_title(unit_of_gap(metric))} to uncompressed (95 % interval)": "difference",
        **({"Chance to be on the frontier": "frontier_probability"} if _has_chances(analysis) else {}),
        "Embeddings": "embedding_bytes",
        "Compression of embeddings": "compression",
        **{f"Validation {other.label}": other.validation for other in _others(analysis)},
        **{f"Test {other.label}": other.test for other in (metric, *_others(analysis))},
        "Training time": "train_seconds",
        **({_title(Cost.INFERENCE.label): Cost.INFERENCE.score} if analysis.third == Cost.INFERENCE else {}),
        "Seeds": "seeds",
    }
    return tuple(Column(title, numeric=True, key=key) for title, key in titles.items())


def _cells(assessed: AssessedPoint, analysis: Analysis, varying: Sequence[str]) -> tuple[str, ...]:
    point, metric = assessed.point, analysis.metric
    return (
        _place(assessed),
        *_configuration(point, varying),
        format_bytes(point.model_bytes),
        format_value(point.mean(metric.validation), metric),
        _gap(assessed.to_baseline, metric),
        *((format_chance(assessed.probability),) if _has_chances(analysis) else ()),
        format_bytes(point.embedding_bytes),
        format_factor(point.compression),
        *(format_value(point.mean(other.validation), other) for other in _others(analysis)),
        *(format_value(point.mean(other.test), other) for other in (metric, *_others(analysis))),
        format_seconds(point.mean("train_seconds")),
        *((format_seconds(point.mean(Cost.INFERENCE.score)),) if analysis.third == Cost.INFERENCE else ()),
        format_seeds(point, analysis.group.seeds),
    )


def _place(assessed: AssessedPoint) -> str:
    if not assessed.complete:
        return "unfinished"
    return ON_FRONTIER if assessed.on_frontier else "tied with it" if assessed.is_tied else ""


def _others(analysis: Analysis) -> tuple[Metric, ...]:
    """The metrics beside the chosen one, as far as there is room for them; the data to download has them all."""
    return analysis.metric.others if len(analysis.points) <= MOST_WIDE_ROWS else ()


def _has_chances(analysis: Analysis) -> bool:
    return len(analysis.group.seeds) > 1


def _gap(gap: Difference | None, metric: Metric) -> str:
    if gap is None:
        return NOTHING
    interval = f" ({format_interval(gap, metric)})" if gap.has_interval else ""
    return format_gap(gap.mean, metric) + interval


def _effect_cells(effect: TrainingEffect, varying: Sequence[str]) -> tuple[str, ...]:
    point = effect.trained
    gains = (_gap(effect.differences.get(metric), metric) for metric in SHOWN)
    seeds = ", ".join(str(seed) for seed in point.seeds if seed in effect.frozen.seeds)
    return (*_configuration(point, varying), *gains, _helps(effect), seeds)


def _helps(effect: TrainingEffect) -> str:
    """In which metrics the interval leaves no doubt that training helped, or harmed."""
    gaps = [(metric, effect.differences[metric]) for metric in SHOWN if metric in effect.differences]
    if not any(gap.has_interval for _, gap in gaps):
        return "single seed: cannot say"
    better = [metric.label for metric, gap in gaps if gap.is_clear and metric.cost(gap.mean) < 0]
    worse = [metric.label for metric, gap in gaps if gap.is_clear and metric.cost(gap.mean) > 0]
    said = [f"yes: {', '.join(better)}"] if better else []
    said += [f"no, worse: {', '.join(worse)}"] if worse else []
    return "; ".join(said) or "within the noise"


def _title(text: str) -> str:
    return text[0].upper() + text[1:]


def _rank(rank: int | None) -> str:
    return NOTHING if rank is None else str(rank)
