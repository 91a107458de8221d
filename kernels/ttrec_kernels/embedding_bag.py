"""TTEmbeddingBag: a drop-in for `nn.EmbeddingBag` whose table is a tensor train."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ttrec_kernels import ops
from ttrec_kernels.bags import read_bags
from ttrec_kernels.choices import BagMode, choose
from ttrec_kernels.errors import BagError, ShapeError, UnsupportedError
from ttrec_kernels.index_check import check_indices
from ttrec_kernels.initialize import initialize_cores
from ttrec_kernels.reference.to_dense import to_dense
from ttrec_kernels.shape_search import smallest_shape
from ttrec_kernels.shapes import TTShape, format_factors
from ttrec_kernels.tt_table import TTTable


class TTEmbeddingBag(TTTable):
    """A table of `num_embeddings` × `embedding_dim` as TT cores, looked up like `nn.EmbeddingBag`.

    `shape` fixes factors and ranks; without it, the smallest shape of `rank` is taken: three cores for one number,
    n + 1 cores for n of them. `mode` is `sum` or `mean`. Lookups of `padding_idx` (negative: from the end) are left
    out of sums and means. Gradients reach the cores by autograd and are dense, so any torch optimiser works.
    New cores make a table with the root mean square of Uniform(±1/sqrt(num_embeddings)).

    Raises `ShapeError` if `shape` is of another table, `UnsupportedError` for what a tensor train cannot offer,
    `BackendError` for a backend that is not there.

    Source: TT-Rec (MLSys 2021), §3 and §4.1.
    """

    kept_options: ClassVar[tuple[str, ...]] = ("mode", "include_last_offset", "padding_idx", "backend")

    def __init__(  # noqa: PLR0913 - the arguments of nn.EmbeddingBag, and three of ours
        self,
        num_embeddings: int,
        embedding_dim: int,
        rank: int | tuple[int, ...] = 32,
        *,
        shape: TTShape | None = None,
        mode: str = BagMode.MEAN,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        fused_optimizer: object | None = None,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if fused_optimizer is not None:
            raise UnsupportedError("fused_optimizer needs compiled kernels, which are not built yet; use None")
        self.shape = shape or _smallest_shape(num_embeddings, embedding_dim, rank)
        if (self.shape.rows, self.shape.dim) != (num_embeddings, embedding_dim):
            raise ShapeError(
                f"shape is of a table of {self.shape.rows} × {self.shape.dim}, "
                f"but the embedding is {num_embeddings} × {embedding_dim}"
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.mode = _choose_mode(mode)
        self.include_last_offset = include_last_offset
        self.padding_idx = _count_from_start(padding_idx, num_embeddings)
        self.backend = ops.choose_backend(backend)
        self.cores = nn.ParameterList(torch.empty(size, device=device, dtype=dtype) for size in self.shape.core_shapes)
        """Core k as a Parameter (p_k, r_{k-1}, q_k, r_k): `tt_cores` of FBTT-Embedding, one row digit a slice."""
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new cores: sampled Gaussian, calibrated. `initialize_cores` offers the other ways."""
        initialize_cores(list(self.cores), self.num_embeddings)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Vectors (bags, embedding_dim) of `input`: 1-D with `offsets`, or 2-D (bags, bag size).

        Arguments and meaning are those of `nn.EmbeddingBag`; empty bags give zeros. Raises `IndexRangeError` for
        an index outside 0 … num_embeddings − 1, `BagError` for offsets or weights that do not fit, and
        `UnsupportedError` for `per_sample_weights` with the mean.
        """
        cores = list(self.cores)
        self._check_weights(per_sample_weights, cores[0].dtype)
        bags = read_bags(input, offsets, per_sample_weights, self.include_last_offset)
        check_indices(bags.indices, self.num_embeddings, type(self).__name__)
        return ops.lookup_bags(
            cores,
            bags.indices,
            bags.offsets,
            mode=self.mode,
            per_sample_weights=bags.per_sample_weights,
            padding_idx=self.padding_idx,
        )

    def _check_weights(self, per_sample_weights: Tensor | None, dtype: torch.dtype) -> None:
        if per_sample_weights is None:
            return
        if self.mode != BagMode.SUM:
            raise UnsupportedError(f"per_sample_weights go with mode='sum' only, but mode is '{self.mode}'")
        if per_sample_weights.dtype != dtype:
            raise BagError(f"per_sample_weights must be {dtype} like the cores, but are {per_sample_weights.dtype}")

    def to_dense(self) -> Tensor:
        """The table (num_embeddings, embedding_dim), differentiable; needs that much memory."""
        return to_dense(list(self.cores), self.num_embeddings)

    def extra_repr(self) -> str:
        """Size, shape and what differs from the defaults."""
        parts = [
            f"{self.num_embeddings}, {self.embedding_dim}",
            f"row_factors=({format_factors(self.shape.row_factors)})",
            f"dim_factors=({format_factors(self.shape.dim_factors)})",
            f"ranks=({format_factors(self.shape.ranks)})",
            f"mode={self.mode}",
        ]
        if self.include_last_offset:
            parts.append("include_last_offset=True")
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        return ", ".join(parts)


def _smallest_shape(rows: int, dim: int, rank: int | tuple[int, ...]) -> TTShape:
    return smallest_shape(rows, dim, rank, cores=3 if isinstance(rank, int) else len(rank) + 1)


def _choose_mode(mode: str) -> BagMode:
    if mode == "max":
        raise UnsupportedError("mode='max' is not supported: rows are pooled by adding them; use sum or mean")
    return choose(BagMode, mode, "mode")


def _count_from_start(padding_idx: int | None, rows: int) -> int | None:
    """Padding index from 0, as `nn.EmbeddingBag` counts negative ones from the end."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise BagError(f"padding_idx must lie in {-rows} … {rows - 1}, but is {padding_idx}")
    return padding_idx % rows
