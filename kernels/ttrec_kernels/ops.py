"""The seam between modules and compiled backends: each op is registered once, the tensors' device decides who runs it.

`lookup` gives the bags' vectors of many tables in one call, `lookup_backward` the dense gradients of the weights and
of the sample weights, `lookup_rows_backward` the sparse ones of rows stored as they are, and `lookup_update` applies
all of them at once by a fused optimiser. `kept` is what a backend keeps from a forward pass for its backward pass;
an empty one makes it start anew.

The specification is `reference`; modules use that directly where no compiled backend serves, for float64 say.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ttrec_kernels.choices import Backend, choose
from ttrec_kernels.errors import BackendError
from ttrec_kernels.fused_optimizer import FusedOptimizer
from ttrec_kernels.reference.lookup import lookup_bags, lookup_rows

__all__ = ["FusedState", "LookupBatch", "choose_backend", "is_compiled", "lookup", "lookup_bags", "lookup_rows"]

_BATCH = (
    "Tensor layout, Tensor indices, Tensor? offsets, Tensor? sample_weights, Tensor? cache_keys, "
    "Tensor? cache_slots, SymInt bags, int dim, bool is_mean"
)
_library = torch.library.Library("ttrec", "DEF")  # type: ignore[no-untyped-call]
for _schema in (
    f"lookup(Tensor[] weights, {_BATCH}, str names, bool[] sparse, SymInt kept_bytes) -> (Tensor, Tensor)",
    f"lookup_backward(Tensor gradient, Tensor kept, Tensor[] weights, {_BATCH}, bool[] wanted) -> (Tensor[], Tensor)",
    f"lookup_rows_backward(Tensor gradient, Tensor kept, Tensor[] weights, {_BATCH}, int slot) -> (Tensor, Tensor)",
    f"lookup_update(Tensor gradient, Tensor kept, Tensor(a!)[] weights, {_BATCH}, Tensor(b!)[] states, "
    "Tensor learning_rate, int kind, float eps) -> ()",
):
    _library.define(_schema)  # type: ignore[no-untyped-call]


class LookupBatch(NamedTuple):
    """What the ops take beside the weights.

    `layout` says where the tables lie in the weights (see `layout`). `indices` (bags, tables), one a bag; or (nnz)
    with `offsets` (tables · bags + 1): bag b of table t holds the lookups from offsets[t · bags + b] on.
    """

    layout: Tensor
    indices: Tensor
    offsets: Tensor | None
    sample_weights: Tensor | None
    cache_keys: Tensor | None
    cache_slots: Tensor | None
    bags: int
    dim: int
    is_mean: bool


class FusedState(NamedTuple):
    """A fused optimiser with what it keeps: a state tensor each weight, or none, and its rate, one number."""

    optimizer: FusedOptimizer
    states: list[Tensor]
    learning_rate: Tensor


def choose_backend(backend: str) -> Backend:
    """The backend asked for. Raises `BackendError` if it cannot run here."""
    asked = choose(Backend, backend, "backend")
    if asked == Backend.CUDA and not torch.cuda.is_available():
        raise BackendError("backend 'cuda' needs a CUDA device, and torch sees none; use backend='auto'")
    return asked


def is_compiled(backend: Backend, weight: Tensor) -> bool:
    """Whether compiled kernels look up in `weight`; without them the reference does, under `auto` alone."""
    if backend == Backend.REFERENCE:
        return False
    if weight.device.type == "cuda" and backend != Backend.CPU:
        return _serves_cuda(backend, weight)
    serves = weight.device.type == "cpu" and weight.dtype == torch.float32
    if not serves and backend != Backend.AUTO:
        raise BackendError(
            f"backend '{backend}' looks up float32 on the CPU, but the weights are {weight.dtype} on {weight.device}; "
            "use backend='auto'"
        )
    return serves


def _serves_cuda(backend: Backend, weight: Tensor) -> bool:
    """Whether the CUDA kernels can run; without them the reference does, under `auto` alone."""
    index = weight.device.index or 0
    problem = _cuda_problem(index)
    if problem is None and weight.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        problem = f"CUDA kernels store float32, float16 or bfloat16, but the weights are {weight.dtype}"
    if problem is not None and backend == Backend.CUDA:
        raise BackendError(f"backend 'cuda' cannot run: {problem}")
    return problem is None


@cache
def _cuda_problem(index: int) -> str | None:
    from ttrec_kernels.cuda.status import cuda_status

    return cuda_status(index).problem


def lookup(
    weights: list[Tensor], batch: LookupBatch, names: str, sparse: list[bool], kept_bytes: int, fused: FusedState | None
) -> Tensor:
    """Vectors (bags, tables, dim). `names`, one a line, tell tables apart in errors; `sparse` (weights) which weights
    get sparse gradients. With `fused` the backward pass changes the weights and gives them no gradient.

    Raises `IndexRangeError`, which names table, index and rows.
    """
    if weights[0].device.type == "cuda":  # there the backward pass makes prefixes again
        kept_bytes = 0
    options = (names, sparse, kept_bytes)
    needs_gradient = torch.is_grad_enabled() and _any_requires_grad(weights, batch)
    is_eager = _is_eager(weights)
    if needs_gradient and is_eager and fused is not None and batch.sample_weights is None and not _is_distributed():
        return _FusedLookup.apply(batch, fused, options, weights, _first_trained(weights))  # type: ignore[no-any-return,no-untyped-call]
    if needs_gradient and (is_eager or fused is not None):
        return _Lookup.apply(batch, fused, options, is_eager, batch.sample_weights, *weights)  # type: ignore[no-any-return,no-untyped-call]
    return _run("lookup", weights, *batch, *options, is_eager=is_eager)[0]  # type: ignore[no-any-return]


def _any_requires_grad(weights: Sequence[Tensor], batch: LookupBatch) -> bool:
    samples = batch.sample_weights
    return any(weight.requires_grad for weight in weights) or (samples is not None and samples.requires_grad)


def _is_eager(weights: Sequence[Tensor]) -> bool:
    """Whether nobody watches the ops: a compiler, a tracer, a profiler, a mode, a transform, or weights of a subclass.

    A backend is then called without the dispatcher, which costs more than the lookups of a small batch.
    """
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() or torch._C._autograd._profiler_enabled():
        return False
    modes = torch._C._len_torch_dispatch_stack() + torch._C._len_torch_function_stack()
    if modes or torch._C._functorch.peek_interpreter_stack() is not None:
        return False
    return all(type(weight) in _PLAIN for weight in weights)


_PLAIN = (Tensor, torch.nn.Parameter)


def _run(name: str, weights: Sequence[Tensor], *arguments: Any, is_eager: bool, before: tuple[Tensor, ...] = ()) -> Any:
    """An op by the dispatcher, or its backend at once; `before` are its arguments before the weights."""
    if is_eager:
        return _kernel(weights[0].device.type, name)(*before, weights, *arguments)
    return getattr(torch.ops.ttrec, name)(*before, weights, *arguments)


class _Lookup(torch.autograd.Function):
    """`lookup` with its gradients, or with a fused optimiser that its backward pass applies to the weights."""

    @staticmethod
    def forward(
        ctx: Any,
        batch: LookupBatch,
        fused: FusedState | None,
        options: tuple[Any, ...],
        is_eager: bool,
        _sample_weights: Tensor | None,  # the batch has them too; here autograd sees them
        *weights: Tensor,
    ) -> Tensor:
        with torch._C._AutoDispatchBelowAutograd():  # here is the autograd of this call
            out, kept = _run("lookup", list(weights), *batch, *options, is_eager=is_eager)
        ctx.batch, ctx.fused, ctx.kept, ctx.is_eager, ctx.sparse = batch, fused, kept, is_eager, options[1]
        if fused is None:
            # The batch too, so that autograd notices if it is changed before the backward pass reads it again.
            ctx.save_for_backward(*weights, *(value for value in batch if isinstance(value, Tensor)))
        else:  # kept, not saved: backward changes the weights in place, which is meant
            ctx.weights, ctx.versions = list(weights), _versions(batch) if is_eager else None
        return out  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        fused: FusedState | None = ctx.fused
        before, wants_samples = (gradients[0], ctx.kept), ctx.needs_input_grad[4]
        run = partial(_run, is_eager=ctx.is_eager, before=before)
        if fused is None:
            wanted = ctx.needs_input_grad[5:]
            weights = list(ctx.saved_tensors[: len(wanted)])
            found, of_samples = _gradients(run, weights, ctx.batch, wanted, ctx.sparse, wants_samples)
            return (None, None, None, None, of_samples, *found)
        if ctx.versions is not None:
            _check_unchanged(ctx.batch, ctx.versions)
        of_samples = None
        if wants_samples:
            of_samples = run("lookup_backward", ctx.weights, *ctx.batch, [False] * len(ctx.weights))[1]
        rule = (fused.states, fused.learning_rate, fused.optimizer.kind, fused.optimizer.eps)
        run("lookup_update", ctx.weights, *ctx.batch, *rule)
        return (None, None, None, None, of_samples, *(None for _ in ctx.weights))


def _first_trained(weights: Sequence[Tensor]) -> Tensor:
    return next(weight for weight in weights if weight.requires_grad)


def _is_distributed() -> bool:
    """Whether somebody may wait for every parameter to be ready, as `DistributedDataParallel` does."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _versions(batch: LookupBatch) -> list[int]:
    """How often each tensor that the backward pass reads again has been changed."""
    again = (batch.indices, batch.offsets, batch.sample_weights)
    return [each._version for each in again if each is not None and not each.is_inference()]


