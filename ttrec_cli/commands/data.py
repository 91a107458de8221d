"""`ttrec data`: click logs made ready to train from, looked at, made up."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ttrec_cli import console

if TYPE_CHECKING:
    from ttrec_cli.data import ClickLog

app = typer.Typer(help="Prepare, describe and synthesize click logs.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Folder to write; must not exist, or be empty.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the dataset that is at --out.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]


@app.command()
def prepare(
    format_: Annotated[Literal["criteo-kaggle"], typer.Argument(metavar="FORMAT", help="Format: criteo-kaggle.")],
    path: Annotated[Path, typer.Argument(help="The raw log: train.txt, plain or gzipped.")],
    out: Out,
    order: Annotated[Literal["shuffled", "time"], typer.Option(help="Order of the training rows.")] = "shuffled",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the shuffle.")] = 0,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Leave out malformed lines and count them.")
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Turn a raw click log into a dataset: ids, splits, features as MLPerf's DLRM script makes them."""
    from ttrec_cli.data import Order, estimate_lines, prepare_criteo_kaggle

    with console.progress(f"reading {format_}", estimate_lines(path)) as bar:
        log = prepare_criteo_kaggle(
            path,
            out,
            order=Order(order),
            seed=seed,
            skip_bad_lines=skip_bad_lines,
            overwrite=overwrite,
            progress=bar.advance,
        )
    skipped = log.choices["skipped_lines"]
    if skipped:
        console.say(f"left out {skipped:,} malformed lines of {skipped + len(log.label):,}")
    payload = _facts(log) | {"skipped_lines": skipped}
    console.show(console.CommandResult("data prepare", payload, (_sentence(log),)), json)


@app.command()
def describe(
    path: Annotated[Path, typer.Argument(help="Folder of a prepared or synthetic dataset.")], json: Json = False
) -> None:
    """Show each column's size, missing values and skew, over the rows of all splits."""
    from dataclasses import asdict

    from rich.table import Table
    from rich.text import Text

    from ttrec_cli import data

    log = data.open_click_log(path, verify=True)
    columns = data.describe(log)
    title = f"{log.name}{' (synthetic)' if log.synthetic else ''}"
    table = Table(title=Text(title), caption="Shares of the rows of all splits")
    for heading in ("column", "ids", "missing", "top 1", "top 10"):
        table.add_column(heading, justify="left" if heading == "column" else "right")
    for column in columns:
        shares = (column.missing_fraction, column.top1_share, column.top10_share)
        table.add_row(Text(column.name), f"{column.cardinality:,}", *(f"{share:.1%}" for share in shares))
    payload = _facts(log) | {"columns": [asdict(column) for column in columns]}
    console.show(console.CommandResult("data describe", payload, (_sentence(log), table)), json)


@app.command()
def synthesize(
    rows: Annotated[int, typer.Option(help="Rows to make.")],
    out: Out,
    like: Annotated[
        Literal["kaggle", "terabyte"], typer.Option(help="The Criteo log whose tables and skew to imitate.")
    ] = "kaggle",
    table_scale: Annotated[
        float, typer.Option(help="Rows of the tables over those of the real ones, above 0 to 1.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of rows and of the click model.")] = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Make up a click log with Criteo's columns, skew and missing values; clicks come from a known model."""
    from ttrec_cli.data import SyntheticSpec
    from ttrec_cli.data import synthesize as make

    spec = SyntheticSpec(like=like, rows=rows, table_scale=table_scale, seed=seed)
    with console.progress("making synthetic data", rows) as bar:
        log = make(spec, out, bar.advance, overwrite=overwrite)
    console.show(console.CommandResult("data synthesize", _facts(log), (_sentence(log),)), json)


def _facts(log: "ClickLog") -> dict[str, Any]:
    return {
        "path": str(log.path.resolve()),
        "name": log.name,
        "synthetic": log.synthetic,
        "rows": len(log.label),
        "splits": {name: len(rows) for name, rows in log.splits.items()},
        "cardinalities": dict(zip(log.columns, log.cardinalities, strict=True)),
        "click_rate": float(log.label.mean()),
        "fingerprint": log.fingerprint,
    }


def _sentence(log: "ClickLog") -> str:
    splits = ", ".join(f"{len(rows):,} {name}" for name, rows in log.splits.items())
    kind = "synthetic (made up, not real clicks)" if log.synthetic else "real clicks"
    return f"{log.name}, {kind}: {len(log.label):,} rows ({splits}), {sum(log.cardinalities):,} ids, in {log.path}"
