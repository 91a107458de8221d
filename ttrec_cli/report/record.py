"""What the page says, as plain frozen data: no HTML, no colours, nothing escaped yet."""

from dataclasses import dataclass

from ttrec_cli.pareto import Metric
from ttrec_cli.pareto.attainment import Band
from ttrec_cli.pareto.points import DENSE, TT, TT_FROZEN
from ttrec_cli.report.data import Data

MOST_BARS = 300


@dataclass(frozen=True)
class Mark:
    """One point of the picture. `value` is in the metric's unit on the axis (accuracy: percent).

    `low` and `high` are the worst and best seed, equal to `value` with a single one. `rank` is None when dense.
    `facts` are the labelled lines of its hover text; `row` is its place in the section's table and data.
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
    row: int = 0


@dataclass(frozen=True)
class Picture:
    """Figure 1 of the paper for one group: quality over model bytes.

    `ranks`, `dims` and `tables` are the values that occur, rising: their order gives hue, symbol and shade.
    `answer` is the index of the recommended mark. `summary` says in a sentence what is seen. `band`, in the axis's
    unit, says how the frontier varies from seed to seed. `hidden` marks lie under others and are only in the table.
    """

    metric: Metric
    marks: tuple[Mark, ...]
    ranks: tuple[int, ...]
    dims: tuple[int, ...]
    tables: tuple[int, ...]
    several_seeds: bool
    answer: int | None
    summary: str
    band: Band | None = None
    hidden: int = 0

    @property
    def frontier(self) -> tuple[Mark, ...]:
        """The marks that nothing dominates, smallest model first."""
        return tuple(mark for mark in self.marks if mark.on_frontier)

    @property
    def rivals(self) -> tuple[str, ...]:
        """Methods beside tensor trains and the uncompressed model, such as hashing: where there are any, symbols tell
        methods apart instead of dims."""
        return tuple(sorted(self.methods - {DENSE, TT, TT_FROZEN}))

    @property
    def has_bars(self) -> bool:
        """Whether each mark has its error bar: not where hundreds of them would hide the marks."""
        return self.several_seeds and len(self.marks) <= MOST_BARS

    @property
    def methods(self) -> frozenset[str]:
        """The methods that occur."""
        return frozenset(mark.method for mark in self.marks)


@dataclass(frozen=True)
class Column:
    """A table's column; `numeric` ones are set flush right. `key` names the section's data to sort by."""

    title: str
    numeric: bool = False
    key: str = ""


@dataclass(frozen=True)
class Table:
    """A table of text; `strong` are the indices of rows that are set in bold."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Stack:
    """One bar: a model's bytes by layer, in the order of its chart's `layers`; `note` stands at its end."""

    name: str
    parts: tuple[int, ...]
    note: str

    @property
    def total(self) -> int:
        """Bytes of the whole model."""
        return sum(self.parts)


@dataclass(frozen=True)
class Stacks:
    """Figure 6 of the paper: where the bytes of some models are; the last layers are other tables and MLPs."""

    layers: tuple[str, ...]
    bars: tuple[Stack, ...]


@dataclass(frozen=True)
class Line:
    """One curve, x rising: `lows` and `highs` are the outer seeds, empty with a single one."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lines:
    """Curves over one axis: ranks (Figures 5 and 7 of the paper) or samples seen.

    `ranks` are the axis's places; without them it is linear. `level`: a dashed line for the uncompressed model.
    `window`: the least and the greatest value, shared by charts that are to be compared.
    """

    lines: tuple[Line, ...]
    x_title: str
    y_title: str
    ranks: tuple[int, ...] = ()
    level: float | None = None
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class Chart:
    """A figure below the main one, with its text twin. Charts of one `topic` stand side by side."""

    topic: str
    title: str
    summary: str
    content: Stacks | Lines
    table: Table


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
    data: Data
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Page:
    """The whole report: a section a group, newest first; then what failed and what could not be read."""

    title: str
    sections: tuple[Section, ...]
    failures: Table | None
    problems: tuple[str, ...]
    comparison: str = ""
