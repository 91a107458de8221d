"""Figures 8, 11 and 12: times and memory of lookups and of training steps of one table."""

import itertools
from collections.abc import Mapping, Sequence
from statistics import geometric_mean
from typing import Any

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.measure import records_of
from ttrec_cli.paper.plots import Plot, Series, percent
from ttrec_cli.paper.verdict import Claim, Spread, Verdict, faster, unknown
from ttrec_cli.pareto.wording import format_bytes
from ttrec_cli.report.record import Column, Table

Content = Mapping[str, Any]
Case = Mapping[str, Any]
OTHER_MACHINE = "another machine: the paper's is a V100"
TT, BAG, REBUILT, CACHED = "tt", "embedding-bag", "reconstruct", "tt-cache"
LOOK = {TT: 0, BAG: 1, REBUILT: 2, CACHED: 0}
NAMES = {
    TT: "tensor train",
    BAG: "EmbeddingBag",
    REBUILT: "rebuilt table (T3nsor's way)",
    CACHED: "tensor train, cached",
}


def spread(case: Case) -> Spread:
    """Milliseconds of a call."""
    return Spread(case["p20_ms"], case["median_ms"], case["p80_ms"])


def figure_eight(content: Content) -> Finding:
    """Rebuilding the table against looking rows up in its tensor train, by rows of the table."""
    rows = sorted({case["rows"] for case in content["cases"]})
    both = {
        n: (ours, theirs)
        for n in rows
        for ours in records_of(content, rows=n, name=TT, phase="forward")
        for theirs in records_of(content, rows=n, name=REBUILT)
    }
    claims = [_faster_on_average(both), *_memory_claims(both)] if both else []
    plots = (
        _by_rows(content, "Time of a call, forward", "milliseconds", "median_ms", ("forward",)),
        _by_rows(content, "Time of a training step", "milliseconds", "median_ms", ("train",)),
        _by_rows(content, "Memory at the peak of a call", "bytes", "peak_bytes", ("forward",)),
    )
    return Finding(tuple(claims), plots, (_rows_table(content),))


def _faster_on_average(both: Mapping[int, tuple[Case, Case]]) -> Claim:
    """The paper gives one number over all table sizes: geometric means of the ratios, at the percentiles' ends."""
    name = "times faster than rebuilding, mean over the table sizes"
    rule = (
        "the geometric mean of the ratios lies above 1, also with the 80th percentiles of ours over the 20th of theirs"
    )
    pairs = {n: (spread(ours), spread(theirs)) for n, (ours, theirs) in both.items()}
    least = geometric_mean([theirs.low / ours.high for ours, theirs in pairs.values()])
    most = geometric_mean([theirs.high / ours.low for ours, theirs in pairs.values()])
    mean = geometric_mean([theirs.median / ours.median for ours, theirs in pairs.values()])
    sizes = ", ".join(f"{theirs.median / ours.median:.3g}× at {n:,}" for n, (ours, theirs) in pairs.items())
    measured = f"{mean:.3g}× ({sizes} rows)"
    published_at = f"{published.KERNEL_SPEEDUP[0]}×"
    if least > 1:
        return Claim(name, published_at, measured, Verdict.AGREES, rule)
    if most < 1:
        return Claim(name, published_at, measured, Verdict.DIFFERS, rule, "slower")
    return unknown(name, published_at, rule, "the times overlap", measured)


def _memory_claims(both: Mapping[int, tuple[Case, Case]]) -> list[Claim]:
    largest = max(both)
    ours, theirs = both[largest]
    ratio = theirs["peak_bytes"] / max(ours["peak_bytes"], 1)
    grows = _is_rising([their["peak_bytes"] / max(our["peak_bytes"], 1) for our, their in both.values()])
    return [
        Claim(
            "memory saved grows with the rows of the table",
            "rows / batch size",
            "; ".join(f"{n:,}: {t['peak_bytes'] / max(o['peak_bytes'], 1):.3g}×" for n, (o, t) in both.items()),
            Verdict.AGREES if grows else Verdict.DIFFERS,
            "peak bytes of rebuilding over those of the tensor train rise from each size to the next",
            "" if grows else "it does not rise",
        ),
        unknown(
            f"{largest:,} rows: times less memory",
            published.KERNEL_MEMORY,
            "the same workload",
            "the paper counts other buffers: weights are not in its ratio",
            f"{ratio:.3g}×",
        ),
    ]


def _is_rising(values: Sequence[float]) -> bool:
    return all(before < after for before, after in itertools.pairwise(values))


