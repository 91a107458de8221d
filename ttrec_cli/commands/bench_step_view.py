"""What `ttrec bench step` shows on a terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ttrec_cli.commands.bench_view import time_text
from ttrec_cli.commands.factorize_words import percent, short, size_text

if TYPE_CHECKING:
    from ttrec_cli.bench.record import BenchResult

COLUMNS = ("batch", "tables", "rank", "median ms", "p20 … p80", "samples/s", "of floor", "× dense", "× mlp", "× plain")
PARTS = ("data", "lookups", "mlps", "interaction", "loss", "backward", "optimizer")


def step_tables(result: "BenchResult") -> tuple[Table, Table]:
    """One line a case: times and ratios; then parts and memory."""
    settings = result.settings
    title = (
        f"A training step, {settings['tables']} tables, {settings['rows']:,} rows × {settings['dim']}, made-up samples"
    )
    times = _table(title, COLUMNS)
    parts = _table(
        "The same by part, in ms (fused optimisers count as backward)", ("batch", "tables", *PARTS, "held", "more")
    )
    for case in result.cases:
        place = (case["name"], str(case["batch"]), _whole(case["largest"]))
        times.add_row(*place, _whole(case["rank"]), *_times(case))
        memory = (size_text(case["weight_bytes"]), size_text(case["workspace_bytes"]))
        parts.add_row(*place, *(_optional(case[f"{part}_ms"]) for part in PARTS), *memory)
    return times, parts


def _times(case: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        time_text(case["median_ms"]),
        f"{time_text(case['p20_ms'])} … {time_text(case['p80_ms'])}",
        f"{case['samples_per_second']:,.0f}",
        percent(case["floor_share"]),
        *("" if case[name] is None else short(case[name]) for name in ("over_dense", "over_mlp", "over_plain")),
    )


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("case", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _whole(value: int | None) -> str:
    return "" if value is None else str(value)


def _optional(value: float | None) -> str:
    return "" if value is None else time_text(value)
