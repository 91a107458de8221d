"""A table read part by part as the first unfolding of its tensor: what tensor-train decomposition streams over.

The unfolding has one row for each pair of the first row digit and the first dim digit, and one column for
everything else; padding rows are zeros. A part holds some columns, whatever the size of the table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ttrec_kernels.errors import ShapeError

Table: TypeAlias = Tensor | NDArray[Any]
"""(rows, dim), floating point; a NumPy array may be memory-mapped, and its pages are read as they are needed."""

PART_BYTES = 64 * 10**6
"""Of one part in float64: large enough for matrix products at full speed, small beside the table."""


@dataclass(frozen=True)
class Unfolding:
    """The first unfolding, (p_1 · q_1) × (columns), of `weight` with these factors.

    `scales`, one tensor (p_k) a core, multiply row i by Π scales[k][i_k]: weights of a least-squares problem.
    """

    weight: Table
    row_factors: tuple[int, ...]
    dim_factors: tuple[int, ...]
    scales: tuple[Tensor, ...] | None = None

    @property
    def height(self) -> int:
        """Rows of the unfolding."""
        return self.row_factors[0] * self.dim_factors[0]

    @property
    def width(self) -> int:
        """Columns of the unfolding."""
        return self._stride * prod(self.dim_factors[1:])

    @property
    def _stride(self) -> int:
        """Rows of the table that share a first digit."""
        return prod(self.row_factors[1:])

    def parts(self) -> Iterator[Tensor]:
        """Parts (height, some columns) in float64, from left to right."""
        p, q, dim = self.row_factors[0], self.dim_factors[0], self.weight.shape[1]
        step = max(1, PART_BYTES // (8 * p * dim))
        columns = None if self.scales is None else kronecker(self.scales[1:])
        for start in range(0, self._stride, step):
            stop = min(start + step, self._stride)
            part = self._rows(start, stop)
            if self.scales is not None and columns is not None:
                part *= (self.scales[0][:, None] * columns[None, start:stop])[:, :, None]
            yield part.view(p, stop - start, q, dim // q).transpose(1, 2).reshape(p * q, -1)

    def _rows(self, start: int, stop: int) -> Tensor:
        """Rows whose later digits count from `start` to `stop`: (p_1, stop − start, dim), zeros where padded."""
        rows, dim = self.weight.shape
        whole = rows // self._stride
        part = torch.zeros(self.row_factors[0], stop - start, dim, dtype=torch.float64)
        part[:whole] = as_float64(self.weight[: whole * self._stride].reshape(whole, self._stride, dim)[:, start:stop])
        left = min(rows - whole * self._stride, stop) - start
        if left > 0:
            first = whole * self._stride + start
            part[whole, :left] = as_float64(self.weight[first : first + left])
        return part


def kronecker(vectors: Sequence[Tensor]) -> Tensor:
    """Products of one entry of each vector, the last running fastest: the value of every row from its digits."""
    product = torch.ones(1, dtype=torch.float64)
    for vector in vectors:
        product = torch.outer(product, vector.double()).flatten()
    return product


def as_float64(part: Table) -> Tensor:
    """A part of a table as a tensor on the CPU, copied: a memory map may be read-only."""
    if isinstance(part, Tensor):
        return part.detach().to("cpu", torch.float64)
    return torch.from_numpy(np.array(part, dtype=np.float64))


def check_table_values(weight: Table) -> None:
    """Raise `ShapeError` unless `weight` is a table (rows, dim) of floating-point numbers."""
    is_float = weight.is_floating_point() if isinstance(weight, Tensor) else weight.dtype.kind == "f"
    if len(weight.shape) != 2 or 0 in weight.shape or not is_float:
        raise ShapeError(
            f"weight must be (rows, dim) of floating-point numbers, but is {tuple(weight.shape)} of {weight.dtype}"
        )
