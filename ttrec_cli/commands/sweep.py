"""`ttrec sweep`: train what a sweep file asks for and is not there yet."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ttrec_cli import console
from ttrec_cli.errors import ExitCode

if TYPE_CHECKING:
    from ttrec_cli.sweep.run import Summary, Sweep


SHOWN_FAILURES = 20


class Device(StrEnum):
    """Where trials train."""

    AUTO = "auto"
    CUDA = "cuda"
    CPU = "cpu"


class Retry(StrEnum):
    """Which finished trials to train again."""

    FAILED = "failed"


class Executors(StrEnum):
    """What trains the trials."""

    LOCAL = "local"
    RAY = "ray"


def sweep(  # noqa: PLR0913, PLR0917 (the options of a command)
    file: Annotated[Path, typer.Argument(help="A sweep file, such as sweeps/quickstart.yaml.")],
    out: Annotated[Path, typer.Option(help="Folder of results; the sweep makes one of its own below.")] = Path(
        "results"
    ),
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.AUTO,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List every trial with exact bytes and predicted time; train nothing.")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="Let --dry-run try a hundred steps of each shape.")
    ] = True,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as train.batch_size=256."),
    ] = None,
    retry: Annotated[Retry | None, typer.Option(help="Train failed trials again.")] = None,
    rerun: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Train the trial of this key again, finished or not.")
    ] = None,
    executor: Annotated[Executors, typer.Option(help="Processes of this machine, or a Ray cluster.")] = Executors.LOCAL,
    address: Annotated[
        str, typer.Option(help="Of the Ray cluster: auto finds one on this machine, empty starts one.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Train DLRM over a grid of ranks, tables compressed and embedding dims; run it again to resume."""
    from ttrec_cli.commands import sweep_dry_run, sweep_run, sweep_view
    from ttrec_cli.config import load_sweep
    from ttrec_cli.sweep import process_group
    from ttrec_cli.sweep.resolved import write_resolved
    from ttrec_cli.sweep.run import Redo, prepare

    if process_group.is_follower():
        process_group.follow(device.value)
        return
    together = process_group.ProcessGroupExecutor(device.value) if process_group.started_by_torchrun() else None
    loaded = load_sweep(file, tuple(overrides or ()), planning=dry_run)
    prepared = prepare(loaded, out)
    for line in (*sweep_view.data_warnings(prepared), *prepared.problems):
        console.say(line)
    if dry_run:
        forecast = sweep_dry_run.forecast_of(prepared, device.value, probe and not loaded.only_planned)
        console.show(sweep_dry_run.dry_run(prepared, forecast), json)
        return
    redo = Redo(failed=retry is not None, keys=tuple(rerun or ()))
    prepared.pending(redo)  # refuses unknown keys before anything is written
    write_resolved(loaded, prepared.directory)
    on_ray = executor == Executors.RAY
    where = partial(sweep_run.local_or_ray, prepared, device.value, on_ray, address)
    summary = sweep_run.train(prepared, where if together is None else lambda: together, on_ray, redo)
    console.show(_finished(prepared, summary), json)


def _finished(sweep: "Sweep", summary: "Summary") -> console.CommandResult:
    directory = sweep.directory
    counts = {"total": summary.total, "ok": summary.ok, "skipped": summary.skipped, "failed": summary.failed}
    for failure in summary.failures[:SHOWN_FAILURES]:
        console.say(f"failed: {failure}")
    if summary.failed:
        more = summary.failed - SHOWN_FAILURES
        if more > 0:
            console.say(f"and {more} more failed; `ttrec status {directory} --json` lists all")
        logs = f"; tracebacks are in {directory / 'logs'}" if (directory / "logs").is_dir() else ""
        console.say(f"mend the cause, then train them again with --retry failed{logs}")
    if summary.left:
        console.say(f"{summary.left} trials are left to train; the same command goes on from here")
    if summary.ok + summary.failed == 0 and summary.skipped == summary.total:
        console.say("nothing to do: all trials are finished")
    text = (
        f"{summary.total} trials: {summary.ok} trained, {summary.skipped} finished before, {summary.failed} failed; "
        f"{summary.seconds:.0f} s; results in {directory}"
    )
    return console.CommandResult(
        "sweep",
        {"trials": counts, "directory": str(directory.resolve()), "seconds": summary.seconds},
        (text, f"Next: ttrec pareto {directory}") if summary.ok + summary.skipped else (text,),
        ExitCode.SOME_TRIALS_FAILED if summary.failed else ExitCode.DONE,
    )
