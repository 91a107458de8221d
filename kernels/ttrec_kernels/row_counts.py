"""How often the rows of a table are looked up, counted in bounded memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_kernels.cache_plan import FULLEST, count_capacity

ENTRIES, ERROR, LOOKUPS = 0, 1, 2


class HostModule(nn.Module):
    """A module whose buffers stay in the CPU's memory and keep their types, wherever the model goes."""

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> "HostModule":  # noqa: ARG002
        return self


class RowCounts(HostModule):
    """Counts of the rows of one table in an open-addressing hash table of 64-bit keys; part of checkpoints.

    At most `limit` rows have a count. When a row comes that has none and the table is full, the median of the counts is
    subtracted from all, and rows that fall to zero are forgotten. So counts are exact while no more than `limit`
    rows were seen. After that a count is at most `error` below the truth and never above, and `error` is at most
    2 · lookups / limit: every row looked up more often than that is still there. What is left
    depends on the order of the lookups alone, not on the hash.

    Source: Misra and Gries 1982, pruned by the median as Anderson et al., IMC 2017, do.
    """

    keys: Tensor
    counts: Tensor
    facts: Tensor

    def __init__(self, rows: int, cached: int) -> None:
        super().__init__()
        capacity = count_capacity(rows, cached)
        self.limit = min(int(capacity * FULLEST), capacity - 1)
        self.register_buffer("keys", torch.full((capacity,), -1, dtype=torch.int64))
        self.register_buffer("counts", torch.zeros(capacity, dtype=torch.int64))
        self.register_buffer("facts", torch.zeros(3, dtype=torch.int64))

    def count(self, rows: NDArray[np.integer[Any]]) -> None:
        """Count lookups of `rows` (nnz), int32 or int64, in their order."""
        from ttrec_kernels.row_counts_loops import count_rows

        count_rows(rows, self.keys.numpy(), self.counts.numpy(), self.facts.numpy(), self.limit)

    def most_frequent(self, most: int) -> NDArray[np.int64]:
        """At most so many rows, those with the highest counts, in rising order; ties go to the lower row."""
        rows, counts = self.counted()
        return np.sort(rows[np.lexsort((rows, -counts))[:most]])

    def counted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All rows that have a count, and the counts."""
        keys = self.keys.numpy()
        taken = np.flatnonzero(keys >= 0)
        return keys[taken], self.counts.numpy()[taken]

    @property
    def error(self) -> int:
        """By how much counts may be too low."""
        return int(self.facts[ERROR].item())

    @property
    def lookups(self) -> int:
        """Lookups counted so far."""
        return int(self.facts[LOOKUPS].item())
