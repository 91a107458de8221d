"""`ttrec doctor`: is this machine ready, and if not, what to do."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ttrec_cli import console
from ttrec_cli.errors import ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from ttrec_cli.commands.doctor_checks import Check


def doctor(
    device: Annotated[
        Literal["auto", "cuda", "cpu"],
        typer.Option(help="What sweeps shall run on; with cuda, a GPU that cannot be used is a failure."),
    ] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Check torch, Numba, the GPU and its compiler, threads, memory and disk: is this machine ready?"""
    from dataclasses import asdict

    from ttrec_cli.commands.doctor_checks import State, all_checks

    checks = all_checks(device)
    ready = all(check.state != State.FAILED for check in checks)
    backend = next(check.found for check in checks if check.name == "backend")
    payload = {"ready": ready, "backend": backend, "checks": [asdict(check) for check in checks]}
    code = ExitCode.DONE if ready else ExitCode.USAGE
    shown = (_table(checks), _sentence(checks, backend, ready))
    console.show(console.CommandResult("doctor", payload, shown, code), json)


def _table(checks: "list[Check]") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("check", "state", "found", "what to do", box=None, pad_edge=False)
    for check in checks:
        table.add_row(check.name, check.state.value, escape(check.found), escape(check.advice))
    return table


def _sentence(checks: "list[Check]", backend: str, ready: bool) -> str:
    from ttrec_cli.commands.doctor_checks import State

    if not ready:
        failed = ", ".join(check.name for check in checks if check.state == State.FAILED)
        return f"Not ready: {failed}."
    return f"Ready: lookups run on the {backend} backend."
