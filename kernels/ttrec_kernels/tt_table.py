"""What every module that holds one table as TT cores can do beside looking rows up: come from and go to other forms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ttrec_kernels import ops
from ttrec_kernels.decompose import from_dense
from ttrec_kernels.errors import ShapeError
from ttrec_kernels.index_check import check_indices, check_integers
from ttrec_kernels.rounding import round_cores
from ttrec_kernels.shapes import TTShape
from ttrec_kernels.storage import load_cores, save_cores
from ttrec_kernels.unfolding import Table
from ttrec_kernels.weighted_fit import FitReport, fit_cores


class TTTable(nn.Module):
    """Base of `TTEmbeddingBag` and `TTEmbedding`: `num_embeddings` × `embedding_dim` as `cores` of `shape`."""

    num_embeddings: int
    shape: TTShape
    cores: nn.ParameterList
    kept_options: ClassVar[tuple[str, ...]] = ()
    """Attributes that are constructor arguments too, for modules made from this one."""

    @classmethod
    def from_cores(cls, cores: Sequence[Tensor], shape: TTShape, **options: Any) -> Self:
        """A module with copies of these cores (p_k, r_{k-1}, q_k, r_k), in their dtype and on their device.

        `options` are arguments of the class, such as `mode`. Raises `ShapeError` for cores of another shape.
        """
        sizes = tuple(tuple(core.shape) for core in cores)
        if sizes != shape.core_shapes:
            raise ShapeError(f"cores must have the shapes {shape.core_shapes}, but have {sizes}")
        options = {"device": cores[0].device, "dtype": cores[0].dtype, **options}
        module = cls(shape.rows, shape.dim, shape=shape, **options)
        with torch.no_grad():
            for mine, given in zip(module.cores, cores, strict=True):
                mine.copy_(given)
        return module

    @classmethod
    def from_dense(
        cls,
        weight: Table,
        *,
        shape: TTShape | None = None,
        rank: int | tuple[int, ...] | None = None,
        tolerance: float | None = None,
        max_bytes: int | None = None,
        importance: Table | None = None,
        **options: Any,
    ) -> Self:
        """A module whose table is the TT-SVD of `weight` (rows, dim); give one of shape, rank, tolerance, max_bytes.

        `ttrec_kernels.from_dense` describes them and also returns the error bound. `options` are arguments
        of the class, such as `mode`.
        """
        found = from_dense(
            weight, shape=shape, rank=rank, tolerance=tolerance, max_bytes=max_bytes, importance=importance
        )
        if isinstance(weight, Tensor):
            options = {"device": weight.device, "dtype": weight.dtype, **options}
        return cls.from_cores(found.cores, found.shape, **options)

    @classmethod
    def load(cls, path: Path | str, **options: Any) -> Self:
        """The table that `save` wrote. Raises `StorageError` for a file that is none."""
        cores, shape = load_cores(path)
        return cls.from_cores(cores, shape, **options)

    def save(self, path: Path | str) -> None:
        """Write the cores and their shape as one safetensors file."""
        save_cores(path, list(self.cores), self.shape)

    def rows(self, ids: Tensor) -> Tensor:
        """Rows (*ids.shape, embedding_dim) of the table, differentiable. Raises `IndexRangeError`, `BagError`."""
        check_integers(ids, "ids")
        check_indices(ids, self.num_embeddings, type(self).__name__)
        return ops.lookup_rows(list(self.cores), ids.reshape(-1)).view(*ids.shape, self.shape.dim)

    def round(self, *, rank: int | tuple[int, ...] | None = None, tolerance: float | None = None) -> Self:
        """A module of the same table at smaller ranks; the dense table is never built. See `round_cores`."""
        found = round_cores(list(self.cores), self.shape, rank=rank, tolerance=tolerance)
        core = self.cores[0]
        options = {name: getattr(self, name) for name in self.kept_options}
        return type(self).from_cores(found.cores, found.shape, device=core.device, dtype=core.dtype, **options)

    def fit(self, weight: Table, importance: Table | None = None, *, steps: int = 300, seed: int = 0) -> FitReport:
        """Move the cores towards `weight` (rows, dim), rows of high `importance` (rows) first; says how near they are.

        Such as how often each row was looked up. Raises `ShapeError` for a table or importance of another size.
        """
        if tuple(weight.shape) != (self.shape.rows, self.shape.dim):
            raise ShapeError(
                f"weight must be {self.shape.rows} × {self.shape.dim}, but is {' × '.join(map(str, weight.shape))}"
            )
        found, report = fit_cores(list(self.cores), weight, importance, steps=steps, seed=seed)
        with torch.no_grad():
            for mine, given in zip(self.cores, found, strict=True):
                mine.copy_(given)
        return report
