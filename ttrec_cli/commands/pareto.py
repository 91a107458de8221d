"""`ttrec pareto`: the memory–accuracy frontier of finished trials, as a page, a table and one sentence."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ttrec_cli.errors import ConfigError


def pareto(  # noqa: PLR0913, PLR0917 - Typer makes an option of each
    results: Annotated[
        list[Path], typer.Argument(help="Folder of results, every trial below it is read; two folders are compared.")
    ],
    metric: Annotated[
        Literal["accuracy", "logloss", "auc", "ne"] | None,
        typer.Option(
            help="What to weigh against model bytes, on validation.",
            show_default="that of `objectives:` in the sweep file, else accuracy",
        ),
    ] = None,
    third: Annotated[
        Literal["step", "inference"] | None, typer.Option(help="A third objective: time of training or of inference.")
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option(help="Choose the best model of at most this size, such as 50MB.")
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Choose the smallest at most this much worse than uncompressed: points of accuracy, or the metric's "
            "own unit. With several seeds the whole 95 % interval must be.",
        ),
    ] = None,
    min_compression: Annotated[
        float | None, typer.Option(min=1.0, help="Choose the best whose embeddings are so many times smaller.")
    ] = None,
    pick: Annotated[Literal["knee"] | None, typer.Option(help="Choose the frontier's knee.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write the chosen table plan there, as YAML.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page.", show_default="RESULTS/pareto.html")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print all points to stdout as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Show which models are worth having: the frontier of size and quality, as a page, a table and one sentence."""
    from ttrec_cli.commands.pareto_input import Request, asked_metric, check, make_wish
    from ttrec_cli.commands.pareto_report import report

    if csv and json:
        raise ConfigError("--csv and --json both want stdout; choose one of them")
    wish = make_wish(max_bytes, within, min_compression, pick == "knee")
    check(results, export)
    chosen = metric or asked_metric(results)
    report(Request(tuple(results), chosen, third, wish, out or results[0] / "pareto.html", export), csv, json)
