"""`ttrec data`: click logs made ready to train from, looked at, made up."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ttrec_cli import console
from ttrec_cli.commands.data_facts import facts, sentence
from ttrec_cli.commands.data_prepare import prepare
from ttrec_cli.commands.data_synthesize import synthesize
from ttrec_cli.commands.data_tables import columns_table, settling_table

app = typer.Typer(help="Prepare, describe and synthesize click logs.", no_args_is_help=True)
app.command()(prepare)
app.command()(synthesize)


@app.command()
def describe(
    path: Annotated[Path, typer.Argument(help="Folder of a prepared or synthetic dataset.")],
    dim: Annotated[int, typer.Option(min=1, max=2**16, help="Numbers in a row of the embedding tables.")] = 16,
    html: Annotated[Path | None, typer.Option(help="Also draw skew and access shares on this page.")] = None,
    settling: Annotated[
        bool, typer.Option("--settling", help="Also find how fast the popular values settle, as in Figure 9.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Show each column's size, missing values and skew, over the rows of all splits."""
    from dataclasses import asdict

    from ttrec_cli import data

    log = data.open_click_log(path, verify=True)
    columns = data.describe(log, dim)
    title = f"{log.name}{' (synthetic)' if log.synthetic else ''}"
    table = columns_table(title, columns, dim)
    payload = facts(log) | {"columns": [asdict(column) for column in columns], "dim": dim}
    shown: list[Any] = [sentence(log), table]
    settled = data.settling(log) if settling else ()
    if settling:
        payload |= {"settling": [asdict(column) for column in settled]}
        shown.append(settling_table(settled))
    if html is not None:
        from ttrec_cli.commands.data_page import write_page

        page = write_page(log, settled, html)
        payload |= {"report": str(page)}
        shown.append(f"Page: {page}")
    console.show(console.CommandResult("data describe", payload, tuple(shown)), json)
