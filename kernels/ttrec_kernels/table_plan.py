"""What one embedding table becomes: kept dense, or replaced by a tensor train."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from ttrec_kernels.errors import PlanError, ShapeError
from ttrec_kernels.shape_checks import check_range, check_row_factors, check_table
from ttrec_kernels.shapes import MAX_ROWS, TTShape

MAX_NAME = 200
"""Characters of a table's name."""

_KEYS = ("name", "rows", "dim", "kind")
_SHAPE_KEYS = ("row_factors", "dim_factors", "ranks")


class TableKind(StrEnum):
    """How a table is stored."""

    DENSE = "dense"
    TT = "tt"


@dataclass(frozen=True)
class TablePlan:
    """One table's name, size and storage; `shape` is given exactly when `kind` is `tt`.

    `reason` says why a table that was asked to be TT stays dense (empty otherwise).
    """

    name: str
    rows: int
    dim: int
    kind: TableKind = TableKind.DENSE
    shape: TTShape | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.rows < 1 or self.dim < 1:
            raise PlanError(f"table {self.name!r} needs rows and dim of at least 1, has {self.rows} × {self.dim}")
        if (self.kind == TableKind.TT) != (self.shape is not None):
            raise PlanError(
                f"table {self.name!r} of kind {self.kind} {'lacks' if self.shape is None else 'has'} a shape"
            )
        if self.shape is not None and (self.shape.rows, self.shape.dim) != (self.rows, self.dim):
            raise PlanError(
                f"table {self.name!r} is {self.rows} × {self.dim}, its shape is {self.shape.rows} × {self.shape.dim}"
            )

    @property
    def parameters(self) -> int:
        """Numbers stored for this table, TT padding included."""
        return self.rows * self.dim if self.shape is None else self.shape.parameters

    def bytes(self, item_bytes: int = 4) -> int:
        """Bytes of the stored numbers."""
        return self.parameters * item_bytes

    def to_dict(self) -> dict[str, Any]:
        """The plan's YAML form: name, rows, dim, kind and, for TT, row_factors, dim_factors and ranks."""
        record: dict[str, Any] = {
            "name": self.name,
            "rows": self.rows,
            "dim": self.dim,
            "kind": str(self.kind),
        }
        if self.shape is not None:
            record["row_factors"] = list(self.shape.row_factors)
            record["dim_factors"] = list(self.shape.dim_factors)
            record["ranks"] = list(self.shape.ranks)
        return record

    @classmethod
    def from_dict(cls, record: Any) -> "TablePlan":
        """The plan whose YAML form, as `to_dict` gives it, is `record`; `ranks` are all of them, (1, r1, …, 1).

        Nothing in `record` is trusted: unknown and missing keys, types, lengths, sizes and names are checked.
        Raises `PlanError` or `ShapeError` with one line that names the table.
        """
        if not isinstance(record, Mapping):
            raise PlanError(f"a table plan is a mapping with name, rows, dim and kind, but is {_shown(record)}")
        name = check_table_name(record.get("name"))
        where = f"table {name!r}"
        kind = record.get("kind")
        if kind not in tuple(TableKind):
            raise PlanError(f"{where}: kind must be {' or '.join(TableKind)}, but is {_shown(kind)}")
        known = _KEYS + (_SHAPE_KEYS if kind == TableKind.TT else ())
        _check_keys(record, known, f"{where} of kind {kind}")
        try:
            check_table(record["rows"], record["dim"])
            shape = _shape(record) if kind == TableKind.TT else None
        except ShapeError as error:
            raise ShapeError(f"{where}: {error}") from None
        return cls(name, record["rows"], record["dim"], TableKind(kind), shape)


def check_table_name(name: Any) -> str:
    """The name of a table: text of 1 to 200 printable characters, so that it cannot draw on a terminal."""
    if not isinstance(name, str) or not name.strip():
        raise PlanError(f"a table needs a name, some text, but has {_shown(name)}")
    if len(name) > MAX_NAME:
        raise PlanError(f"a table's name has at most {MAX_NAME} characters, but {name[:20]!r}… has {len(name)}")
    if not name.isprintable():
        raise PlanError(f"a table's name must be printable, but {name!r} has control characters; rename the table")
    return name


def _check_keys(record: Mapping[Any, Any], known: tuple[str, ...], where: str) -> None:
    missing = [key for key in known if key not in record]
    if missing:
        raise PlanError(f"{where} needs {', '.join(known)}, but lacks {', '.join(missing)}")
    for key in record:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
            raise PlanError(f"{where} has the unknown key {_shown(key)}; {hint}")


def _shape(record: Mapping[str, Any]) -> TTShape:
    """The TT shape of a record whose keys, rows and dim are checked."""
    lists: dict[str, tuple[int, ...]] = {}
    for key in _SHAPE_KEYS:
        value = record[key]
        if not isinstance(value, list | tuple):
            raise ShapeError(f"{key} must be a list of whole numbers, but is {_shown(value)}")
        for number in value:
            check_range(f"every number of {key}", number, 1, MAX_ROWS)
        lists[key] = tuple(value)
    if len(lists["row_factors"]) > 1:  # else there is no tensor train at all, which TTShape says
        check_row_factors(record["rows"], lists["row_factors"])
    return TTShape(record["rows"], record["dim"], lists["row_factors"], lists["dim_factors"], lists["ranks"])


def _shown(value: Any) -> str:
    """A value as it may stand in a message: escaped and short."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
