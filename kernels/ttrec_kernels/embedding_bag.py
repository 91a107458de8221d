"""TTEmbeddingBag: a drop-in for `nn.EmbeddingBag` whose table is a tensor train."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ttrec_kernels import ops
from ttrec_kernels.bags import Bags, read_bags
from ttrec_kernels.choices import BagMode, choose
from ttrec_kernels.errors import BagError, ShapeError, UnsupportedError
from ttrec_kernels.fused_optimizer import FusedOptimizer
from ttrec_kernels.fused_states import FusedStates, WithFusedOptimizer
from ttrec_kernels.index_check import check_indices
from ttrec_kernels.initialize import initialize_cores
from ttrec_kernels.layout import NONE, TablePlace
from ttrec_kernels.lookup_tables import LookupTables
from ttrec_kernels.reference.to_dense import to_dense
from ttrec_kernels.shape_search import smallest_shape
from ttrec_kernels.shapes import TTShape, format_factors
from ttrec_kernels.tt_table import TTTable


class TTEmbeddingBag(WithFusedOptimizer, TTTable):
    """A table of `num_embeddings` × `embedding_dim` as TT cores, looked up like `nn.EmbeddingBag`.

    `shape` fixes factors and ranks; without it, the smallest shape of `rank` is taken: three cores for one number,
    n + 1 cores for n of them. `mode` is `sum` or `mean`. Lookups of `padding_idx` (negative: from the end) are left
    out of sums and means. Gradients reach the cores by autograd and are dense, so any torch optimiser
    works; with a `fused_optimizer` the backward pass changes the cores itself, those slices alone that were looked up.
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
        fused_optimizer: FusedOptimizer | None = None,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
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
        self._lookup = _lookup_tables(self.shape, self.padding_idx)
        self.fused = None if fused_optimizer is None else FusedStates(fused_optimizer, list(self.cores))
        """What the fused optimiser keeps, or None."""
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
        cores: list[Tensor] = list(self.cores)
        self._check_weights(per_sample_weights, cores[0].dtype)
        bags = read_bags(input, offsets, per_sample_weights, self.include_last_offset)
        if ops.is_compiled(self.backend, cores[0]):
            return self._look_up_compiled(bags, cores)
        if self.fused is not None:
            raise UnsupportedError("a fused optimiser needs compiled kernels: float32 weights and backend='auto'")
        check_indices(bags.indices, self.num_embeddings, type(self).__name__)
        return ops.lookup_bags(
            cores,
            bags.indices,
            bags.offsets,
            mode=self.mode,
            per_sample_weights=bags.per_sample_weights,
            padding_idx=self.padding_idx,
        )

    def _look_up_compiled(self, bags: Bags, cores: list[Tensor]) -> Tensor:
        """The same as one table of the compiled ops."""
        indices = bags.indices if bags.offsets is not None else bags.indices.unsqueeze(1)
        number = bags.indices.numel() if bags.offsets is None else bags.offsets.numel() - 1
        is_mean = self.mode == BagMode.MEAN
        batch = ops.LookupBatch(
            self._lookup.layout,
            indices,
            bags.offsets,
            bags.per_sample_weights,
            None,
            None,
            number,
            self.embedding_dim,
            is_mean,
        )
        kept = self._lookup.kept_bytes(number, bags.indices.numel(), bags.offsets is None)
        fused = None if self.fused is None else self.fused.as_op_takes()
        vectors = ops.lookup(
            cores,
            batch,
            self._lookup.names,
            [False] * len(cores),
            kept if torch.is_grad_enabled() else 0,
            fused,
        )
        return vectors.squeeze(1)

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


def _lookup_tables(shape: TTShape, padding_idx: int | None) -> LookupTables:
    """One tensor train whose cores are a weight slot each."""
    padding = NONE if padding_idx is None else padding_idx
    slots = tuple(range(shape.cores))
    return LookupTables(
        [TablePlace(shape.rows, shape.dim, shape, slots, (0,) * len(slots), padding)], ["TTEmbeddingBag"]
    )
