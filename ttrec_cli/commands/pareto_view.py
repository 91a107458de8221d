"""What `ttrec pareto` shows on a terminal: the frontier as a table and a small plot, the answer, what else to know."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ttrec_cli import console

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from ttrec_cli.pareto import Analysis, Comparison, Failure


def shown_for_people(
    analyses: "Sequence[Analysis]",
    failed: "Sequence[Failure]",
    compared: "Comparison | None",
    places: tuple[Path, str | None],
) -> "tuple[RenderableType, ...]":
    """Tables and lines for stdout; `places` are those of the page and of the exported plan."""
    from ttrec_cli.report.text_plot import text_plot

    page, exported = places
    tables: list[RenderableType] = [_frontier_table(analyses[0]), text_plot(analyses[0])]
    if compared is not None:
        tables.append(console.one_line(compared.sentence))
    lines = [
        *_lines(analyses, len(failed), compared is not None),
        *([f"Plan: {exported}"] if exported else []),
        f"Page: {page}",
    ]
    return tuple(item for item in [*tables, *lines] if item != "")


def csv_of(analysis: "Analysis") -> str:
    """All points of a group as CSV."""
    from ttrec_cli.report.data import csv_text, make_data

    return csv_text(make_data(analysis))


def _frontier_table(analysis: "Analysis") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from ttrec_cli.report.tables import frontier_table

    record = frontier_table(analysis)
    shown = Table(
        title=Text(console.one_line(record.caption)),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    last = record.columns[-1]
    for column in record.columns:
        shown.add_column(column.title, justify="right" if column.numeric else "left", no_wrap=column != last)
    for row in record.rows:
        shown.add_row(*(Text(console.one_line(cell)) for cell in row))
    return shown


def _lines(analyses: "Sequence[Analysis]", failed: int, compared: bool) -> list[str]:
    from ttrec_cli.pareto.sentence import sameness_sentence, training_sentence, unfinished_sentence

    group, metric, answer = analyses[0].group, analyses[0].metric, analyses[0].answer
    lines = [answer.sentence, sameness_sentence(group, metric)]
    if answer.point:
        lines.append(f"Chosen as {answer.rule}.")
    lines += [training_sentence(analyses[0].effects, metric), unfinished_sentence(group)]
    if failed:
        lines.append(f"{failed} {'trial has' if failed == 1 else 'trials have'} no result; the page says why.")
    if len(analyses) > 1 and not compared:
        lines.append(f"Results with other data, budget or seeds are apart, on the page: {len(analyses) - 1} more.")
    return [console.one_line(line) for line in lines if line]
