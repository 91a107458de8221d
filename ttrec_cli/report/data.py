"""The numbers behind a section, a column each: embedded in the page, printed as CSV, sorted by."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ttrec_cli.pareto import Analysis, AssessedPoint
from ttrec_cli.pareto.points import SCORES, SIZES
from ttrec_cli.pareto.settings import flat_settings, split_settings

_FIGURES = 7
"""Significant digits of measured numbers: more than any of them deserves."""


@dataclass(frozen=True)
class Data:
    """One row a point, in the order of the table; `plan` holds indices into `plans`, -1 where none is known.

    A plan is a list of indices into `tables`, which are table plans as written by `TablePlan.to_dict`: thousands of
    points share few of them.
    """

    columns: Mapping[str, tuple[Any, ...]]
    tables: tuple[Mapping[str, Any], ...]
    plans: tuple[tuple[int, ...], ...]

    def plain(self) -> dict[str, Any]:
        """As JSON types; a column whose values are all the same is only named among the `constants`."""
        columns = {name: list(values) for name, values in self.columns.items()}
        constants = {name: values[0] for name, values in columns.items() if all(v == values[0] for v in values)}
        return {
            "points": len(columns.get("method", ())),
            "constants": constants,
            "columns": {name: None if name in constants else values for name, values in columns.items()},
            "tables": list(self.tables),
            "plans": [list(plan) for plan in self.plans],
        }


def make_data(analysis: Analysis) -> Data:
    """The points of a group with means over seeds; NaN is None."""
    _, varying = split_settings(analysis.group.points)
    points = analysis.points
    plans = _Plans()
    of = tuple(plans.index(assessed.point.plan) for assessed in points)
    rows = [_row(assessed, varying) for assessed in points]
    columns = {name: tuple(row[name] for row in rows) for name in (rows[0] if rows else {})}
    return Data({**columns, "plan": of}, tuple(plans.tables), tuple(plans.lists))


def csv_text(data: Data) -> str:
    """The columns as CSV with a header, without a line break at the end; lists of seeds are joined by spaces."""
    names = [name for name in data.columns if name != "plan"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in zip(*(data.columns[name] for name in names), strict=True):
        writer.writerow(_cell(value) for value in row)
    return out.getvalue().rstrip("\n")


def _row(assessed: AssessedPoint, varying: Sequence[str]) -> dict[str, Any]:
    point, gap = assessed.point, assessed.to_baseline
    settings = flat_settings(point.settings)
    low, high = assessed.bootstrap or (None, None)
    return {
        "method": point.method,
        **{name: settings.get(name) for name in varying},
        "rank": point.rank,
        "tables": point.tables,
        "dim": point.dim,
        "seeds": point.seeds,
        "complete": int(assessed.complete),
        "on_frontier": int(assessed.on_frontier),
        "frontier_probability": _number(assessed.probability),
        "hypervolume_contribution": _number(assessed.contribution),
        **{name: _number(getattr(point, name)) for name in SIZES},
        **{name: _number(point.mean(name)) for name in SCORES},
        "difference": _number(gap.mean if gap else None),
        "difference_low": _number(gap.low if gap else None),
        "difference_high": _number(gap.high if gap else None),
        "difference_bootstrap_low": _number(low),
        "difference_bootstrap_high": _number(high),
    }


class _Plans:
    """Gives each plan and each of its tables a number, once."""

    def __init__(self) -> None:
        self.tables: list[Mapping[str, Any]] = []
        self.lists: list[tuple[int, ...]] = []
        self._of_text: dict[str, int] = {}
        self._of_table: dict[str, int] = {}

    def index(self, text: str) -> int:
        if text not in self._of_text:
            self._of_text[text] = self._add(text)
        return self._of_text[text]

    def _add(self, text: str) -> int:
        try:
            tables = json.loads(text, parse_constant=str) if text else []
        except ValueError:  # not written by us
            return -1
        if not isinstance(tables, list) or not tables:
            return -1
        self.lists.append(tuple(self._table(table) for table in tables))
        return len(self.lists) - 1

    def _table(self, table: Any) -> int:
        text = json.dumps(table, sort_keys=True)
        if text not in self._of_table:
            self._of_table[text] = len(self.tables)
            self.tables.append(table)
        return self._of_table[text]


def _number(value: float | None) -> float | int | None:
    if value is None or not isfinite(value):
        return None
    rounded = value if isinstance(value, int) else float(f"{value:.{_FIGURES}g}")
    return int(rounded) if rounded == int(rounded) else rounded


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else value
