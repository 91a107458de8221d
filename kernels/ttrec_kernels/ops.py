"""The seam between modules and compiled backends: each op is registered once, the tensors' device decides who runs it.

`lookup` gives the bags' vectors of many tables in one call, `lookup_backward` the gradients of the weights, of the
sample weights and of the rows stored as they are, `lookup_update` applies them at once by a fused optimiser.
`kept` is what a backend keeps from a forward pass for its backward pass; an empty one makes it start anew.

The specification is `reference`; modules use that directly where no compiled backend serves, for float64 say.
"""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from ttrec_kernels.choices import Backend, choose
from ttrec_kernels.errors import BackendError

_BATCH = (
    "Tensor layout, Tensor indices, Tensor? offsets, Tensor? sample_weights, Tensor? cache_keys, "
    "Tensor? cache_slots, SymInt bags, int dim, bool is_mean"
)
_library = torch.library.Library("ttrec", "DEF")
_library.define(f"lookup(Tensor[] weights, {_BATCH}, str names, bool[] sparse, SymInt kept_bytes) -> (Tensor, Tensor)")
_library.define(
    f"lookup_backward(Tensor gradient, Tensor kept, Tensor[] weights, {_BATCH}, bool[] wanted) -> (Tensor[], Tensor)"
)
_library.define(
    f"lookup_rows_backward(Tensor gradient, Tensor kept, Tensor[] weights, {_BATCH}, int slot) -> (Tensor, Tensor)"
)
_library.define(
    f"lookup_update(Tensor gradient, Tensor kept, Tensor(a!)[] weights, {_BATCH}, Tensor(b!)[] states, "
    "Tensor learning_rate, int kind, float eps) -> ()"
)


def choose_backend(backend: str, dtype: torch.dtype | None = None) -> Backend:
    """The backend asked for; `auto` is the compiled one where there is one for `dtype`, else the reference.

    Raises `BackendError` if the one asked for cannot run here.
    """
    asked = choose(Backend, backend, "backend")
    is_float32 = (dtype or torch.get_default_dtype()) == torch.float32
    if asked == Backend.CUDA and not torch.cuda.is_available():
        raise BackendError("backend 'cuda' needs a CUDA device, and torch sees none; use backend='auto'")
    if asked == Backend.CPU and not is_float32:
        raise BackendError(f"backend 'cpu' computes in float32, but the weights are {dtype}; use backend='reference'")
    return asked


def is_compiled(backend: Backend, weight: Tensor) -> bool:
    """Whether `weight` is looked up by compiled kernels under a module's choice of `backend`."""
    if backend == Backend.REFERENCE or weight.dtype != torch.float32:
        return False
    return weight.device.type == "cpu"


def lookup(
    weights: list[Tensor],
    layout: Tensor,
    indices: Tensor,
    offsets: Tensor | None,
    sample_weights: Tensor | None,
    cache: tuple[Tensor, Tensor] | None,
    *,
    bags: int,
    dim: int,
    is_mean: bool,
    names: str,
    sparse: list[bool],
    kept_bytes: int,
) -> Tensor:
    """Vectors (bags, tables, dim) of tables that lie in `weights` as the matrix `layout` says (see `layout`).

    `indices` (bags, tables), one a bag; or (nnz), with `offsets` (tables · bags + 1): bag b of table t holds the
    lookups offsets[t · bags + b] … . `names`, one a line, tell tables apart in errors; `sparse` (weights) which
    gradients are sparse tensors. Raises `IndexRangeError`.
    """
    keys, slots = (None, None) if cache is None else cache
    out: Tensor = torch.ops.ttrec.lookup(
        weights,
        layout,
        indices,
        offsets,
        sample_weights,
        keys,
        slots,
        bags,
        dim,
        is_mean,
        names,
        sparse,
        kept_bytes,
    )[0]
    return out


class _FusedLookup(torch.autograd.Function):
    """`lookup` whose backward pass applies a fused optimiser to the weights and returns no gradient for them."""

    @staticmethod
    def forward(ctx: Any, batch: tuple[Any, ...], update: tuple[Any, ...], sample_weights: Tensor | None, *weights: Tensor) -> Tensor:
        out, kept = torch.ops.ttrec.lookup(list(weights), *_with(batch, sample_weights), *batch[-3:])
        ctx.batch, ctx.update, ctx.kept = batch, update, kept
        # Not saved for backward: the weights change there, in place, and that is meant.
        ctx.weights, ctx.sample_weights = weights, sample_weights
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        arguments = (gradients[0], ctx.kept, list(ctx.weights), *_with(ctx.batch, ctx.sample_weights))
        of_samples = None
        if ctx.needs_input_grad[2]:
            of_samples = torch.ops.ttrec.lookup_backward(*arguments, [False] * len(ctx.weights))[1]
        states, learning_rate, kind, eps = ctx.update
        torch.ops.ttrec.lookup_update(*arguments, states, learning_rate, kind, eps)
        return (None, None, of_samples, *(None for _ in ctx.weights))


