"""Table 2 and Figure 6: exact parameters and bytes beside the printed ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Erratum, Finding
from ttrec_cli.paper.plots import Kind, Plot, Series
from ttrec_cli.paper.verdict import Claim, Verdict, equal, unknown
from ttrec_cli.pareto.wording import format_bytes
from ttrec_cli.report.record import Column, Table

Content = Mapping[str, Any]
NAMES = {"kaggle": "Kaggle", "terabyte": "Terabyte"}
PRINTED_RANK = 32
ARITHMETIC = "the planner has no such model"


def table_two(content: Content) -> Finding:
    """Parameters must be equal, ratios within 1: the paper cuts off some of them."""
    ours = {
        (table["rows"], model["rank"]): table
        for model in content["models"]
        if model["tables"] == "kaggle"
        for table in model["compressed"]
    }
    wanted = [(rows, at) for rows in published.TABLE_TWO for at in range(len(published.TABLE_TWO_RANKS))]
    pairs = [(published.TABLE_TWO[rows], at, ours.get((rows, published.TABLE_TWO_RANKS[at]))) for rows, at in wanted]
    found = [(row, at, table) for row, at, table in pairs if table is not None]
    same = sum(table["parameters"] == row[1][at] and table["row_factors"] == list(row[0]) for row, at, table in found)
    close = sum(abs(_ratio(table) - row[2][at]) <= 1 for row, at, table in found)
    claims = (
        _count("cells with the printed shape and parameters", same, len(wanted), "equal"),
        _count("cells with the printed ratio", close, len(wanted), "at most 1 apart, as the paper cuts off some"),
        _mean_ratio([_ratio(table) for _, at, table in found if published.TABLE_TWO_RANKS[at] == 32]),
    )
    return Finding(claims, (_ratios_plot(ours),), (_table(ours),))


def _count(name: str, count: int, total: int, rule: str) -> Claim:
    verdict = Verdict.AGREES if count == total else Verdict.DIFFERS
    why = "" if count == total else f"{total - count} of {total} do not"
    return Claim(name, total, count, verdict, rule, why)


def _mean_ratio(ratios: Sequence[float]) -> Claim:
    name = "mean ratio at rank 32"
    if len(ratios) < len(published.TABLE_TWO):
        return unknown(name, published.TABLE_TWO_MEAN, "within 1", ARITHMETIC)
    return equal(name, published.TABLE_TWO_MEAN, round(sum(ratios) / len(ratios), 2), 1)


def _ratio(table: Mapping[str, Any]) -> float:
    return float(table["dense_parameters"] / table["parameters"])


def _ratios_plot(ours: Mapping[tuple[int, int], Mapping[str, Any]]) -> Plot:
    places = tuple(f"{rows:,}" for rows in published.TABLE_TWO)
    series = []
    for look, rank in enumerate(published.TABLE_TWO_RANKS):
        values = tuple(_ratio(ours[rows, rank]) if (rows, rank) in ours else None for rows in published.TABLE_TWO)
        series.append(Series(f"rank {rank}", places, values, look, Kind.LINE))
    printed = [(f"{rows:,}", float(ratio)) for rows, row in published.TABLE_TWO.items() for ratio in row[2]]
    xs, ys = zip(*printed, strict=True)
    series.append(Series("published", xs, ys, 0, Kind.MARKS, published=True))
    return Plot(
        title="How many times fewer parameters",
        summary="Ratio of uncompressed to tensor-train parameters of seven tables at ranks 16, 32 and 64, ours as "
        "lines and the published ones as stars. The table below has the numbers.",
        x_title="rows of the table",
        y_title="times fewer parameters",
        series=tuple(series),
        y_log=True,
        categories=places,
    )


def _table(ours: Mapping[tuple[int, int], Mapping[str, Any]]) -> Table:
    columns = [Column("Rows", numeric=True), Column("Row factors")]
    for rank in published.TABLE_TWO_RANKS:
        columns += [Column(f"Parameters, rank {rank}", numeric=True), Column("Published", numeric=True)]
        columns += [Column("Times fewer", numeric=True), Column("Published", numeric=True)]
    rows = []
    for size, (factors, parameters, ratios) in published.TABLE_TWO.items():
        cells = [f"{size:,}", ",".join(map(str, factors))]
        for at, rank in enumerate(published.TABLE_TWO_RANKS):
            table = ours.get((size, rank))
            cells += [f"{table['parameters']:,}" if table else "–", f"{parameters[at]:,}"]
            cells += [f"{_ratio(table):.1f}" if table else "–", str(ratios[at])]
        rows.append(tuple(cells))
    return Table("Ours beside the published numbers", tuple(columns), tuple(rows))


def figure_six(content: Content) -> Finding:
    """Bytes of all embeddings: how many times smaller, within a unit of the last digit printed."""
    ratios = {
        (model["tables"], model["largest"], model["rank"]): model["dense_bytes"] / model["bytes"]
        for model in content["models"]
    }
    claims = []
    for tables, printed in published.MODEL_SIZE.items():
        for (largest, rank), (value, within) in printed.items():
            name = f"{NAMES[tables]}, {largest} tables, rank {rank}: times smaller"
            ours = ratios.get((tables, largest, rank))
            found = unknown(name, value, "equal up to rounding", ARITHMETIC) if ours is None else None
            claims.append(found or equal(name, value, round(ours or 0, 2), within))
    plots = tuple(_bytes_plot(content, each) for each in NAMES if each in {m["tables"] for m in content["models"]})
    return Finding(tuple(claims), plots, (_ratio_table(ratios),), _seven_tables_erratum(content, ratios))


def _bytes_plot(content: Content, tables: str) -> Plot:
    """As printed: bytes stacked by table, at rank 32, by tables compressed."""
    models = [m for m in content["models"] if m["tables"] == tables and m["rank"] == _drawn_rank(content)]
    places = ("uncompressed", *(f"{model['largest']} tables" for model in models))
    layers = [
        Series(
            layer["name"],
            places,
            (layer["dense_bytes"], *(model["layers"][at]["bytes"] for model in models)),
            at,
            Kind.STACKED,
        )
        for at, layer in enumerate(models[0]["layers"])
    ]
    totals = (models[0]["dense_bytes"], *(model["bytes"] for model in models))
    printed = [published.MODEL_SIZE[tables].get((m["largest"], m["rank"]), (None,))[0] for m in models]
    said = ["", *(f"published {each or 'nothing'}" for each in printed)]
    paper = ["", *("" if each is None else f"\n★ {each:g}×" for each in printed)]
    texts = tuple(f"{format_bytes(b)}\n{totals[0] / b:.2f}×{said}" for b, said in zip(totals, paper, strict=True))
    told = zip(places, totals, said, strict=True)
    words = "; ".join(f"{place}: {format_bytes(each)}, {totals[0] / each:.2f}×, {word}" for place, each, word in told)
    return Plot(
        title=f"{NAMES[tables]}: all embeddings at rank {_drawn_rank(content)}",
        summary=f"Bytes of all embedding tables of {NAMES[tables]}, stacked by table. {words}.",
        x_title="largest tables as tensor trains",
        y_title="bytes",
        series=(
            *layers,
            Series("totals", places, totals, kind=Kind.TEXT, texts=texts),
        ),
        categories=places,
        y_range=(0, 1.3 * totals[0]),
    )


def _drawn_rank(content: Content) -> int:
    """The paper's 32, or the least that there is."""
    ranks = [int(model["rank"]) for model in content["models"]]
    return PRINTED_RANK if PRINTED_RANK in ranks else min(ranks)


