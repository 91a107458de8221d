"""Files that `ttrec factorize` writes: the table plan and the page."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import RenderableType

from ttrec_cli import console
from ttrec_cli.commands.factorize_asked import Asked
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.plan_file import plan_yaml
from ttrec_kernels.table_plan import TablePlan

TO_STDOUT = "-"


def result_with_files(
    asked: Asked, payload: dict[str, object], shown: tuple[RenderableType, ...], plans: Sequence[TablePlan]
) -> console.CommandResult:
    """The result, with the plan and the page written where asked; `--yaml -` prints the plan alone."""
    lines: list[str] = []
    if asked.html is not None:
        from ttrec_cli.commands.factorize_page import page_html

        payload["report"] = str(write_text(asked.html, page_html(asked, plans), "--html"))
        lines.append(f"Page: {payload['report']}")
    if asked.yaml is not None and asked.yaml != TO_STDOUT:
        payload["plan"] = str(write_text(Path(asked.yaml), plan_yaml(plans), "--yaml"))
        lines.append(f"Plan: {payload['plan']}")
    if asked.yaml == TO_STDOUT:
        for line in lines:
            console.say(line)
        return console.CommandResult("factorize", payload, (plan_yaml(plans).rstrip("\n"),))
    return console.CommandResult("factorize", payload, () if asked.json else (*shown, *map(console.one_line, lines)))


def write_text(path: Path, text: str, option: str) -> Path:
    """Write a file, whole or not at all, and return its absolute path."""
    path = path.absolute()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            beside.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot be written: {reason}; try another {option}") from None
    return path
