"""What one embedding table becomes: kept dense, replaced by a tensor train, or by one of its rivals."""

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

SCALE_BYTES = 4
"""Of the fp32 scale that each int8 row has, or each slice of a TT core."""

_KEYS = ("name", "rows", "dim", "kind")
_SHAPE_KEYS = ("row_factors", "dim_factors", "ranks")


class TableKind(StrEnum):
    """How a table is stored."""

    DENSE = "dense"
    TT = "tt"
    HASH = "hash"
    DOUBLE_HASH = "double-hash"
    QR = "qr"
    LOW_RANK = "low-rank"
    TT_HASH = "tt+hash"


_WITH_SHAPE = (TableKind.TT, TableKind.TT_HASH)
_WITH_BUCKETS = (TableKind.HASH, TableKind.DOUBLE_HASH, TableKind.QR, TableKind.TT_HASH)
_IN_INT8 = (TableKind.DENSE, TableKind.TT)


@dataclass(frozen=True)
class TablePlan:
    """One table's name, size and storage.

    `shape`: of the tensor train, for kind `tt`; of one over `buckets` rows, for `tt+hash`. `buckets`: stored rows
    that ids are hashed to; for `qr` rows of the remainders' table. `rank`: of U V, for `low-rank`. `int8`: stored as
    8-bit rows with a scale each after training, for `dense` and `tt`. `reason` says why a table that
    was asked to be smaller stays dense (empty otherwise). Raises `PlanError` for parts that do not go together.
    """

    name: str
    rows: int
    dim: int
    kind: TableKind = TableKind.DENSE
    shape: TTShape | None = None
    reason: str = ""
    buckets: int | None = None
    rank: int | None = None
    int8: bool = False

    def __post_init__(self) -> None:
        if self.rows < 1 or self.dim < 1:
            raise PlanError(f"table {self.name!r} needs rows and dim of at least 1, has {self.rows} × {self.dim}")
        for what, value, kinds in (
            ("a shape", self.shape, _WITH_SHAPE),
            ("buckets", self.buckets, _WITH_BUCKETS),
            ("a rank", self.rank, (TableKind.LOW_RANK,)),
        ):
            if (value is not None) != (self.kind in kinds):
                raise PlanError(f"table {self.name!r} of kind {self.kind} {'lacks' if value is None else 'has'} {what}")
        if self.int8 and self.kind not in _IN_INT8:
            raise PlanError(f"table {self.name!r} of kind {self.kind} cannot be int8; dense and tt can")
        self._check_sizes()

    def _check_sizes(self) -> None:
        if self.shape is not None and (self.shape.rows, self.shape.dim) != (self.stored_rows, self.dim):
            raise PlanError(
                f"table {self.name!r} is {self.stored_rows} × {self.dim}, "
                f"its shape is {self.shape.rows} × {self.shape.dim}"
            )
        for what, value, most in (("buckets", self.buckets, self.rows), ("rank", self.rank, self.dim)):
            if value is not None and not 1 <= value <= most:
                raise PlanError(f"table {self.name!r} needs {what} of 1 … {most}, has {value}")

    @property
    def stored_rows(self) -> int:
        """Rows that ids lead to: the buckets where ids are hashed, else all."""
        return self.rows if self.buckets is None else self.buckets

    @property
    def quotients(self) -> int:
        """Rows of the quotients' table of `qr`."""
        return -(-self.rows // self.stored_rows)

    @property
    def parameters(self) -> int:
        """Numbers stored for this table, TT padding included."""
        if self.shape is not None:
            return self.shape.parameters
        if self.rank is not None:
            return (self.rows + self.dim) * self.rank
        return (self.stored_rows + (self.quotients if self.kind == TableKind.QR else 0)) * self.dim

    def bytes(self, item_bytes: int = 4) -> int:
        """Bytes of the stored numbers; of int8 rows or core slices, a byte each and their scales."""
        if not self.int8:
            return self.parameters * item_bytes
        scales = self.rows if self.shape is None else sum(self.shape.row_factors)
        return self.parameters + scales * SCALE_BYTES

    def to_dict(self) -> dict[str, Any]:
        """The plan's YAML form: name, rows, dim, kind and what the kind needs: row_factors, dim_factors and ranks, …"""
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
        record |= {key: value for key, value in (("buckets", self.buckets), ("rank", self.rank)) if value is not None}
        return record | ({"int8": True} if self.int8 else {})

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
            raise PlanError(f"{where}: kind must be one of {', '.join(TableKind)}, but is {_shown(kind)}")
        needed = _KEYS + _keys_of(TableKind(kind))
        _check_keys(record, needed, f"{where} of kind {kind}")
        if not isinstance(record.get("int8", False), bool):
            raise PlanError(f"{where}: int8 must be true or false, but is {_shown(record['int8'])}")
        try:
            check_table(record["rows"], record["dim"])
            for key in ("buckets", "rank"):
                if key in needed:
                    check_range(key, record[key], 1, record["rows" if key == "buckets" else "dim"])
            shape = _shape(record) if kind in _WITH_SHAPE else None
        except ShapeError as error:
            raise ShapeError(f"{where}: {error}") from None
        return cls(
            name,
            record["rows"],
            record["dim"],
            TableKind(kind),
            shape,
            buckets=record.get("buckets"),
            rank=record.get("rank"),
            int8=record.get("int8", False),
        )


def check_table_name(name: Any) -> str:
    """The name of a table: text of 1 to 200 printable characters, so that it cannot draw on a terminal."""
    if not isinstance(name, str) or not name.strip():
        raise PlanError(f"a table needs a name, some text, but has {_shown(name)}")
    if len(name) > MAX_NAME:
        raise PlanError(f"a table's name has at most {MAX_NAME} characters, but {name[:20]!r}… has {len(name)}")
    if not name.isprintable():
        raise PlanError(f"a table's name must be printable, but {name!r} has control characters; rename the table")
    return name


def _keys_of(kind: TableKind) -> tuple[str, ...]:
    """What a kind needs beside name, rows, dim and kind."""
    keys: tuple[str, ...] = _SHAPE_KEYS if kind in _WITH_SHAPE else ()
    keys += ("buckets",) if kind in _WITH_BUCKETS else ()
    return keys + (("rank",) if kind == TableKind.LOW_RANK else ())


def _check_keys(record: Mapping[Any, Any], needed: tuple[str, ...], where: str) -> None:
    missing = [key for key in needed if key not in record]
    if missing:
        raise PlanError(f"{where} needs {', '.join(needed)}, but lacks {', '.join(missing)}")
    known = (*needed, "int8")
    for key in record:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
            raise PlanError(f"{where} has the unknown key {_shown(key)}; {hint}")


def _shape(record: Mapping[str, Any]) -> TTShape:
    """The TT shape of a record whose keys, rows, dim and buckets are checked."""
    rows = record.get("buckets", record["rows"])
    lists: dict[str, tuple[int, ...]] = {}
    for key in _SHAPE_KEYS:
        value = record[key]
        if not isinstance(value, list | tuple):
            raise ShapeError(f"{key} must be a list of whole numbers, but is {_shown(value)}")
        for number in value:
            check_range(f"every number of {key}", number, 1, MAX_ROWS)
        lists[key] = tuple(value)
    if len(lists["row_factors"]) > 1:  # else there is no tensor train at all, which TTShape says
        check_row_factors(rows, lists["row_factors"])
    return TTShape(rows, record["dim"], lists["row_factors"], lists["dim_factors"], lists["ranks"])


def _shown(value: Any) -> str:
    """A value as it may stand in a message: escaped and short."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