def _check_unchanged(batch: LookupBatch, versions: list[int]) -> None:
    if _versions(batch) != versions:
        raise RuntimeError(
            "indices, offsets or weights of a lookup were changed in place between its forward and its backward pass; "
            "change a copy of them"
        )


class _FusedLookup(torch.autograd.Function):
    """`_Lookup` with a fused optimiser, no sample weights and nobody watching: autograd sees one weight of them all,
    since none gets a gradient from it, and each that it sees costs a microsecond a step. A backward pass that is asked
    for some `inputs` only takes the step if that one is among them."""

    @staticmethod
    def forward(
        ctx: Any,
        batch: LookupBatch,
        fused: FusedState,
        options: tuple[Any, ...],
        weights: list[Tensor],
        _trained: Tensor,
    ) -> Tensor:
        out, ctx.kept = _run("lookup", weights, *batch, *options, is_eager=True)
        ctx.batch, ctx.fused, ctx.weights, ctx.versions = batch, fused, weights, _versions(batch)
        return out  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        _check_unchanged(ctx.batch, ctx.versions)
        optimizer, states, rate = ctx.fused
        rule = (states, rate, optimizer.kind, optimizer.eps)
        before = (gradients[0], ctx.kept)
        _run("lookup_update", ctx.weights, *ctx.batch, *rule, is_eager=True, before=before)
        return (None,) * 5


