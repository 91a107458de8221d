"""DLRM's interaction: the dot products of all pairs of a sample's vectors."""

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Interaction(nn.Module):
    """From the bottom MLP's output and `tables` vectors to that output followed by the dot products of all pairs.

    Pairs are the strict lower triangle, row by row, as the DLRM script orders them.
    """

    def __init__(self, tables: int) -> None:
        super().__init__()
        count = tables + 1
        rows, columns = torch.tril_indices(count, count, offset=-1)
        pair_of = torch.zeros(count, count, dtype=torch.int64)
        pair_of[rows, columns] = pair_of[columns, rows] = torch.arange(len(rows))
        self.register_buffer("pairs", rows * count + columns, persistent=False)
        self.register_buffer("pair_of", pair_of.flatten(), persistent=False)

    def forward(self, bottom: Tensor, looked_up: Tensor) -> Tensor:
        """(batch, dim + pairs) of bottom (batch, dim) and looked_up (batch, tables, dim)."""
        out: Tensor = _Products.apply(bottom, looked_up, self.get_buffer("pairs"), self.get_buffer("pair_of"))  # type: ignore[no-untyped-call]
        return out


class _Products(torch.autograd.Function):
    """Compiled loops for float32 on a CPU; else plain operations, with half the products on the way back."""

    @staticmethod
    def forward(ctx: Any, bottom: Tensor, looked_up: Tensor, pairs: Tensor, pair_of: Tensor) -> Tensor:
        ctx.is_compiled = bottom.device.type == "cpu" and bottom.dtype == looked_up.dtype == torch.float32
        if ctx.is_compiled:
            ctx.save_for_backward(bottom.contiguous(), looked_up.contiguous())
            out: Tensor = _loops().interact(*ctx.to_save)
            return out
        vectors = torch.cat((bottom.unsqueeze(1), looked_up), dim=1)
        ctx.save_for_backward(vectors, pair_of)
        products = torch.bmm(vectors, vectors.transpose(1, 2)).flatten(1)
        return torch.cat((bottom, products.index_select(1, pairs)), dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        if ctx.is_compiled:
            return *_loops().interact_backward(gradient, *ctx.saved_tensors), None, None
        vectors, pair_of = ctx.saved_tensors
        batch, count, dim = vectors.shape
        # P = V·Vᵀ is symmetric: with both halves of its gradient in S, that of V is S·V, one product instead of two.
        symmetric = gradient[:, dim:].index_select(1, pair_of).view(batch, count, count)
        symmetric.diagonal(dim1=1, dim2=2).zero_()
        of_bottom = torch.bmm(symmetric[:, :1], vectors).squeeze(1).add_(gradient[:, :dim])
        return of_bottom, torch.bmm(symmetric[:, 1:], vectors), None, None


@cache
def _loops() -> ModuleType:
    """Imported when first used: compilers are slow to import."""
    return import_module("ttrec_kernels.cpu.interaction")


def interactions(tables: int) -> int:
    """Dot products between the bottom MLP's output and `tables` vectors: a strict lower triangle."""
    return (tables + 1) * tables // 2
