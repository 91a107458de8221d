"""What a person sees of a planned model: a line a table with a bar of its share, totals, and why tables stay dense."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ttrec_cli import console
from ttrec_cli.commands.factorize_budget_view import usage_line
from ttrec_cli.commands.factorize_words import AFTER, BEFORE, bar, inner_text, short, size_text
from ttrec_kernels.shapes import format_factors

MOST_LINES = 40
"""Tables shown one by one; the smallest beyond them are summed up in a line."""

LARGER = "at these ranks a tensor train would be larger"
Record = Mapping[str, Any]


def show_model(records: Sequence[Record], totals: Record, words: str) -> tuple[RenderableType, ...]:
    """The tables by uncompressed size, the totals in words, the cost of use, and reasons; nothing is trained."""
    ordered = sorted(records, key=lambda record: -record["dense_bytes"])
    return (
        _table(ordered[:MOST_LINES]),
        *_rest(ordered[MOST_LINES:]),
        *_totals(totals, words),
        *_reasons(ordered),
        *_flags(ordered),
    )


def _table(records: Sequence[Record]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("\ntable", overflow="ellipsis", max_width=16, no_wrap=True)
    for heading in ("\nrows", "\nrank"):
        table.add_column(heading, justify="right", no_wrap=True)
    widest = max((len(_numbers(record["row_factors"])) for record in records if record["ranks"]), default=0)
    table.add_column("row factors ×\ndim factors", min_width=max(widest + 2, len("row factors ×")))
    for heading in ("before\nsize", "\nshare", "after\nsize", "\nshare"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(f"{BEFORE} before\n{AFTER} after", no_wrap=True)
    longest = max(max(record["share_before"], record["share_after"]) for record in records)
    for record in records:
        cells = (*_cells(record), bar(record["share_before"] / longest, record["share_after"] / longest))
        table.add_row(*(Text(console.one_line(cell)) for cell in cells))
    return table


def _cells(record: Record) -> tuple[str, ...]:
    dense = record["ranks"] is None
    factors = "" if dense else f"{_numbers(record['row_factors'])} × {_numbers(record['dim_factors'])}"
    return (
        record["name"],
        f"{record['rows']:,}",
        "dense" if dense else inner_text(record["ranks"][1:-1]),
        factors,
        size_text(record["dense_bytes"]),
        _share(record["share_before"]),
        size_text(record["bytes"]),
        _share(record["share_after"]),
    )


def _share(fraction: float) -> str:
    return "<1 %" if 0 < fraction < 0.01 else f"{100 * fraction:.0f} %"


def _rest(records: Sequence[Record]) -> list[str]:
    if not records:
        return []
    before, after = (sum(record[key] for record in records) for key in ("dense_bytes", "bytes"))
    return [f"{len(records):,} smaller tables, together {size_text(before)} before, {size_text(after)} after."]


def _totals(totals: Record, words: str) -> list[str]:
    return [
        console.one_line(
            f"▸ {totals['compressed']:,} of {totals['tables']:,} tables compressed, {words}: "
            f"{size_text(totals['bytes'])} ({totals['bytes']:,} bytes) instead of {size_text(totals['dense_bytes'])}, "
            f"{short(totals['compression'])}× smaller; how accurate it is, only training can say."
        ),
        usage_line("A lookup in every table", totals["usage"]),
    ]


def _reasons(records: Sequence[Record]) -> list[str]:
    """Why tables that might have been compressed stay dense, like reasons in one line; numbers are in the JSON."""
    names: dict[str, list[str]] = defaultdict(list)
    for record in records:
        if record["reason"]:
            larger = "larger than dense" in record["reason"]
            names[LARGER if larger else record["reason"]].append(record["name"])
    return [console.one_line(f"Dense {_named(tables)}: {reason}.") for reason, tables in names.items()]


def _flags(records: Sequence[Record]) -> list[str]:
    """Tensor trains that a plan should not have: larger than dense, or with ranks that add nothing."""
    found = (("larger_than_dense", "larger than dense"), ("useless_rank", "a rank that adds nothing to its shape"))
    names = {words: [record["name"] for record in records if record[key]] for key, words in found}
    return [console.one_line(f"! {_named(tables)}: {words}.") for words, tables in names.items() if tables]


def _named(tables: Sequence[str]) -> str:
    """Names of tables, as many as the table above may show."""
    more = len(tables) - MOST_LINES
    return ", ".join(tables[:MOST_LINES]) + (f" and {more:,} more" if more > 0 else "")


def _numbers(numbers: Sequence[int]) -> str:
    return format_factors(tuple(numbers))