def _ratio_table(ratios: Mapping[tuple[str, int, int], float]) -> Table:
    ranks = sorted({rank for _, _, rank in ratios})
    rows = []
    for tables, largest in dict.fromkeys((tables, largest) for tables, largest, _ in ratios):
        printed = published.MODEL_SIZE.get(tables, {})
        cells = [NAMES.get(tables, tables), str(largest)]
        for rank in ranks:
            said = printed.get((largest, rank))
            ours = ratios.get((tables, largest, rank))
            cells.append("–" if ours is None else f"{ours:.2f}" + (f" (published {said[0]:g})" if said else ""))
        rows.append(tuple(cells))
    columns = (
        Column("Data"),
        Column("Tables", numeric=True),
        *(Column(f"Rank {rank}", numeric=True) for rank in ranks),
    )
    return Table("All embeddings: how many times smaller", columns, tuple(rows))


def _seven_tables_erratum(content: Content, ratios: Mapping[tuple[str, int, int], float]) -> tuple[Erratum, ...]:
    ours = ratios.get(("kaggle", 7, 32))
    if ours is None:
        return ()
    model = next(m for m in content["models"] if (m["tables"], m["largest"], m["rank"]) == ("kaggle", 7, 32))
    return (
        Erratum(
            "§6.1",
            "112× for Kaggle with 7 tables at rank 32",
            "117×, as in the abstract; 112× is Terabyte's at rank 8",
            f"{ours:.2f}×: {format_bytes(model['dense_bytes'], 4)} become {format_bytes(model['bytes'], 4)}; Terabyte "
            f"at rank 8: {ratios.get(('terabyte', 7, 8), float('nan')):.2f}×",
        ),
    )
