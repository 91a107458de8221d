"""Figure 7: time of a training step over the uncompressed model's, by tables compressed and rank."""

from collections.abc import Mapping, Sequence
from typing import Any

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.findings.lookups import OTHER_MACHINE, spread
from ttrec_cli.paper.measure import records_of
from ttrec_cli.paper.plots import Kind, Plot, Series
from ttrec_cli.paper.verdict import Claim, Spread, faster, unknown
from ttrec_cli.report.record import Column, Table

NAMES = {"kaggle": "Kaggle", "terabyte": "Terabyte"}
Content = Mapping[str, Any]


def figure_seven(content: Content) -> Finding:
    """Step time rises with the tables compressed; how much is another machine's matter."""
    claims, plots, rows = list[Claim](), [], list[tuple[str, ...]]()
    for tables in dict.fromkeys(case["tables"] for case in content["cases"]):
        cases = {(case["largest"], case["rank"]): case for case in records_of(content, tables=tables, name="tt")}
        dense = spread(records_of(content, tables=tables, name="dense")[0])
        times = {place: spread(case) for place, case in cases.items()}
        claims += _claims(tables, dense, times)
        plots.append(_plot(tables, dense, times))
        rows += _rows(tables, dense, times)
    heads = (
        Column("Data"),
        Column("Model"),
        *(Column(t, numeric=True) for t in ("Step", "20th to 80th percentile", "Over uncompressed")),
    )
    return Finding(tuple(claims), tuple(plots), (Table("Time of a training step", heads, tuple(rows)),))


def _claims(tables: str, dense: Spread, times: Mapping[tuple[int, int], Spread]) -> list[Claim]:
    ranks = sorted({rank for _, rank in times})
    few, many = min(largest for largest, _ in times), max(largest for largest, _ in times)
    name = NAMES[tables]
    found = [
        faster(
            f"{name}, rank {rank}: a step with {many} tables takes longer than with {few}",
            f"{published.TABLES_INCREASE[tables]:+} % at the best rank",
            times[few, rank],
            times[many, rank],
            _percent(times[many, rank], times[few, rank]),
        )
        for rank in ranks
    ]
    mean = 100 * (sum(each.median for each in times.values()) / len(times) / dense.median - 1)
    found.append(
        unknown(
            f"{name}: longer than uncompressed on average, in %",
            published.STEP_INCREASE[tables],
            "the same machine",
            OTHER_MACHINE,
            round(mean, 1),
        )
    )
    found.append(
        unknown(
            f"{name}: a step of the uncompressed model, in ms",
            published.STEP_MILLISECONDS[tables],
            "the same machine",
            OTHER_MACHINE,
            round(dense.median, 3),
        )
    )
    return found


def _percent(one: Spread, other: Spread) -> str:
    return f"{100 * (one.median / other.median - 1):+.1f} %".replace("-", "−")


def _plot(tables: str, dense: Spread, times: Mapping[tuple[int, int], Spread]) -> Plot:
    counts, ranks = sorted({largest for largest, _ in times}), sorted({rank for _, rank in times})
    places = tuple(map(str, counts))
    series = [
        _series(f"rank {rank}", places, [times[count, rank] for count in counts], dense, at)
        for at, rank in enumerate(ranks)
    ]
    increase = 1 + published.STEP_INCREASE[tables] / 100
    mean = Series("published mean", places, (increase,) * len(places), kind=Kind.MARKS, published=True)
    return Plot(
        title=f"{NAMES[tables]}: time of a training step over the uncompressed model's",
        summary=f"Time of a training step over the uncompressed model's on {NAMES[tables]}'s tables, by tables "
        f"compressed, for ranks {', '.join(map(str, ranks))}; stars are the published mean. The table has the numbers.",
        x_title="largest tables as tensor trains",
        y_title="time over uncompressed",
        series=(*series, mean),
        categories=places,
        level=(1.0, "uncompressed"),
    )


def _series(name: str, places: tuple[str, ...], times: Sequence[Spread], dense: Spread, look: int) -> Series:
    ratios = [each.over(dense.median) for each in times]
    return Series(
        name,
        places,
        tuple(each.median for each in ratios),
        look,
        lows=tuple(each.low for each in ratios),
        highs=tuple(each.high for each in ratios),
    )


def _rows(tables: str, dense: Spread, times: Mapping[tuple[int, int], Spread]) -> list[tuple[str, ...]]:
    named = [
        ("uncompressed", dense),
        *((f"{n} tables, rank {rank}", each) for (n, rank), each in sorted(times.items())),
    ]
    return [
        (
            NAMES[tables],
            name,
            f"{each.median:.3g} ms",
            f"{each.low:.3g} … {each.high:.3g} ms",
            f"{each.median / dense.median:.3g}×",
        )
        for name, each in named
    ]
