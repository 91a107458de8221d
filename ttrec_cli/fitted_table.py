"""A table of numbers that are never cut: where the terminal is too narrow, whole columns are left out instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

EDGES, GAP = 2, 2
"""Columns of a terminal that the edges of a table take, and the space between its columns."""
LEAST_WORDS = 16
"""A last column of words is cut to this many characters before other columns are left out."""


@dataclass(frozen=True)
class FittedTable:
    """Rows of texts below `columns`, the first `words` of which are set left, the others right.

    `least` are titles of columns that may be left out where they are there, the least telling first; columns of one
    title go together. With `ends_in_words` the last column is words, too, and may be cut.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    least: tuple[str, ...]
    words: int = 1
    ends_in_words: bool = False

    def fitted(self, width: int) -> tuple[Table, tuple[str, ...]]:
        """The table for a terminal of so many columns, and the titles of what is left out."""
        least = tuple(title for title in self.least if title in self.columns)
        for count in range(len(least) + 1):
            kept = [at for at, title in enumerate(self.columns) if title not in least[:count]]
            if self._width(kept) <= width:
                break
        return self._table(kept), least[:count]

    def _width(self, kept: Sequence[int]) -> int:
        return EDGES + sum(map(self._least_width, kept)) + GAP * (len(kept) - 1)

    def _least_width(self, at: int) -> int:
        widest = max(map(cell_len, (self.columns[at], *(row[at] for row in self.rows))))
        return min(widest, LEAST_WORDS) if self._may_be_cut(at) else widest

    def _may_be_cut(self, at: int) -> bool:
        return self.ends_in_words and at == len(self.columns) - 1

    def _table(self, kept: Sequence[int]) -> Table:
        look: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
        table = Table(title=Text(self.title), title_justify="left", **look)
        for at in kept:
            is_left = at < self.words or self._may_be_cut(at)
            heading, least = Text(self.columns[at]), self._least_width(at)
            table.add_column(heading, justify="left" if is_left else "right", no_wrap=True, min_width=least)
        for row in self.rows:
            table.add_row(*(Text(row[at]) for at in kept))
        return table
