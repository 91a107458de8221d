"""`ttrec data`: click logs made ready to train from, looked at, made up."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ttrec_cli import console
from ttrec_cli.commands.data_facts import facts, sentence
from ttrec_cli.commands.data_prepare import prepare
from ttrec_cli.commands.data_tables import columns_table, settling_table

app = typer.Typer(help="Prepare, describe and synthesize click logs.", no_args_is_help=True)
app.command()(prepare)

Out = Annotated[Path, typer.Option(help="Folder to write; must not exist, or be empty.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the dataset that is at --out.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]


@app.command()
def describe(
    path: Annotated[Path, typer.Argument(help="Folder of a prepared or synthetic dataset.")],
    dim: Annotated[int, typer.Option(min=1, max=2**16, help="Numbers in a row of the embedding tables.")] = 16,
    html: Annotated[Path | None, typer.Option(help="Also draw skew and access shares on this page.")] = None,
    settling: Annotated[
        bool, typer.Option("--settling", help="Also find how fast the popular values settle, as in Figure 9.")
    ] = False,
    json: Json = False,
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


@app.command()
def synthesize(
    rows: Annotated[int, typer.Option(help="Rows to make.")],
    out: Annotated[Path, typer.Option(help="Folder to write, or with --raw a file; must not exist, or be empty.")],
    like: Annotated[
        Literal["kaggle", "terabyte"], typer.Option(help="The Criteo log whose tables and skew to imitate.")
    ] = "kaggle",
    table_scale: Annotated[
        float, typer.Option(help="Rows of the tables over those of the real ones, above 0 to 1.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of rows and of the click model.")] = 0,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write one file in Criteo's raw layout, to try the whole way in.")
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Make up a click log with Criteo's columns, skew and missing values; clicks come from a known model."""
    from ttrec_cli import data

    spec = data.SyntheticSpec(like=like, rows=rows, table_scale=table_scale, seed=seed)
    if raw:
        with console.progress("making synthetic rows", rows) as bar:
            size = data.synthesize_raw(spec, out, bar.advance)
        payload = {"path": str(out.resolve()), "rows": rows, "bytes": size, "synthetic": True}
        said = (
            f"{rows:,} synthetic rows (made up, not real clicks) in Criteo's raw layout, {size / 1e6:,.1f} MB, in {out}"
        )
        console.show(console.CommandResult("data synthesize", payload, (said,)), json)
        return
    with console.progress("making synthetic data", rows) as bar:
        log = data.synthesize(spec, out, bar.advance, overwrite=overwrite)
    console.show(console.CommandResult("data synthesize", facts(log), (sentence(log),)), json)
