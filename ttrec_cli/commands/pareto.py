"""`ttrec pareto`: the memory–accuracy frontier of finished trials, as a page, a table and one sentence."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ttrec_cli import console
from ttrec_cli.errors import NothingToReportError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

    from ttrec_cli.pareto import Analysis


def pareto(
    results: Annotated[Path, typer.Argument(help="Folder of results; every trial below it is read.")],
    metric: Annotated[
        Literal["accuracy", "logloss", "auc"], typer.Option(help="What to weigh against model bytes, on validation.")
    ] = "accuracy",
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page.", show_default="RESULTS/pareto.html")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Show which models are worth having: the frontier of size and quality, as a page, a table and one sentence."""
    from ttrec_cli.pareto import Metric, analyse, failures, groups
    from ttrec_cli.report import build_page, make_payload, write_page

    frame, problems = _read(results)
    analyses = [analyse(group, Metric(metric)) for group in groups(frame)]
    if not analyses:
        raise NothingToReportError(_why_nothing(results, frame))
    failed = failures(frame)
    page = write_page(build_page(analyses, failed, problems), out or results / "pareto.html")
    shown: tuple[RenderableType, ...] = (_frontier_table(analyses[0]), *_lines(analyses, len(failed)), f"Page: {page}")
    console.show(
        console.CommandResult("pareto", make_payload(analyses, failed, problems, str(page)), shown), as_json=json
    )


def _read(results: Path) -> "tuple[pd.DataFrame, tuple[str, ...]]":
    """All rows below the folder; damaged files are named on stderr and skipped."""
    if not results.is_dir():
        raise NothingToReportError(
            f"{results}: must be a folder of results, but there is none; run `ttrec sweep` first"
        )
    from ttrec_cli.store import read_with_problems

    frame, problems = read_with_problems(results)
    for problem in problems:
        console.say(f"ttrec: skipped {problem}")
    return frame, problems


def _why_nothing(results: Path, frame: "pd.DataFrame") -> str:
    if frame.empty:
        return f"{results}: must hold a finished trial, but has no readable result; run `ttrec sweep` first"
    counts = ", ".join(f"{count} {status}" for status, count in frame["status"].value_counts().items())
    return f"{results}: must hold a finished trial, but has only {counts}; `ttrec sweep --retry failed` runs them again"


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


def _lines(analyses: "list[Analysis]", failed: int) -> list[str]:
    from ttrec_cli.pareto.sentence import training_sentence

    answer = analyses[0].answer
    lines = [answer.sentence]
    if answer.point:
        lines.append(f"Chosen as {answer.rule}.")
    trained = training_sentence(analyses[0].effects, analyses[0].metric)
    if trained:
        lines.append(trained)
    if failed:
        lines.append(f"{failed} {'trial has' if failed == 1 else 'trials have'} no result; the page says why.")
    if len(analyses) > 1:
        lines.append(f"Results with other data, budget or seeds are apart, on the page: {len(analyses) - 1} more.")
    return [console.one_line(line) for line in lines]