def _gradients(
    run: Callable[..., Any],
    weights: list[Tensor],
    batch: Sequence[Any],
    wanted: Sequence[bool],
    sparse: Sequence[bool],
    wants_samples: bool,
) -> tuple[list[Tensor | None], Tensor | None]:
    """Gradient of each weight, sparse where asked for, and that of the sample weights; `run(op, weights, …)`."""
    is_dense = [want and not is_sparse for want, is_sparse in zip(wanted, sparse, strict=True)]
    found: list[Tensor | None] = [None] * len(weights)
    of_samples = None
    if any(is_dense) or wants_samples:
        gradients, of_samples = run("lookup_backward", weights, *batch, is_dense)
        found = [each if want else None for each, want in zip(gradients, is_dense, strict=True)]
    for slot, (want, is_sparse) in enumerate(zip(wanted, sparse, strict=True)):
        if want and is_sparse:
            rows, values = run("lookup_rows_backward", weights, *batch, slot)
            found[slot] = torch.sparse_coo_tensor(
                rows.unsqueeze(0), values, weights[slot].shape, check_invariants=False
            )
    return found, of_samples if wants_samples else None


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    weights, *batch, _, sparse, _ = inputs
    tensors = [value if isinstance(value, Tensor) else None for value in batch]
    ctx.save_for_backward(output[1], *tensors, *weights)
    ctx.set_materialize_grads(False)
    ctx.rest, ctx.sparse, ctx.weights = batch, sparse, len(weights)
    ctx.rest = [None if isinstance(value, Tensor) else value for value in batch]


