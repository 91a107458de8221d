"""`ttrec data prepare`: a raw click log made into a dataset."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ttrec_cli import console
from ttrec_cli.commands.data_facts import facts, sentence

if TYPE_CHECKING:
    from ttrec_cli.data import Progress


def prepare(  # noqa: PLR0913, PLR0917 - an argument per option
    format_: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="auto, criteo-kaggle, criteo-terabyte, or the path of a .yaml file that names the columns of a "
            "Parquet or CSV log: `label`, `dense`, `categorical`.",
        ),
    ],
    path: Annotated[Path, typer.Argument(help="The raw log: a file (plain, .gz or .zst), a folder, or a pattern.")],
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist, or be empty.")],
    order: Annotated[Literal["shuffled", "time"], typer.Option(help="Order of the training rows.")] = "shuffled",
    split: Annotated[
        Literal["day", "random", "column"],
        typer.Option(help="day: the last day is halved into test and validation; random; or by a column of the log."),
    ] = "day",
    held_out: Annotated[float, typer.Option(help="Share of test, and of validation, with --split random.")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the shuffle, random splits and sub-sampling.")] = 0,
    index_range: Annotated[int | None, typer.Option(help="Take categories modulo this first.")] = None,
    min_count: Annotated[int, typer.Option(help="Values that occur less often share one id.")] = 1,
    missing: Annotated[
        Literal["zero", "own-id"], typer.Option(help="A missing category of Criteo's: hex 0, or an id of its own.")
    ] = "zero",
    dense: Annotated[
        Literal["log1p", "log3", "none"], typer.Option(help="Dense features: log(max(x,0)+1), log(max(x,-2)+3), or x.")
    ] = "log1p",
    drop_negatives: Annotated[
        float, typer.Option(help="Share of rows without a click to leave out, in all days; 0.875 in the DLRM script.")
    ] = 0.0,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Leave out malformed lines and count them.")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: one per processor; changes no byte.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset that is at --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Turn a raw click log into a dataset, by default as MLPerf's DLRM script does; run again to resume."""
    from ttrec_cli import data

    choices = data.Choices(
        order=data.Order(order),
        seed=seed,
        split=data.SplitBy(split),
        held_out=held_out,
        index_range=index_range,
        min_count=min_count,
        missing=data.Missing(missing),
        dense=data.DenseTransform(dense),
        drop_negatives=drop_negatives,
        skip_bad_lines=skip_bad_lines,
    )
    log, taken_for = data.open_raw_log(format_, path)
    if format_ == "auto":
        console.say(f"{path} is taken for {taken_for}")
    made = data.prepare(log, out, choices, overwrite=overwrite, threads=threads, stages=_stages)
    skipped = made.choices["skipped_lines"]
    if skipped:
        console.say(f"left out {skipped:,} malformed lines of {skipped + made.choices['rows_read']:,}")
    payload = facts(made) | {"skipped_lines": skipped}
    console.show(console.CommandResult("data prepare", payload, (sentence(made),)), json)


@contextmanager
def _stages(step: str, total: float, done: float) -> Iterator["Progress"]:
    with console.progress(step, total, "values" if step == "numbering" else "rows", done) as bar:
        yield bar.advance
