"""`ttrec paper`: the paper's tables and figures measured again, ours beside theirs on one page."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ttrec_cli import console
from ttrec_cli.commands.bench_options import progress
from ttrec_cli.errors import ExitCode

if TYPE_CHECKING:
    from ttrec_cli.paper.catalogue import Item, Scale
    from ttrec_cli.paper.finding import Report
    from ttrec_cli.paper.run import Means
    from ttrec_cli.sweep.run import Summary, Sweep


def paper(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID …|all]", help="Items to run or resume; none: draw the page from what is there."),
    ] = None,
    scale: Annotated[
        Literal["small", "full", "auto"],
        typer.Option(help="Small stand-ins, real data and sizes, or what is possible here."),
    ] = "auto",
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of results and of the page.")] = Path(
        "results/paper"
    ),
    items: Annotated[Path, typer.Option(help="Folder of the items' files.")] = Path("sweeps/paper"),
    device: Annotated[Literal["auto", "cuda", "cpu"], typer.Option(help="Where to train and to measure.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Reproduce tables and figures of the paper; `all` are all of them, `beyond_…` go further and are named apart."""
    from ttrec_cli.paper.catalogue import at_other_scale, chosen, load, names_of
    from ttrec_cli.paper.finding import scale_words
    from ttrec_cli.paper.page import write_page
    from ttrec_cli.paper.run import in_order, report_of, report_of_either, run_item

    known = names_of(items)
    wanted = chosen(ids or (), known)
    cuda = _has_cuda(device)
    every = {name: load(items, name, _scale_of(scale, name in wanted), cuda) for name in known}
    failed = 0
    try:
        running = in_order([every[name] for name in wanted])
        for at, item in enumerate(running, start=1):
            console.say(f"[{at}/{len(running)}] {item.id}, {scale_words(item.scale)}: {item.heading.question}")
            failed += run_item(item, out, _means(device))
    finally:  # also when interrupted: what is done is shown
        reports = [
            report_of(item, out) if name in wanted else report_of_either(item, at_other_scale(items, item), out)
            for name, item in every.items()
        ]
        page = write_page(reports, out / "index.html")
    _say_other_scales(every.values(), reports)
    console.show(_result(reports, page, out, failed), json)


def _scale_of(scale: str, is_run: bool) -> "Scale":
    """What is not run need not be possible here: `full` without the data concerns what is asked for alone."""
    from ttrec_cli.paper.catalogue import Scale

    return Scale(scale) if is_run or scale == Scale.SMALL else Scale.AUTO


def _has_cuda(device: str) -> bool:
    from ttrec_cli.bench.machine import choose_device

    return choose_device(device).type == "cuda"


def _say_other_scales(items: "Iterable[Item]", reports: "Sequence[Report]") -> None:
    """Name what is shown at another scale than it would run at now."""
    for scale in ("small", "full"):
        found = [r.heading.id for item, r in zip(items, reports, strict=True) if item.scale != scale == r.scale]
        if found:
            console.say(f"shown at {scale} scale, the only one that they were run at: {', '.join(found)}")


def _means(device: str) -> "Means":
    from ttrec_cli.paper.run import Means

    return Means(lambda sweep: _train(sweep, device), progress, console.say, device)


def _train(sweep: "Sweep", device: str) -> "Summary":
    from ttrec_cli.commands import sweep_run
    from ttrec_cli.paper.run import STAND_IN
    from ttrec_cli.sweep.run import Redo

    if sweep.dataset.synthetic:
        console.say(STAND_IN)
    return sweep_run.train(sweep, partial(sweep_run.local_or_ray, sweep, device, False, ""), False, Redo())


def _result(reports: "Sequence[Report]", page: Path, out: Path, failed: int) -> console.CommandResult:
    from ttrec_cli.store.provenance import provenance

    table = console.plain_table("Item", "Verdict", "Scale", "Why")
    for column in table.columns[1:]:
        column.justify = "left"
    table.columns[-1].no_wrap = False
    for report in reports:
        word, _ = report.verdict
        scale = f"{report.scale}, SYNTHETIC" if report.warning else report.scale
        table.add_row(report.heading.id, word.value if word else "–", scale, console.one_line(report.told))
    payload = {
        "items": [report.payload() for report in reports],
        "directory": str(out.resolve()),
        "report": str(page),
        "failed": failed,
    }
    code = ExitCode.SOME_TRIALS_FAILED if failed else ExitCode.DONE
    facts = provenance()
    here = f"This machine: {facts['cpu']}; ttrec {facts['ttrec_version']}, commit {facts['git_commit'] or 'unknown'}"
    return console.CommandResult("paper", payload, (table, here, f"Page: {page}"), code)
