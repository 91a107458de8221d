"""`ttrec show`: one trial and how to train it again exactly."""

from pathlib import Path
from typing import Annotated

import typer

from ttrec_cli import console
from ttrec_cli.errors import DataError


def show(
    results: Annotated[Path, typer.Argument(help="A folder of results.")],
    key: Annotated[str, typer.Argument(help="A trial's key, or how it starts; `ttrec sweep --dry-run` lists them.")],
    write: Annotated[
        Path | None, typer.Option(help="Write the sweep file, and its table plan, to this folder.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Print a sweep file that trains one trial again exactly, with what it was made with and on as comments."""
    from ttrec_cli.sweep.folders import sweep_folders
    from ttrec_cli.sweep.reproduce import file_stem, find_trial, reproduction

    folder, row = find_trial(sweep_folders(results), key)
    found = reproduction(folder, row, write or Path())
    written = [] if write is None else _write(write, file_stem(row), found.sweep_yaml, found.plan_yaml)
    if write is None and found.plan_yaml is not None:
        console.say("this trial was made from a table plan: --write FOLDER writes it beside the sweep file")
    payload = {
        "key": row["key"],
        "status": row["status"],
        "reason": row["reason"],
        "sweep": found.sweep_yaml,
        "plan": found.plan_yaml,
        "command": found.command,
        "written": [str(path.resolve()) for path in written],
        "row": dict(row),
    }
    again = f"Again, from the folder that sweep ran in: {found.command}"
    shown = (*(f"Written: {path}" for path in written), again) if written else (found.sweep_yaml.rstrip(),)
    console.show(console.CommandResult("show", payload, shown), json)


def _write(folder: Path, name: str, sweep: str, plan: str | None) -> list[Path]:
    texts = {f"{name}.yaml": sweep} | ({f"{name}.plan.yaml": plan} if plan is not None else {})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}; choose another folder with --write") from None
    return [folder / file for file in texts]
