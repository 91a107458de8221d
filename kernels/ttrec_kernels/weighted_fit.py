"""Refinement of TT cores so that frequent rows come first: steps of Adam on the weighted squared error.

TT-SVD treats all rows alike. In click logs a few rows take most lookups, and their errors are what a model feels.
Rows are drawn as often as their importance says, so that a step costs the same for any table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from ttrec_kernels.decompose import check_importance
from ttrec_kernels.error_measure import TableErrors, table_errors
from ttrec_kernels.reference.lookup import lookup_rows
from ttrec_kernels.unfolding import Table, as_float64

BATCH = 8192
"""Rows of a step; tables of at most that many take all of them, weighted."""

RELATIVE_STEP = 0.03
"""First step of Adam, over the root mean square of the core's entries; falls to 0 as half a cosine."""


@dataclass(frozen=True)
class FitReport:
    """Errors over the table's norm before and after, plain and weighted by importance; equal if nothing was better."""

    before: TableErrors
    after: TableErrors
    steps: int


def fit_cores(
    cores: Sequence[Tensor], weight: Table, importance: Table | None = None, *, steps: int = 300, seed: int = 0
) -> tuple[tuple[Tensor, ...], FitReport]:
    """Cores (p_k, r_{k-1}, q_k, r_k) nearer to `weight` (rows, dim) where `importance` (rows) is high, and how near.

    Without importance, all rows count alike. Cores with a larger weighted error than those given are never
    returned. Works in the cores' dtype, on the CPU. Raises `ShapeError` for an importance that does not fit.
    """
    start = tuple(core.detach().cpu().clone() for core in cores)
    before = table_errors(start, weight, importance)
    batches = _Batches(weight, importance, seed)
    fitted = [core.clone().requires_grad_() for core in start]
    groups = [{"params": [core], "lr": RELATIVE_STEP * float(core.detach().square().mean().sqrt())} for core in fitted]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + cos(pi * step / max(1, steps))))
    for _ in range(steps):
        optimizer.zero_grad()
        rows, true, shares = batches.draw(fitted[0].dtype)
        wrong = (lookup_rows(fitted, rows) - true).square().sum(1) @ shares
        wrong.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    found = tuple(core.detach() for core in fitted)
    after = table_errors(found, weight, importance)
    if not after.weighted < before.weighted:  # also where steps led to numbers that are none
        return start, FitReport(before, before, steps)
    return found, FitReport(before, after, steps)


class _Batches:
    """Rows of a table, their values, and the share of each in the squared error, which sums to 1 / its scale."""

    def __init__(self, weight: Table, importance: Table | None, seed: int) -> None:
        self._weight = weight
        self._rows = weight.shape[0]
        values = torch.ones(self._rows, dtype=torch.float64) if importance is None else check_importance(importance)
        self._shares = values / values.sum()
        self._cumulative = self._shares.cumsum(0)
        self._generator = torch.Generator().manual_seed(seed)

    def draw(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Rows (n), their values (n, dim) and shares (n) in `dtype`."""
        if self._rows <= BATCH:
            rows, shares = torch.arange(self._rows), self._shares
        else:
            drawn = torch.rand(BATCH, dtype=torch.float64, generator=self._generator)
            rows = torch.searchsorted(self._cumulative, drawn).clamp_(max=self._rows - 1).sort().values
            shares = torch.full((BATCH,), 1 / BATCH, dtype=torch.float64)
        where = rows if isinstance(self._weight, Tensor) else rows.numpy()
        true = as_float64(self._weight[where])
        scale = (true.square().sum(1) @ shares).clamp_(min=torch.finfo(torch.float64).tiny)
        return rows, true.to(dtype), (shares / scale).to(dtype)