def _by_rows(content: Content, title: str, unit: str, column: str, phases: Sequence[str]) -> Plot:
    series = []
    for name, look in LOOK.items():
        cases = [case for phase in phases for case in records_of(content, name=name, phase=phase)]
        cases.sort(key=lambda case: case["rows"])
        if cases:
            xs = tuple(float(case["rows"]) for case in cases)
            bars = ("p20_ms", "p80_ms") if column == "median_ms" else ()
            lows, highs = (tuple(case[bar] for case in cases) for bar in bars) if bars else ((), ())
            series.append(Series(NAMES[name], xs, tuple(case[column] for case in cases), look, lows=lows, highs=highs))
    return Plot(
        title=title,
        summary=f"{title} in {unit} over the rows of the table, both logarithmic, for "
        f"{', '.join(each.name for each in series)}. The table below has the numbers.",
        x_title="rows of the table (logarithmic)",
        y_title=f"{unit} (logarithmic)",
        series=tuple(series),
        x_log=True,
        y_log=True,
    )


def _rows_table(content: Content) -> Table:
    columns = ("Time", "20th to 80th percentile", "Weights", "Peak of a call")
    rows = tuple(
        (
            f"{case['rows']:,}",
            NAMES[case["name"]],
            case["phase"],
            _ms(case["median_ms"]),
            f"{_ms(case['p20_ms'])} … {_ms(case['p80_ms'])}",
            format_bytes(case["weight_bytes"]),
            format_bytes(case["peak_bytes"]),
        )
        for case in content["cases"]
    )
    heads = (Column("Rows", numeric=True), Column("What"), Column("Phase"))
    return Table("Measured", (*heads, *(Column(title, numeric=True) for title in columns)), rows)


def _ms(value: float) -> str:
    return f"{value:.3g} ms" if value >= 0.01 else f"{1000 * value:.3g} µs"


def figure_eleven(content: Content) -> Finding:
    """Time for each row looked up falls with pooling, EmbeddingBag's faster than the tensor train's."""
    poolings = sorted({case["pooling"] for case in content["cases"]})
    lines = {
        name: [_per_row(case) for pooling in poolings for case in records_of(content, pooling=pooling, name=BAG)]
        if name == NAMES[BAG]
        else [_per_row(case) for pooling in poolings for case in records_of(content, pooling=pooling, rank=rank)]
        for name, rank in _lines(content)
    }
    first, last = poolings[0], poolings[-1]
    claims = [
        faster(f"{name}: a row costs less at pooling {last} than at {first}", "falls", times[-1], times[0])
        for name, times in lines.items()
        if len(times) == len(poolings) > 1
    ]
    bag = lines.get(NAMES[BAG], [])
    claims += [_gap_grows(name, times, bag) for name, times in lines.items() if name != NAMES[BAG] and bag]
    return Finding(tuple(claims), (_pooling_plot(lines, poolings),), (_pooling_table(lines, poolings),))


def _lines(content: Content) -> list[tuple[str, int | None]]:
    ranks = sorted({case["rank"] for case in content["cases"] if case["rank"] is not None})
    return [*((f"rank {rank}", rank) for rank in ranks), (NAMES[BAG], None)]


def _per_row(case: Case) -> Spread:
    """Microseconds for each row looked up."""
    return spread(case).over(case["batch"] * case["pooling"] / 1000)


def _gap_grows(name: str, times: Sequence[Spread], bag: Sequence[Spread]) -> Claim:
    """Bounds of the ratio: the highest at the least pooling below the lowest at the greatest."""
    title, rule = (
        f"{name}: EmbeddingBag's lead grows with pooling",
        "the ratio of times at the greatest pooling factor lies above that at the least, at their percentiles' worst",
    )
    start, end = (times[0].high / bag[0].low, times[-1].low / bag[-1].high)
    shown = f"{times[0].median / bag[0].median:.3g}× to {times[-1].median / bag[-1].median:.3g}×"
    if end > start:
        return Claim(title, "grows", shown, Verdict.AGREES, rule)
    if times[-1].high / bag[-1].low < times[0].low / bag[0].high:
        return Claim(title, "grows", shown, Verdict.DIFFERS, rule, f"it shrinks: {shown}")
    return unknown(title, "grows", rule, f"the times overlap: {shown}", shown)


