"""Tensor trains in place of the `nn.EmbeddingBag` and `nn.Embedding` modules of any PyTorch model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ttrec_kernels.conversion_targets import find_modules, refusal, replace_module, tied_to
from ttrec_kernels.decompose import Decomposition, from_dense, with_useful_ranks
from ttrec_kernels.embedding import TTEmbedding
from ttrec_kernels.embedding_bag import TTEmbeddingBag
from ttrec_kernels.errors import PlanError, UnsupportedError
from ttrec_kernels.initialize import reconstructed_rms
from ttrec_kernels.shape_search import smallest_shape
from ttrec_kernels.shapes import TTShape, format_factors
from ttrec_kernels.table_plan import TableKind, TablePlan
from ttrec_kernels.unfolding import Table

TorchEmbedding = nn.Embedding | nn.EmbeddingBag


@dataclass(frozen=True)
class LargeTables:
    """A plan by size: every table of at least `min_rows` rows, at `rank` or within a relative error of `tolerance`."""

    min_rows: int
    rank: int | tuple[int, ...] | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if (self.rank is None) == (self.tolerance is None):
            raise PlanError("LargeTables needs rank or tolerance, one of the two")


@dataclass(frozen=True)
class ConvertedTable:
    """What became of one embedding module. `relative_error_bound` is None for fresh cores and for tables left dense."""

    name: str
    rows: int
    dim: int
    shape: TTShape | None
    bytes_before: int
    bytes_after: int
    relative_error_bound: float | None = None
    weighted_error: float | None = None
    reason: str = ""
    """Why the table was left as it was; empty otherwise."""


@dataclass(frozen=True)
class ConversionReport:
    """All embedding modules of a model after `convert`, in the model's order."""

    tables: tuple[ConvertedTable, ...]

    @property
    def bytes_before(self) -> int:
        """Bytes of all embedding weights before."""
        return sum(table.bytes_before for table in self.tables)

    @property
    def bytes_after(self) -> int:
        """Bytes of all embedding weights after."""
        return sum(table.bytes_after for table in self.tables)

    def __str__(self) -> str:
        lines = [_line(table) for table in self.tables]
        ratio = self.bytes_before / max(1, self.bytes_after)
        lines.append(f"all: {self.bytes_before:,} bytes before, {self.bytes_after:,} after, {ratio:.1f}× smaller")
        return "\n".join(lines)


def convert(
    model: nn.Module,
    plan: Sequence[TablePlan] | LargeTables,
    *,
    warm_start: bool = True,
    importance: Mapping[str, Table] | None = None,
) -> ConversionReport:
    """Replace embedding modules of `model` in place by `TTEmbeddingBag` and `TTEmbedding`; says bytes before and after.

    `plan`: table plans, whose names are paths of modules (`user.embedding`) or their ends where only one fits, or
    `LargeTables`. Options, device, dtype and `requires_grad` stay. With `warm_start` the cores are the TT-SVD of
    the weights, else fresh with their root mean square. `importance` (rows) by the plan's name, or the module's
    path, weighs rows as in `from_dense`. Make optimisers afterwards: they hold the parameters they were made with.

    Nothing is replaced if anything is wrong. Raises `PlanError` for names, sizes and kinds that do not fit, and
    `UnsupportedError` for modules that a tensor train cannot stand in for, such as tied ones.
    """
    modules = find_modules(model)
    importance = importance or {}
    if isinstance(plan, LargeTables):
        chosen = {path: path for path, module in modules.items() if _is_large(model, path, module, plan)}
        shapes: dict[str, TTShape | None] = {path: _shape_by_size(modules[path], plan) for path in chosen}
    else:
        chosen, shapes = _by_name(model, modules, plan)
    unknown = [name for name in importance if name not in chosen.values() and name not in chosen]
    if unknown:
        raise PlanError(f"importance is given for {unknown[0]!r}, which is not converted: {', '.join(chosen.values())}")
    made: dict[str, tuple[TTEmbedding | TTEmbeddingBag, Decomposition | None]] = {}
    for path, name in chosen.items():
        tolerance = plan.tolerance if isinstance(plan, LargeTables) else None
        weights = importance.get(name, importance.get(path))
        made[path] = _make(modules[path], shapes[path], tolerance, weights, warm_start)
    rows = []
    for path, module in modules.items():
        rows.append(_row(model, path, module, made.get(path), plan))
    for path, (new, _) in made.items():
        if _is_smaller(new, modules[path]) or not isinstance(plan, LargeTables):
            replace_module(model, modules[path], new)
    return ConversionReport(tuple(rows))


def _by_name(
    model: nn.Module, modules: Mapping[str, TorchEmbedding], plans: Sequence[TablePlan]
) -> tuple[dict[str, str], dict[str, TTShape | None]]:
    """Names in the plan and shapes by path, all checked; dense tables are left out."""
    chosen: dict[str, str] = {}
    shapes: dict[str, TTShape | None] = {}
    for plan in plans:
        fits = [path for path in modules if path == plan.name]
        fits = fits or [path for path in modules if path.endswith(f".{plan.name}")]
        if len(fits) != 1:
            found = f"{len(fits)} modules, {', '.join(fits)}" if fits else f"none of {', '.join(modules) or 'none'}"
            raise PlanError(f"table {plan.name!r} must name one embedding module of the model, but names {found}")
        path, module = fits[0], modules[fits[0]]
        if (module.num_embeddings, module.embedding_dim) != (plan.rows, plan.dim):
            raise PlanError(
                f"table {plan.name!r} is {plan.rows} × {plan.dim} in the plan, but the module {path} is "
                f"{module.num_embeddings} × {module.embedding_dim}"
            )
        if plan.kind == TableKind.DENSE:
            continue
        if plan.kind != TableKind.TT:
            raise PlanError(f"table {plan.name!r} is of kind {plan.kind}; convert makes tensor trains, kind tt")
        if path in chosen:
            raise PlanError(f"tables {chosen[path]!r} and {plan.name!r} are the same module {path}")
        why = _why_not(model, path, module)
        if why:
            raise UnsupportedError(why)
        chosen[path], shapes[path] = plan.name, plan.shape
    return chosen, shapes


