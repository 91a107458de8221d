"""Tables of `ttrec data describe`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from ttrec_cli.data import ColumnSummary, Settling

CAPTION = (
    "Shares of the rows of all splits. tail: counts fall like rank to minus this. "
    "new: values of the last day that no day before had."
)


def columns_table(title: str, columns: Sequence["ColumnSummary"], dim: int) -> "Table":
    """One line per column."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), caption=CAPTION)
    for heading in ("column", "ids", "missing", "top 1", "top 10", "top 100", "tail", "new", f"MB at dim {dim}"):
        table.add_column(heading, justify="left" if heading == "column" else "right")
    for column in columns:
        shares = (column.missing_fraction, column.top1_share, column.top10_share, column.top100_share)
        tail = "" if column.tail_exponent is None else f"{column.tail_exponent:.2f}"
        size = f"{column.embedding_bytes / 1e6:,.2f}"
        cells = [*(f"{share:.1%}" for share in shares), tail, f"{column.unseen_last_day:.1%}", size]
        table.add_row(Text(column.name), f"{column.cardinality:,}", *cells)
    return table


def settling_table(settled: Sequence["Settling"]) -> "Table":
    """Share replaced at a few points of training, by time and at random."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Top values replaced in 3 % of training: by time / at random")
    table.add_column("column")
    places = [round(quarter * (len(settled[0].progress) - 1)) for quarter in (0, 0.25, 0.5, 0.75, 1)]
    for place in places:
        table.add_column(f"at {settled[0].progress[place]:.0%}", justify="right")
    for column in settled:
        cells = [f"{column.time_order[place]:.2%} / {column.random_order[place]:.2%}" for place in places]
        table.add_row(Text(f"{column.name}, top {column.top:,}"), *cells)
    return table
