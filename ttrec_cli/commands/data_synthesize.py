"""`ttrec data synthesize`: a click log made up after a real one's shape."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ttrec_cli import console
from ttrec_cli.commands.data_facts import facts, sentence
from ttrec_cli.errors import ConfigError

if TYPE_CHECKING:
    from ttrec_cli.data import LogModel, SyntheticSpec

CRITEO = ("kaggle", "terabyte")
MLPERF = "mlperf"


def synthesize(  # noqa: PLR0913, PLR0917 - an argument per option
    rows: Annotated[int, typer.Option(help="Rows to make.")],
    out: Annotated[Path, typer.Option(help="Folder to write, or with --raw a file; must not exist, or be empty.")],
    like: Annotated[
        str,
        typer.Option(
            metavar="kaggle|terabyte|DATASET",
            help="Whose columns, table sizes, skew and missing values to imitate: Criteo's, or those of a dataset's "
            "folder, which are measured.",
        ),
    ] = "kaggle",
    table_scale: Annotated[
        float, typer.Option(help="Rows of the tables over those of the real ones, above 0 to 1.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of rows and of the click model.")] = 0,
    drift: Annotated[
        float, typer.Option(help="Share of each column's values that change places of popularity every day.")
    ] = 0.0,
    multi_hot: Annotated[
        str | None,
        typer.Option(
            metavar="mlperf|SIZES",
            help="Bags of values: sizes per column, as 3,1,20; mlperf: those of MLPerf v2 for Criteo's 26 columns.",
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write one file in Criteo's raw layout, to try the whole way in.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset that is at --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Make up a click log with a real one's columns, skew and missing values; clicks come from a known model."""
    from ttrec_cli import data

    model = None if like in CRITEO else _measured(like)
    spec = data.SyntheticSpec(
        like=like if model is None else model.name,
        rows=rows,
        table_scale=table_scale,
        seed=seed,
        model=model,
        drift=drift,
        multi_hot=_sizes(multi_hot),
    )
    if raw:
        _write_raw(spec, out, json)
        return
    with console.progress("making synthetic data", rows) as bar:
        log = data.synthesize(spec, out, bar.advance, overwrite=overwrite)
    console.show(console.CommandResult("data synthesize", facts(log), (sentence(log),)), json)


def _write_raw(spec: "SyntheticSpec", out: Path, json: bool) -> None:
    from ttrec_cli import data

    with console.progress("making synthetic rows", spec.rows) as bar:
        size = data.synthesize_raw(spec, out, bar.advance)
    payload = {"path": str(out.resolve()), "rows": spec.rows, "bytes": size, "synthetic": True}
    said = (
        f"{spec.rows:,} synthetic rows (made up, not real clicks) in Criteo's raw layout, "
        f"{size / 1e6:,.1f} MB, in {out}"
    )
    console.show(console.CommandResult("data synthesize", payload, (said,)), json)


def _measured(like: str) -> "LogModel":
    from ttrec_cli import data

    if not Path(like).is_dir():
        raise ConfigError(f"--like must be kaggle, terabyte or the folder of a dataset, is {like!r}")
    return data.measure(data.open_click_log(Path(like)))


def _sizes(text: str | None) -> tuple[int, ...] | None:
    from ttrec_cli.data.synthetic_columns import MLPERF_BAG_SIZES

    if text is None:
        return None
    if text == MLPERF:
        return MLPERF_BAG_SIZES
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise ConfigError(f"--multi-hot must be {MLPERF} or sizes such as 3,1,20, is {text[:60]!r}") from None
