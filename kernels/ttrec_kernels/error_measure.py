"""How far a tensor train is from the table it stands for, row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod, sqrt

import torch
from torch import Tensor

from ttrec_kernels.errors import ShapeError
from ttrec_kernels.reference.to_dense import to_dense
from ttrec_kernels.unfolding import PART_BYTES, Table, as_float64


@dataclass(frozen=True)
class TableErrors:
    """Frobenius norm of the difference over that of the table.

    `weighted`: each row's squares count times its importance; equal to `plain` without one.
    """

    plain: float
    weighted: float


def table_errors(cores: Sequence[Tensor], weight: Table, importance: Table | None = None) -> TableErrors:
    """Errors of cores (p_k, r_{k-1}, q_k, r_k) against `weight` (rows, dim), which is read once, in parts.

    Computed in float64. Raises `ShapeError` for an importance (rows) of another number of rows.
    """
    rows = weight.shape[0]
    if importance is not None and tuple(importance.shape) != (rows,):
        raise ShapeError(f"importance must have the table's {rows} rows, but has the shape {tuple(importance.shape)}")
    wrong, norm, weighted_wrong, weighted_norm = 0.0, 0.0, 0.0, 0.0
    for start, part in dense_parts(cores, rows):
        here = slice(start, start + len(part))
        true = as_float64(weight[here])
        missed, held = (true - part).square().sum(1), true.square().sum(1)
        counts = torch.ones_like(held) if importance is None else as_float64(importance[here])
        wrong, norm = wrong + float(missed.sum()), norm + float(held.sum())
        weighted_wrong, weighted_norm = weighted_wrong + float(missed @ counts), weighted_norm + float(held @ counts)
    return TableErrors(_ratio(wrong, norm), _ratio(weighted_wrong, weighted_norm))


def _ratio(part: float, whole: float) -> float:
    return sqrt(part / whole) if whole > 0 else sqrt(part)


def dense_parts(cores: Sequence[Tensor], rows: int) -> Iterator[tuple[int, Tensor]]:
    """The table in float64, as (first row, rows of a few first digits); never whole in memory."""
    double = [core.detach().to("cpu", torch.float64) for core in cores]
    stride = prod(core.shape[0] for core in double[1:])
    dim = prod(core.shape[2] for core in double)
    step = max(1, PART_BYTES // (8 * stride * dim))
    for digit in range(0, double[0].shape[0], step):
        start = digit * stride
        if start >= rows:
            return
        here = [double[0][digit : digit + step], *double[1:]]
        yield start, to_dense(here, min(rows - start, len(here[0]) * stride))
