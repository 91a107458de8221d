"""int8 after training: a scale for each row, or for each row digit's slice of a TT core, and a byte a number."""

import torch
from torch import Tensor

from ttrec_kernels.embedding_tables import EmbeddingTables
from ttrec_kernels.table_plan import TableKind

LEVELS = 127
"""Symmetric: −127 … 127, so that zero stays zero."""

PART_ROWS = 2**18


def quantize_rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """Values (rows, …) as int8 of the same shape and a float32 scale (rows) each: value ≈ int8 · scale."""
    flat = values.detach().reshape(values.shape[0], -1).float()
    scales = flat.abs().amax(1) / LEVELS
    whole = (flat / scales.clamp(min=torch.finfo(torch.float32).tiny).unsqueeze(1)).round()
    return whole.to(torch.int8).view(values.shape), scales


def dequantize_rows(quantized: Tensor, scales: Tensor) -> Tensor:
    """The float32 values (rows, …) that `quantized` and `scales` stand for."""
    return quantized.float() * scales.view(-1, *[1] * (quantized.dim() - 1))


def round_to_int8(values: Tensor) -> None:
    """Replace values (rows, …) in place by those that int8 can hold, part by part."""
    with torch.no_grad():
        for part in torch.split(values, PART_ROWS):
            part.copy_(dequantize_rows(*quantize_rows(part)))


def round_tables(tables: EmbeddingTables) -> tuple[str, ...]:
    """Round the tables whose plan says `int8` in place, so that a model reads what int8 would hold; their names."""
    start, rounded = 0, []
    for plan in tables.plans:
        is_dense = plan.kind == TableKind.DENSE
        if plan.int8:
            parts = (
                [tables.dense_parameters()[0][start : start + plan.rows]] if is_dense else tables.tt_cores[plan.name]
            )
            for part in parts:
                round_to_int8(part)
            rounded.append(plan.name)
        start += plan.rows if is_dense else 0
    return tuple(rounded)
