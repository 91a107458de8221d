"""`ttrec pareto`: the memory–accuracy frontier of finished trials, as a page, a table and one sentence."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ttrec_cli import console
from ttrec_cli.errors import ConfigError

if TYPE_CHECKING:
    from ttrec_cli.commands.pareto_input import Loaded
    from ttrec_cli.pareto import Analysis, Failure


def pareto(  # noqa: PLR0913, PLR0917 - Typer makes an option of each
    results: Annotated[
        list[Path], typer.Argument(help="Folder of results, every trial below it is read; two folders are compared.")
    ],
    metric: Annotated[
        Literal["accuracy", "logloss", "auc", "ne"],
        typer.Option(help="What to weigh against model bytes, on validation."),
    ] = "accuracy",
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
    from ttrec_cli.commands.pareto_export import export_plan
    from ttrec_cli.commands.pareto_input import check, load, make_wish
    from ttrec_cli.commands.pareto_view import csv_of, shown_for_people
    from ttrec_cli.pareto import Cost, Metric, analyse, compare
    from ttrec_cli.report import build_page, comparison_payload, make_payload, write_page
    from ttrec_cli.report.curves import curve_reader

    if csv and json:
        raise ConfigError("--csv and --json both want stdout; choose one of them")
    wish = make_wish(max_bytes, within, min_compression, pick == "knee")
    check(results, export)
    cost = Cost(third) if third else None
    sets = [load(folder) for folder in results]
    analyses = [[analyse(group, Metric(metric), wish, cost) for group in loaded.groups] for loaded in sets]
    every = [analysis for found in analyses for analysis in found]
    compared = compare(analyses[0][0], analyses[1][0], _names(results)) if len(sets) == 2 else None
    failed, problems = _together(sets)
    page = build_page(
        every,
        failed,
        problems,
        read_curve=curve_reader(*results),
        comparison=compared.sentence if compared else "",
        names=_origins(results, analyses),
    )
    place = write_page(page, out or results[0] / "pareto.html")
    exported = export_plan(every[0], export) if export else None
    if json:
        payload = make_payload(every, failed, problems, str(place)) | comparison_payload(compared)
        console.show(console.CommandResult("pareto", payload | {"exported": exported}), as_json=True)
        return
    shown = (csv_of(every[0]),) if csv else shown_for_people(every, failed, compared, (place, exported))
    console.show(console.CommandResult("pareto", {}, shown), as_json=False)


def _names(results: list[Path]) -> tuple[str, str]:
    return str(results[0]), str(results[1])


def _origins(results: list[Path], analyses: "list[list[Analysis]]") -> list[str]:
    """For each section of the page the folder it is from; empty where there is only one."""
    if len(results) == 1:
        return ["" for _ in analyses[0]]
    return [str(folder) for folder, found in zip(results, analyses, strict=True) for _ in found]


def _together(sets: "list[Loaded]") -> "tuple[list[Failure], list[str]]":
    return [item for one in sets for item in one.failures], [line for one in sets for line in one.problems]
