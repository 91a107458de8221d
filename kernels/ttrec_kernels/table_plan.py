"""What one embedding table becomes: kept dense, or replaced by a tensor train."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ttrec_kernels.errors import PlanError
from ttrec_kernels.shapes import TTShape


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
