"""What `ttrec bench` shows on a terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ttrec_cli.commands.factorize_words import percent, short, size_text
from ttrec_cli.fitted_table import FittedTable

if TYPE_CHECKING:
    from ttrec_cli.bench.record import BenchResult

COLUMNS = ("median ms", "p20 … p80", "p99", "× {}", "GFLOP/s", "of peak", "GB/s", "of peak", "held", "more in a call")
LEAST = ("p99", "more in a call", "of peak", "held", "GB/s", "GFLOP/s", "p20 … p80")
"""What a narrow terminal does not show, the first first."""


def cases_table(
    title: str, cases: Sequence[Mapping[str, Any]], baseline: str, labels: Sequence[str] = ()
) -> FittedTable:
    """One line a case; `× baseline` is how many times longer it takes than the baseline's same phase."""
    names = ("case", "phase", *(label.replace("_", " ") for label in labels))
    rows = []
    for case in cases:
        others = [other for other in cases if other["name"] == baseline and _alike(case, other, labels)]
        ratio = short(case["median_ms"] / others[0]["median_ms"]) if others else ""
        place = (case["name"], case["phase"], *(_label(case.get(name)) for name in labels))
        rows.append((*place, *_cells(case, ratio)))
    columns = (*names, *(column.format(baseline) for column in COLUMNS))
    return FittedTable(title, columns, tuple(rows), LEAST, words=len(names))


def _alike(case: Mapping[str, Any], other: Mapping[str, Any], labels: Sequence[str]) -> bool:
    return case["phase"] == other["phase"] and all(
        case.get(name) is None or other.get(name) is None or case.get(name) == other.get(name) for name in labels
    )


def _label(value: Any) -> str:
    return "" if value is None else f"{value:g}"


def _cells(case: Mapping[str, Any], ratio: str) -> tuple[str, ...]:
    return (
        time_text(case["median_ms"]),
        f"{time_text(case['p20_ms'])} … {time_text(case['p80_ms'])}",
        time_text(case["p99_ms"]),
        ratio,
        short(case["gflops"]),
        percent(case["compute_share"]),
        short(case["gigabytes_per_second"]),
        percent(case["memory_share"]),
        size_text(case["weight_bytes"]),
        size_text(case["workspace_bytes"]),
    )


def time_text(milliseconds: float) -> str:
    """Milliseconds to three or four figures."""
    return (
        f"{milliseconds:.4f}"
        if milliseconds < 0.1
        else f"{milliseconds:.3f}"
        if milliseconds < 10
        else short(milliseconds)
    )


def machine_line(result: "BenchResult") -> str:
    """Ceilings and machine in one line."""
    machine, ceilings = result.machine, result.ceilings
    threads = "1 thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    where = machine["gpu"] or f"{machine['cpu']}, {threads}"
    return (
        f"Peaks of this run: {ceilings.gflops:,.0f} GFLOP/s in a large fp32 product, "
        f"{ceilings.gigabytes_per_second:.1f} GB/s in a copy. {where}; torch {machine['torch_version']}."
    )