def _pooling_plot(lines: Mapping[str, Sequence[Spread]], poolings: Sequence[int]) -> Plot:
    xs = tuple(float(pooling) for pooling in poolings)
    series = tuple(
        Series(
            name,
            xs,
            tuple(each.median for each in times),
            look,
            lows=tuple(each.low for each in times),
            highs=tuple(each.high for each in times),
        )
        for look, (name, times) in enumerate(lines.items())
        if len(times) == len(poolings)
    )
    return Plot(
        title="Training step of one table, time for each row looked up",
        summary=f"Microseconds for each row looked up over the pooling factor, both logarithmic, for "
        f"{', '.join(each.name for each in series)}. The table below has the numbers.",
        x_title="pooling factor P (logarithmic)",
        y_title="µs a row (logarithmic)",
        series=series,
        x_log=True,
        y_log=True,
    )


def _pooling_table(lines: Mapping[str, Sequence[Spread]], poolings: Sequence[int]) -> Table:
    heads = (Column("What"), *(Column(f"P = {pooling}", numeric=True) for pooling in poolings))
    rows = tuple((name, *(f"{each.median:.3g} µs" for each in times)) for name, times in lines.items())
    return Table("Time for each row looked up", heads, rows)


def figure_twelve(content: Content) -> Finding:
    """At a hit rate of 90 % the cached tensor train overtakes the uncompressed table."""
    rates = sorted({case["hit_rate"] for case in content["cases"]})
    cached = [spread(case) for rate in rates for case in records_of(content, name=CACHED, hit_rate=rate)]
    bags = [spread(case) for rate in rates for case in records_of(content, name=BAG, hit_rate=rate)]
    claims = [_break_even(rates, cached, bags)]
    if len(cached) > 1:
        name = f"a step takes less time at {percent(rates[-1])} of hits than at {percent(rates[0])}"
        claims.append(faster(name, "falls", cached[-1], cached[0]))
    return Finding(tuple(claims), (_rate_plot(rates, cached, bags),), (_rate_table(rates, cached, bags),))


def _break_even(rates: Sequence[float], cached: Sequence[Spread], bags: Sequence[Spread]) -> Claim:
    name = "hit rate from which the cached tensor train is faster"
    rule = (
        "the least measured rate from which on it is faster (80 % of its calls below 80 % of the other's) lies between "
        "80 % and 95 %"
    )
    pairs = sorted(zip(rates, cached, bags, strict=True), reverse=True, key=lambda pair: pair[0])
    first = None
    for rate, ours, other in pairs:
        if ours.high >= other.low:
            break
        first = rate
    if first is None:
        return Claim(name, published.BREAK_EVEN_HIT_RATE, "none", Verdict.DIFFERS, rule, "faster at no hit rate")
    if 0.8 <= first <= 0.95:
        return Claim(name, published.BREAK_EVEN_HIT_RATE, first, Verdict.AGREES, rule)
    why = f"{'sooner' if first < 0.8 else 'later'}: from {percent(first)} on"
    return Claim(name, published.BREAK_EVEN_HIT_RATE, first, Verdict.DIFFERS, rule, why)


def _rate_plot(rates: Sequence[float], cached: Sequence[Spread], bags: Sequence[Spread]) -> Plot:
    def series(name: str, times: Sequence[Spread], look: int) -> Series:
        return Series(
            name,
            tuple(rates),
            tuple(each.median for each in times),
            look,
            lows=tuple(each.low for each in times),
            highs=tuple(each.high for each in times),
        )

    return Plot(
        title="Training step of one table",
        summary="Milliseconds of a training step over the nominal hit rate of the cache, for the tensor train with "
        "cached rows and the uncompressed table on the same batches. The table below has the numbers.",
        x_title="hit rate",
        y_title="milliseconds (logarithmic)",
        series=(
            series(NAMES[CACHED], cached, 0),
            series(NAMES[BAG], bags, 1),
            Series(
                "published crossing", (published.BREAK_EVEN_HIT_RATE,), (_at_crossing(rates, bags),), published=True
            ),
        ),
        y_log=True,
        percent="x",
    )


def _at_crossing(rates: Sequence[float], bags: Sequence[Spread]) -> float:
    nearest = min(range(len(rates)), key=lambda at: abs(rates[at] - published.BREAK_EVEN_HIT_RATE))
    return bags[nearest].median


def _rate_table(rates: Sequence[float], cached: Sequence[Spread], bags: Sequence[Spread]) -> Table:
    heads = (Column("Hit rate", numeric=True), Column(NAMES[CACHED], numeric=True), Column(NAMES[BAG], numeric=True))
    rows = tuple(
        (percent(rate), _ms(ours.median), _ms(other.median), f"{other.median / ours.median:.3g}×")
        for rate, ours, other in zip(rates, cached, bags, strict=True)
    )
    return Table("Time of a step", (*heads, Column("Times faster", numeric=True)), rows)
