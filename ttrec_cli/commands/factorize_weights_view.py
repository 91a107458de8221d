"""What a person and a script see of a decomposed table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table

from ttrec_cli import console
from ttrec_cli.commands.factorize_view import RECOMMENDED
from ttrec_cli.commands.factorize_words import factors_text, inner_text, percent, short, size_text
from ttrec_kernels.decompose import Decomposition
from ttrec_kernels.error_measure import TableErrors
from ttrec_kernels.rank_errors import RankError
from ttrec_kernels.weighted_fit import FitReport

ITEM_BYTES = 4


def payload(
    weights: str, chosen: Decomposition, others: Sequence[RankError], report: FitReport | None, out: Path | None
) -> dict[str, Any]:
    """The result for scripts; errors are fractions of the table's norm."""
    shape = chosen.shape
    errors = TableErrors(chosen.relative_error_bound, chosen.weighted_error or chosen.relative_error_bound)
    result: dict[str, Any] = {
        "weights": weights,
        "rows": shape.rows,
        "dim": shape.dim,
        "dense_bytes": shape.dense_parameters * ITEM_BYTES,
        "chosen": _record(chosen, errors),
        "ranks": [_record(other.found, other.errors) for other in others],
        "importance": report is not None,
        "refined": None,
        "out": None if out is None else str(out.absolute()),
        "factors": factors_text(shape),
    }
    if report is not None:
        result["refined"] = {
            "relative_error": report.after.plain,
            "weighted_error": report.after.weighted,
            "steps": report.steps,
        }
    return result


def _record(found: Decomposition, errors: TableErrors) -> dict[str, Any]:
    shape = found.shape
    return {
        "row_factors": list(shape.row_factors),
        "dim_factors": list(shape.dim_factors),
        "ranks": list(shape.ranks),
        "parameters": shape.parameters,
        "bytes": shape.parameters * ITEM_BYTES,
        "compression": shape.compression,
        "relative_error": errors.plain,
        "weighted_error": errors.weighted,
    }


def shown(result: Mapping[str, Any]) -> tuple[RenderableType, ...]:
    """The table of ranks and what was done with the chosen one."""
    lines = [_chosen_line(result)]
    if result["refined"] is not None:
        fitted, before = result["refined"], result["chosen"]
        lines.append(
            f"Refined for the rows looked up most: weighted error {percent(before['weighted_error'])} to "
            f"{percent(fitted['weighted_error'])}, plain {percent(before['relative_error'])} to "
            f"{percent(fitted['relative_error'])}."
        )
    if result["out"] is not None:
        lines.append(f"Cores: {result['out']}")
    return (_table(result), *map(console.one_line, lines))


def _table(result: Mapping[str, Any]) -> Table:
    title = (
        f"{result['rows']:,} rows × {result['dim']}: {size_text(result['dense_bytes'])} trained, {result['factors']}"
    )
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    headings = ["rank", "parameters", "size", "times smaller", "error"]
    for heading in [*headings, "weighted error"] if result["importance"] else headings:
        table.add_column(heading, justify="right", no_wrap=True)
    chosen = result["chosen"]
    rows = {tuple(row["ranks"]): row for row in (*result["ranks"], chosen)}
    for ranks, row in sorted(rows.items(), key=lambda item: item[1]["parameters"]):
        is_chosen = ranks == tuple(chosen["ranks"])
        cells = [
            f"{RECOMMENDED} {inner_text(ranks[1:-1])}" if is_chosen else inner_text(ranks[1:-1]),
            f"{row['parameters']:,}",
            size_text(row["bytes"]),
            f"{short(row['compression'])}×",
            percent(row["relative_error"]),
        ]
        cells += [percent(row["weighted_error"])] if result["importance"] else []
        table.add_row(*cells, style="bold green" if is_chosen else None)
    return table


def _chosen_line(result: Mapping[str, Any]) -> str:
    chosen = result["chosen"]
    return (
        f"{RECOMMENDED} Ranks {inner_text(chosen['ranks'][1:-1])} take {size_text(chosen['bytes'])} instead of "
        f"{size_text(result['dense_bytes'])} and miss at most {percent(chosen['relative_error'])} of the table's norm; "
        "what that costs in accuracy, only the model can say."
    )
