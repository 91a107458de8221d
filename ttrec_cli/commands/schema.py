"""`ttrec schema`: what a sweep file may say, for editors and for people."""

import json as json_text
from typing import Annotated

import typer

from ttrec_cli import console


def schema(
    text: Annotated[bool, typer.Option("--text", help="A page of all keys and axes instead of JSON Schema.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Print the JSON Schema of sweep files; an editor that reads it completes keys and marks mistakes.

    Write it beside your sweep file, `ttrec schema > sweep.schema.json`, and let the file open with
    `# yaml-language-server: $schema=sweep.schema.json`.
    """
    from ttrec_cli.config.schema import schema_text, sweep_schema

    if text:
        console.show(console.CommandResult("schema", {"text": schema_text()}, (schema_text(),)), json)
        return
    found = sweep_schema()
    shown = json_text.dumps(found, indent=2, ensure_ascii=False)
    console.show(console.CommandResult("schema", found, (shown,)), json)