def _differentiate(ctx: Any, gradient: Tensor | None, _: Tensor | None) -> tuple[Any, ...]:
    """The registered gradient of `lookup`, for those who watch the ops."""
    if gradient is None:
        return (None,) * 13
    kept, *saved = ctx.saved_tensors
    tensors, weights = saved[: -ctx.weights], saved[-ctx.weights :]
    batch = [rest if tensor is None else tensor for tensor, rest in zip(tensors, ctx.rest, strict=True)]
    run = partial(_run, is_eager=False, before=(gradient, kept))
    wanted, wants_samples = list(ctx.needs_input_grad[0]), ctx.needs_input_grad[4]
    found, of_samples = _gradients(run, list(weights), batch, wanted, ctx.sparse, wants_samples)
    return (found, None, None, None, of_samples, *(None,) * 8)


def _fake_lookup(weights: Sequence[Tensor], layout: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    bags, dim, kept_bytes = rest[5], rest[6], rest[-1]
    out = weights[0].new_empty((bags, layout.shape[0], dim))
    return out, weights[0].new_empty(kept_bytes, dtype=torch.uint8)


def _fake_backward(_gradient: Tensor, _kept: Tensor, weights: Sequence[Tensor], *rest: Any) -> Any:
    wanted, sample_weights = rest[-1], rest[3]
    gradients = [
        torch.empty_like(weight) if want else weight.new_empty(0) for weight, want in zip(weights, wanted, strict=True)
    ]
    return gradients, weights[0].new_empty(0) if sample_weights is None else torch.empty_like(sample_weights)


def _fake_rows_backward(gradient: Tensor, _kept: Tensor, weights: Sequence[Tensor], *_rest: Any) -> Any:
    count = torch.library.get_ctx().new_dynamic_size()
    return gradient.new_empty(count, dtype=torch.int64), weights[0].new_empty(count, gradient.shape[-1])


def _fake_update(*_arguments: Any) -> None: ...


@cache
def _kernel(package: str, name: str) -> Callable[..., Any]:
    """The kernel of a backend, whose package is imported when it is first called: compilers are slow to import."""
    kernel: Callable[..., Any] = getattr(import_module(f"ttrec_kernels.{package}.kernels"), name)
    return kernel


def _compiled_later(package: str, name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        return _kernel(package, name)(*arguments)

    return call


for _name, _fake in (
    ("lookup", _fake_lookup),
    ("lookup_backward", _fake_backward),
    ("lookup_rows_backward", _fake_rows_backward),
    ("lookup_update", _fake_update),
):
    _library.impl(_name, _compiled_later("cpu", _name), "CPU")  # type: ignore[no-untyped-call]
    _library.impl(_name, _compiled_later("cuda", _name), "CUDA")  # type: ignore[no-untyped-call]
    torch.library.register_fake(f"ttrec::{_name}", _fake, lib=_library)
torch.library.register_autograd("ttrec::lookup", _differentiate, setup_context=_keep_inputs, lib=_library)
