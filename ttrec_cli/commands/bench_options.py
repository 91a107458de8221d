"""The options that benchmarks share, each with its help, and what they come to."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ttrec_cli import console
from ttrec_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ttrec_cli.bench.record import BenchResult
    from ttrec_kernels.shapes import TTShape


HINT_SECONDS = 4.0
COMPILING = "getting ready; compiling kernels, once per installation, takes about a minute"


class Device(StrEnum):
    """Where to run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


Rows = Annotated[int, typer.Option(help="Rows of the table.")]
Dim = Annotated[int, typer.Option(help="Embedding dimension.")]
Rank = Annotated[int, typer.Option(help="Rank of all bonds.")]
RowFactors = Annotated[
    str | None, typer.Option(metavar="P1,P2,…", help="Row factors.", show_default="fewest parameters")
]
DimFactors = Annotated[
    str | None, typer.Option(metavar="Q1,Q2,…", help="Dim factors.", show_default="fewest parameters")
]
Batch = Annotated[int, typer.Option(min=1, max=2**24, help="Bags of a batch.")]
Pooling = Annotated[int, typer.Option(min=1, max=2**16, help="Rows of a bag.")]
Zipf = Annotated[
    float | None,
    typer.Option(metavar="A", help="Popularity falls like rank^-A, ranks scattered at random; else uniform indices."),
]
On = Annotated[Device, typer.Option("--device", help="Where to run.")]
Seconds = Annotated[float, typer.Option(min=0.01, max=3600, help="Time spent on each case.")]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of indices and weights.")]
Parquet = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Also write one row a case, with the machine's facts.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]


def numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    """Whole numbers separated by commas; `ConfigError` names the option."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"{option} takes whole numbers separated by commas, such as 200,220,250, not {text!r}"
        ) from None


def shape_of(rows: int, dim: int, rank: int, row_factors: str | None, dim_factors: str | None) -> "TTShape":
    """The shape asked for: given factors as they are, the smallest for the rest."""
    from ttrec_kernels.shape_search import smallest_shape

    return smallest_shape(
        rows,
        dim,
        rank,
        row_factors=numbers(row_factors, "--row-factors"),
        dim_factors=numbers(dim_factors, "--dim-factors"),
    )


def shape_settings(shape: "TTShape") -> dict[str, Any]:
    """The shape as columns of a result."""
    return {
        "rows": shape.rows,
        "dim": shape.dim,
        "row_factors": list(shape.row_factors),
        "dim_factors": list(shape.dim_factors),
        "ranks": list(shape.ranks),
    }


@contextmanager
def progress(description: str = "timing") -> "Iterator[Callable[[float], None]]":
    """How far a benchmark has come, on stderr; and why nothing is seen of it yet, where that takes long."""
    with console.progress(description, 100, "%") as bar:
        hint = threading.Timer(HINT_SECONDS, bar.line, (COMPILING,))
        hint.daemon = True

        def advance(share: float) -> None:
            hint.cancel()
            bar.advance(100 * share)

        hint.start()
        try:
            yield advance
        finally:
            hint.cancel()


def finish(command: str, result: "BenchResult", shown: Sequence[Any], parquet: Path | None, json: bool) -> None:
    """Write the Parquet file if asked, and show the result."""
    payload = result.payload()
    lines = list(shown)
    if parquet is not None:
        result.write_parquet(parquet)
        payload["parquet"] = str(parquet.resolve())
        lines.append(f"Parquet: {parquet}")
    console.show(console.CommandResult(command, payload, tuple(lines)), json)
