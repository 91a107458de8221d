"""What the page says, as plain frozen data: no HTML, no colours, nothing escaped yet."""

from dataclasses import dataclass

from ttrec_cli.pareto import Metric


@dataclass(frozen=True)
class Mark:
    """One point of the picture. `value` is in the metric's unit on the axis (accuracy: percent).

    `low` and `high` are the worst and best seed, equal to `value` with a single one. `rank` is None when dense.
    `facts` are the labelled lines of its hover text.
    """

    method: str
    rank: int | None
    tables: int
    dim: int
    model_bytes: int
    value: float
    low: float
    high: float
    on_frontier: bool
    name: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Picture:
    """Figure 1 of the paper for one group: quality over model bytes.

    `ranks`, `dims` and `tables` are the values that occur, rising: their order gives hue, symbol and shade.
    `answer` is the index of the recommended mark. `summary` says in a sentence what is seen.
    """

    metric: Metric
    marks: tuple[Mark, ...]
    ranks: tuple[int, ...]
    dims: tuple[int, ...]
    tables: tuple[int, ...]
    several_seeds: bool
    answer: int | None
    summary: str

    @property
    def frontier(self) -> tuple[Mark, ...]:
        """The marks that nothing dominates, smallest model first."""
        return tuple(mark for mark in self.marks if mark.on_frontier)

    @property
    def methods(self) -> frozenset[str]:
        """The methods that occur."""
        return frozenset(mark.method for mark in self.marks)


@dataclass(frozen=True)
class Column:
    """A table's column; `numeric` ones are set flush right."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table of text; `strong` are the indices of rows that are set in bold."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """One group of comparable points. `warning` is empty when the data is real."""

    heading: str
    warning: str
    answer: str
    rule: str
    notes: tuple[str, ...]
    picture: Picture
    tables: tuple[Table, ...]
    provenance: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Page:
    """The whole report: a section a group, newest first; then what failed and what could not be read."""

    title: str
    sections: tuple[Section, ...]
    failures: Table | None
    problems: tuple[str, ...]
