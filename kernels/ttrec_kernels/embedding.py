"""TTEmbedding: a drop-in for `nn.Embedding` whose table is a tensor train."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ttrec_kernels.embedding_bag import TTEmbeddingBag
from ttrec_kernels.reference.to_dense import to_dense
from ttrec_kernels.shapes import TTShape, format_factors
from ttrec_kernels.tt_table import TTTable


class TTEmbedding(TTTable):
    """A table of `num_embeddings` × `embedding_dim` as TT cores, looked up like `nn.Embedding`.

    `rank` and `shape` are those of `TTEmbeddingBag`. The row of `padding_idx` reads as zeros and gives no gradient, as
    the one of a new `nn.Embedding` does. Gradients of the cores are dense, so any torch optimiser works.

    Raises `ShapeError` if `shape` is of another table, `BagError` for a `padding_idx` outside it,
    `BackendError` for a backend that is not there.
    """

    kept_options: ClassVar[tuple[str, ...]] = ("padding_idx", "backend")

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        rank: int | tuple[int, ...] = 32,
        *,
        shape: TTShape | None = None,
        padding_idx: int | None = None,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        # The bag checks the arguments and draws the cores; what differs is the lookup alone.
        bag = TTEmbeddingBag(
            num_embeddings,
            embedding_dim,
            rank,
            shape=shape,
            padding_idx=padding_idx,
            backend=backend,
            device=device,
            dtype=dtype,
        )
        self.shape = bag.shape
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = bag.padding_idx
        self.backend = bag.backend
        self.cores = nn.ParameterList(bag.cores)

    def forward(self, input: Tensor) -> Tensor:
        """Rows (*input.shape, embedding_dim) at integer `input` of any shape. Raises `IndexRangeError`, `BagError`."""
        rows = self.rows(input)
        if self.padding_idx is None:
            return rows
        return rows.masked_fill((input == self.padding_idx).unsqueeze(-1), 0.0)

    def to_dense(self) -> Tensor:
        """The table (num_embeddings, embedding_dim), differentiable; needs that much memory."""
        return to_dense(list(self.cores), self.num_embeddings)

    def extra_repr(self) -> str:
        """Size and shape, and the padding where there is one."""
        text = (
            f"{self.num_embeddings}, {self.embedding_dim}, row_factors=({format_factors(self.shape.row_factors)}), "
            f"dim_factors=({format_factors(self.shape.dim_factors)}), ranks=({format_factors(self.shape.ranks)})"
        )
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
