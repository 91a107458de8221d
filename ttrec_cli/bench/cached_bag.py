"""A bag lookup through a filled row cache, with its SGD step."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_cli.bench.lookup import optimizer_step
from ttrec_kernels.cache_plan import RowCacheSettings
from ttrec_kernels.initialize import initialize_cores
from ttrec_kernels.reference.lookup import lookup_rows
from ttrec_kernels.reference.row_cache import lookup_cached_bags
from ttrec_kernels.row_cache import RowCache
from ttrec_kernels.shapes import TTShape
from ttrec_kernels.table_plan import TableKind, TablePlan


class CachedBag(nn.Module):
    """Sums of rows of a tensor train, some of them from a cache that holds `cached_rows`."""

    def __init__(
        self,
        shape: TTShape,
        settings: RowCacheSettings,
        device: torch.device,
        cached_rows: NDArray[np.int64],
        learning_rate: float,
    ) -> None:
        super().__init__()
        plan = TablePlan("table", shape.rows, shape.dim, TableKind.TT, shape)
        self.cores = nn.ParameterList(torch.empty(size, device=device) for size in shape.core_shapes)
        initialize_cores(list(self.cores), shape.rows)
        self.cache = RowCache([plan], settings, device=device)
        self.cache.observe(0, cached_rows)
        self.cache.refresh(lambda _, rows: lookup_rows(list(self.cores), rows))
        self.step = optimizer_step([*self.cores, self.cache.weight], learning_rate)

    def forward(self, indices: Tensor) -> Tensor:
        """Vectors (bags, dim) of `indices` (bags, pooling)."""
        bags, pooling = indices.shape
        offsets = torch.arange(bags + 1, device=indices.device) * pooling
        return lookup_cached_bags(
            list(self.cores), self.cache.weight, self.cache.keys, self.cache.slots, indices.reshape(-1), offsets
        )

    @property
    def held_bytes(self) -> int:
        """Cores, cached rows and their index."""
        tensors = (*self.cores, self.cache.weight, self.cache.keys, self.cache.slots)
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