def _why_not(model: nn.Module, path: str, module: TorchEmbedding) -> str:
    """Why a module cannot be replaced, or nothing."""
    reason = refusal(module)
    tied = tied_to(model, module)
    if tied:
        reason = f"its weight is shared with {tied}, which needs the dense table; untie them first"
    return f"{path or 'the model'}: {reason}" if reason else ""


def _is_large(model: nn.Module, path: str, module: TorchEmbedding, plan: LargeTables) -> bool:
    return module.num_embeddings >= plan.min_rows and not _why_not(model, path, module)


def _shape_by_size(module: TorchEmbedding, plan: LargeTables) -> TTShape | None:
    """The shape at the plan's rank; None where the tolerance decides."""
    if plan.rank is None:
        return None
    cores = 3 if isinstance(plan.rank, int) else len(plan.rank) + 1
    return with_useful_ranks(smallest_shape(module.num_embeddings, module.embedding_dim, plan.rank, cores=cores))


def _make(
    module: TorchEmbedding,
    shape: TTShape | None,
    tolerance: float | None,
    importance: Table | None,
    warm_start: bool,
) -> tuple[TTEmbedding | TTEmbeddingBag, Decomposition | None]:
    """The module's replacement, and what is known of its error where it was warm-started."""
    weight, found = module.weight, None
    if warm_start:
        found = from_dense(weight, shape=shape, tolerance=None if shape else tolerance, importance=importance)
    elif shape is None:
        raise PlanError("tolerance needs the trained weights: give LargeTables a rank, or let warm_start be true")
    new = _empty_twin(module, found.shape if found else shape)
    if found is None:
        _match_scale(new, weight)
    else:
        for core, values in zip(new.cores, found.cores, strict=True):
            core.data.copy_(values)
    for core in new.cores:
        core.requires_grad_(weight.requires_grad)
    new.train(module.training)
    return new, found


def _empty_twin(module: TorchEmbedding, shape: TTShape | None) -> TTEmbedding | TTEmbeddingBag:
    rows, dim, weight = module.num_embeddings, module.embedding_dim, module.weight
    if isinstance(module, nn.Embedding):
        return TTEmbedding(
            rows, dim, shape=shape, padding_idx=module.padding_idx, device=weight.device, dtype=weight.dtype
        )
    return TTEmbeddingBag(
        rows,
        dim,
        shape=shape,
        mode=module.mode,
        include_last_offset=module.include_last_offset,
        padding_idx=module.padding_idx,
        device=weight.device,
        dtype=weight.dtype,
    )


def _match_scale(new: TTEmbedding | TTEmbeddingBag, weight: Tensor) -> None:
    """Scale fresh cores to the weights' root mean square: nn.Embedding starts with 1, models often with less."""
    if weight.device.type == "meta":
        return
    ratio = float(weight.detach().double().square().mean().sqrt()) / reconstructed_rms(list(new.cores))
    with torch.no_grad():
        for core in new.cores:
            core.mul_(ratio ** (1 / len(new.cores)))


def _is_smaller(new: nn.Module, old: TorchEmbedding) -> bool:
    return sum(core.numel() for core in new.parameters()) < old.weight.numel()


def _row(
    model: nn.Module,
    path: str,
    module: TorchEmbedding,
    made: tuple[TTEmbedding | TTEmbeddingBag, Decomposition | None] | None,
    plan: Sequence[TablePlan] | LargeTables,
) -> ConvertedTable:
    size = module.weight.numel() * module.weight.element_size()
    rows, dim = module.num_embeddings, module.embedding_dim
    if made is None:
        reason = "not in the plan"
        if isinstance(plan, LargeTables):
            reason = _why_not(model, path, module) or f"fewer than {plan.min_rows} rows"
        return ConvertedTable(path, rows, dim, None, size, size, reason=reason)
    new, found = made
    if isinstance(plan, LargeTables) and not _is_smaller(new, module):
        return ConvertedTable(path, rows, dim, None, size, size, reason="a tensor train would be larger")
    after = sum(core.numel() * core.element_size() for core in new.cores)
    bound, weighted = (None, None) if found is None else (found.relative_error_bound, found.weighted_error)
    return ConvertedTable(path, rows, dim, new.shape, size, after, bound, weighted)


def _line(table: ConvertedTable) -> str:
    start = f"{table.name}: {table.rows:,} × {table.dim}, {table.bytes_before:,} bytes"
    if table.shape is None:
        return f"{start}, left as it is: {table.reason}"
    ranks = format_factors(table.shape.ranks[1:-1])
    bound = table.relative_error_bound
    error = ", fresh" if bound is None else f", relative error at most {bound:.3g}"
    return f"{start} to {table.bytes_after:,} at ranks {ranks}{error}"
