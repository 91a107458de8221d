"""The Typer app; turns our errors into exit codes; nothing else."""

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from ttrec_cli import __version__, console
from ttrec_cli.commands import bench, data, doctor, factorize, paper, pareto, schema, show, status, sweep
from ttrec_cli.errors import ConfigError, ExitCode, TTRecError

EPILOG = (
    "Exit codes: 0 done; 1 a bug of ours; 2 usage or configuration; 3 finished, but some trials did not "
    "succeed; 4 nothing to report; 130 interrupted."
)
RESUMED = (["sweep"], ["paper"], ["data", "prepare"])
"""Commands that go on from where they were interrupted."""

app = typer.Typer(
    name="ttrec",
    help="Which embedding tables to replace by tensor trains, with which shapes and ranks, "
    "and what it costs in accuracy and time.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(factorize.factorize)
app.command()(sweep.sweep)
app.command()(pareto.pareto)
app.command()(status.status)
app.command()(show.show)
app.command()(paper.paper)
app.command()(schema.schema)
app.command()(doctor.doctor)
app.add_typer(data.app, name="data")
app.add_typer(bench.app, name="bench")


def _show_version(value: bool) -> None:
    if value:
        console.show(console.CommandResult("version", {"version": __version__}, (f"ttrec {__version__}",)), False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options before the verb."""


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """A polite request to end is treated like Ctrl-C."""
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> None:
    """Run `ttrec` and exit with the documented code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    words = [word for word in arguments if not word.startswith("-")]
    command = words[0] if words else ""
    as_json = "--json" in arguments
    try:
        code = app(arguments, standalone_mode=False, prog_name="ttrec")
    except TTRecError as error:
        if "--debug" in arguments:
            raise
        code = console.show_error(error, command, as_json)
    except typer.TyperException as error:
        if not error.format_message():  # no arguments: the help was the answer
            sys.exit(ExitCode.USAGE)
        usage = ConfigError(_with_hint(error.format_message(), command))
        code = console.show_error(usage, command, as_json)
    except (KeyboardInterrupt, typer.Abort):
        code = ExitCode.INTERRUPTED
    if code == ExitCode.INTERRUPTED:
        is_kept = any(words[: len(verbs)] == verbs for verbs in RESUMED)
        kept = "what finished is kept, the same command goes on from there" if is_kept else "nothing is kept"
        console.say(f"ttrec: interrupted; {kept}")
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _with_hint(message: str, command: str) -> str:
    """A usage error and where to read what is possible."""
    verbs = {info.name or getattr(info.callback, "__name__", "") for info in app.registered_commands}
    verbs |= {str(info.name) for info in app.registered_groups}
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} Try: {f'ttrec {command} --help' if command in verbs else 'ttrec --help'}"


if __name__ == "__main__":
    main()
