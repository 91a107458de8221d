"""What `ttrec pareto` does once its options are understood: read, analyse, write the page, show."""

from collections.abc import Sequence
from pathlib import Path

from ttrec_cli import console
from ttrec_cli.commands.pareto_export import export_plan
from ttrec_cli.commands.pareto_input import Loaded, Request, load
from ttrec_cli.commands.pareto_view import csv_of, shown_for_people
from ttrec_cli.pareto import Analysis, Comparison, Cost, Failure, Metric, analyse, compare
from ttrec_cli.report import build_page, comparison_payload, make_payload, write_page
from ttrec_cli.report.curves import curve_reader


def report(request: Request, csv: bool, json: bool) -> None:
    """Write the page, the plan if one is wanted, and show the answer, as CSV or JSON on request."""
    sets = [load(folder) for folder in request.results]
    analyses = [_analysed(loaded, request) for loaded in sets]
    every = [analysis for found in analyses for analysis in found]
    compared = _compared(request, analyses)
    failed, problems = _together(sets)
    page = build_page(
        every,
        failed,
        problems,
        read_curve=curve_reader(*request.results),
        comparison=compared.sentence if compared else "",
        names=_origins(request.results, analyses),
    )
    place = write_page(page, request.page)
    exported = export_plan(every[0], request.export) if request.export else None
    if json:
        payload = make_payload(every, failed, problems, str(place)) | comparison_payload(compared)
        console.show(console.CommandResult("pareto", payload | {"exported": exported}), as_json=True)
        return
    shown = (csv_of(every[0]),) if csv else shown_for_people(every, failed, compared, (place, exported))
    console.show(console.CommandResult("pareto", {}, shown), as_json=False)


def _analysed(loaded: Loaded, request: Request) -> list[Analysis]:
    third = Cost(request.third) if request.third else None
    return [analyse(group, Metric(request.metric), request.wish, third) for group in loaded.groups]


def _compared(request: Request, analyses: Sequence[Sequence[Analysis]]) -> Comparison | None:
    """The newest groups of two folders side by side; `ConfigError` if they are of other data or budgets."""
    if len(analyses) < 2:
        return None
    return compare(analyses[0][0], analyses[1][0], (str(request.results[0]), str(request.results[1])))


def _origins(results: Sequence[Path], analyses: Sequence[Sequence[Analysis]]) -> list[str]:
    """For each section of the page the folder it is from; empty where there is only one."""
    if len(results) == 1:
        return ["" for _ in analyses[0]]
    return [str(folder) for folder, found in zip(results, analyses, strict=True) for _ in found]


def _together(sets: Sequence[Loaded]) -> tuple[list[Failure], list[str]]:
    return [item for one in sets for item in one.failures], [line for one in sets for line in one.problems]
