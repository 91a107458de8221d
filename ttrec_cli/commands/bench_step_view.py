"""What `ttrec bench step` shows on a terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ttrec_cli.commands.bench_view import time_text
from ttrec_cli.commands.factorize_words import percent, short, size_text
from ttrec_cli.fitted_table import FittedTable

if TYPE_CHECKING:
    from ttrec_cli.bench.record import BenchResult

COLUMNS = ("batch", "tables", "rank", "median ms", "p20 … p80", "samples/s", "of floor", "× dense", "× mlp", "× plain")
PARTS = ("data", "lookups", "mlps", "interaction", "loss", "backward", "optimizer")


LEAST_TIMES = ("× mlp", "of floor", "p20 … p80", "samples/s", "× plain")
LEAST_PARTS = ("more", "held", "loss", "data", "interaction", "optimizer", "mlps")
"""What a narrow terminal does not show, the first first."""


def step_tables(result: "BenchResult") -> tuple[FittedTable, FittedTable]:
    """One line a case: times and ratios; then parts and memory."""
    settings = result.settings
    title = (
        f"A training step, {settings['tables']} tables, {settings['rows']:,} rows × {settings['dim']}, made-up samples"
    )
    times, parts = [], []
    for case in result.cases:
        place = (case["name"], str(case["batch"]), _whole(case["largest"]))
        times.append((*place, _whole(case["rank"]), *_times(case)))
        memory = (size_text(case["weight_bytes"]), size_text(case["workspace_bytes"]))
        parts.append((*place, *(_optional(case[f"{part}_ms"]) for part in PARTS), *memory))
    by_part = "The same by part, in ms (fused optimisers count as backward)"
    columns = ("case", "batch", "tables", *PARTS, "held", "more")
    return (
        FittedTable(title, ("case", *COLUMNS), tuple(times), LEAST_TIMES),
        FittedTable(by_part, columns, tuple(parts), LEAST_PARTS),
    )


def _times(case: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        time_text(case["median_ms"]),
        f"{time_text(case['p20_ms'])} … {time_text(case['p80_ms'])}",
        f"{case['samples_per_second']:,.0f}",
        percent(case["floor_share"]),
        *("" if case[name] is None else short(case[name]) for name in ("over_dense", "over_mlp", "over_plain")),
    )


def _whole(value: int | None) -> str:
    return "" if value is None else str(value)


def _optional(value: float | None) -> str:
    return "" if value is None else time_text(value)
