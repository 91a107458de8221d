"""`ttrec status`: what a sweep is doing, from another terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ttrec_cli import console

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ttrec_cli.sweep.folders import SweepFolder


def status(
    results: Annotated[Path, typer.Argument(help="A folder of results, running or not.")] = Path("results"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Say how far the sweeps below a folder have come: running trials, time left, failures, the frontier so far."""
    from ttrec_cli.sweep.folders import sweep_folders

    folders = sweep_folders(results)
    for folder in folders:
        for problem in folder.problems:
            console.say(problem)
    payload = {"sweeps": [_record(folder) for folder in folders]}
    shown = tuple(item for folder in folders for item in _shown(folder))
    console.show(console.CommandResult("status", payload, shown), json)


def _record(folder: "SweepFolder") -> dict[str, Any]:
    driver = folder.status.driver.model_dump() if folder.status else None
    running = folder.status if folder.is_running else None
    waiting = folder.total - len(folder.rows) + folder.counts.get("interrupted", 0)
    return {
        "name": folder.config.name if folder.config else folder.directory.name,
        "directory": str(folder.directory.resolve()),
        "running": folder.is_running,
        "driver": driver,
        "trials": {
            "total": folder.total,
            "finished": folder.counts,
            "pending": waiting - (len(running.running) + running.paused if running else 0),
            "paused": running.paused if running else 0,
        },
        "running_trials": [trial.model_dump() for trial in running.running] if running else [],
        "eta_seconds": running.eta_seconds if running else None,
        "updated_at": folder.status.updated_at if folder.status else None,
        "failures": [{name: row[name] for name in ("key", "status", "reason")} for row in folder.failed],
        "objectives": list(folder.objectives),
        "frontier": [
            {"label": p.label, "size_bytes": p.size_bytes, "quality": p.quality, "seeds": p.seeds}
            for p in folder.frontier
        ],
    }


def _shown(folder: "SweepFolder") -> "tuple[RenderableType, ...]":
    from ttrec_cli.commands.sweep_live import frontier_table, running_table

    record = _record(folder)
    trials, status = record["trials"], folder.status
    counts = [f"{count} {name}" for name, count in trials["finished"].items()] + [f"{trials['pending']} pending"]
    counts += [f"{trials['paused']} paused"] if trials["paused"] else []
    left = f", {console.clock(status.eta_seconds)} left" if record["running"] and status and status.eta_seconds else ""
    state = f"running (process {status.driver.pid} on {status.driver.host})" if record["running"] and status else "idle"
    head = f"{record['name']}: {state}; {', '.join(counts)} of {trials['total']} trials{left}"
    parts: list[RenderableType] = [console.one_line(head)]
    if record["running"] and status and status.running:
        rows = [(run.label, run.samples, run.of, run.loss, run.samples_per_second) for run in status.running]
        parts.append(running_table(rows))
    parts += [
        console.one_line(f"{row['status']}  {row['key']}  {row['reason']}"[:300]) for row in record["failures"][:20]
    ]
    if folder.frontier:
        parts.append(frontier_table(folder.frontier, folder.objectives))
    if not record["running"] and (trials["pending"] or record["failures"]):
        parts.append(
            f"Go on: ttrec sweep {folder.directory / 'sweep.yaml'} --out {folder.directory.parent}"
            + (" --retry failed" if record["failures"] else "")
        )
    return tuple(parts)
