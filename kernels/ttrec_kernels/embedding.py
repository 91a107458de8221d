"""TTEmbedding: a drop-in for `nn.Embedding` whose table is a tensor train."""

from typing import ClassVar

import torch
from torch import Tensor

from ttrec_kernels.choices import BagMode
from ttrec_kernels.embedding_bag import TTEmbeddingBag
from ttrec_kernels.fused_optimizer import FusedOptimizer
from ttrec_kernels.index_check import check_integers
from ttrec_kernels.shapes import TTShape


class TTEmbedding(TTEmbeddingBag):
    """A table of `num_embeddings` × `embedding_dim` as TT cores, looked up like `nn.Embedding`: bags of one row each.

    `rank`, `shape`, `fused_optimizer` and `backend` are those of `TTEmbeddingBag`. The row of `padding_idx` reads as
    zeros and gives no gradient, as that of a new `nn.Embedding` does. Gradients of the cores are dense, so any
    torch optimiser works.

    Raises `ShapeError` if `shape` is of another table, `BagError` for a `padding_idx` outside it,
    `BackendError` for a backend that is not there.
    """

    kept_options: ClassVar[tuple[str, ...]] = ("padding_idx", "backend")

    def __init__(  # noqa: PLR0913 - the arguments of TTEmbeddingBag that are nn.Embedding's too
        self,
        num_embeddings: int,
        embedding_dim: int,
        rank: int | tuple[int, ...] = 32,
        *,
        shape: TTShape | None = None,
        padding_idx: int | None = None,
        fused_optimizer: FusedOptimizer | None = None,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            num_embeddings,
            embedding_dim,
            rank,
            shape=shape,
            mode=BagMode.SUM,
            padding_idx=padding_idx,
            fused_optimizer=fused_optimizer,
            backend=backend,
            device=device,
            dtype=dtype,
        )

    def forward(self, input: Tensor) -> Tensor:  # type: ignore[override]  # nn.Embedding has no bags
        """Rows (*input.shape, embedding_dim) at integer `input` of any shape. Raises `IndexRangeError`, `BagError`."""
        check_integers(input, "input")
        return super().forward(input.reshape(-1, 1)).view(*input.shape, self.embedding_dim)
