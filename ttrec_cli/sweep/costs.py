"""Exact bytes of a trial, known before anything is trained."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from ttrec_cli.config import Method, ModelConfig, Optimizer, TrialConfig
from ttrec_kernels import RowCacheSettings, TableKind, TablePlan
from ttrec_kernels.cache_plan import cache_bytes

ITEM_BYTES = 4
INDEX_BYTES = 8


@dataclass(frozen=True)
class Costs:
    """Bytes by what they are for; `dense_*` are those of the uncompressed model of the same dim.

    `training_bytes` are weights, optimiser state and gradients; `activation_bytes` of one batch come on top.
    """

    embedding_bytes: int
    model_bytes: int
    optimizer_bytes: int
    training_bytes: int
    dense_embedding_bytes: int
    dense_model_bytes: int
    activation_bytes: int = 0
    cache_bytes: int = 0
    """Cached rows and their index, a part of `embedding_bytes`."""

    @property
    def needed_bytes(self) -> int:
        """Bytes that training surely holds at once, at the end of a forward pass: the least that it needs."""
        return self.training_bytes + self.activation_bytes

    @property
    def compression(self) -> float:
        """Uncompressed embedding bytes over these."""
        return self.dense_embedding_bytes / self.embedding_bytes

    @property
    def model_compression(self) -> float:
        """Uncompressed model bytes over these."""
        return self.dense_model_bytes / self.model_bytes


def costs(config: TrialConfig, plans: Sequence[TablePlan], dense_features: int = 13) -> Costs:
    """Bytes of the model that `config`, its table plans and so many dense features make: fp32, but for int8 tables.

    Cached rows and their probe index are part of the embeddings; counts, which training alone needs, are not.
    """
    mlp_parameters = mlp_size(config.model, len(plans), config.dim, dense_features)
    tt_parameters = sum(plan.parameters for plan in plans if plan.shape is not None)
    dense_parameters = sum(plan.parameters for plan in plans if plan.shape is None)
    trained_tt = 0 if config.method == Method.TT_FROZEN else tt_parameters
    uncompressed = sum(plan.rows * plan.dim for plan in plans)
    cache = row_cache_settings(config, plans)
    cached_bytes, index_bytes, count_bytes = (0, 0, 0) if cache is None else cache_bytes(plans, cache, ITEM_BYTES)
    cached_parameters = cached_bytes // ITEM_BYTES
    parameters = mlp_parameters + tt_parameters + dense_parameters + cached_parameters
    trained = mlp_parameters + dense_parameters + trained_tt + cached_parameters
    optimizer_parameters = trained if config.train.optimizer == Optimizer.ADAGRAD else 0
    # Dense tables, tensor trains and cached rows are trained inside the backward pass: they have no gradients at rest.
    unfused = [plan for plan in plans if plan.kind not in (TableKind.DENSE, TableKind.TT)]
    sparse_gradients = sum(plan.shape is None for plan in unfused)
    sparse_gradient_bytes = config.train.batch_size * sparse_gradients * (config.dim * ITEM_BYTES + INDEX_BYTES)
    gradient_parameters = mlp_parameters + sum(plan.parameters for plan in unfused if plan.shape is not None)
    gradient_bytes = gradient_parameters * ITEM_BYTES + sparse_gradient_bytes
    embedding_bytes = sum(plan.bytes(ITEM_BYTES) for plan in plans) + cached_bytes + index_bytes
    return Costs(
        embedding_bytes=embedding_bytes,
        model_bytes=embedding_bytes + mlp_parameters * ITEM_BYTES,
        optimizer_bytes=optimizer_parameters * ITEM_BYTES,
        training_bytes=(parameters + optimizer_parameters) * ITEM_BYTES + gradient_bytes + index_bytes + count_bytes,
        dense_embedding_bytes=uncompressed * ITEM_BYTES,
        dense_model_bytes=(uncompressed + mlp_parameters) * ITEM_BYTES,
        activation_bytes=config.train.batch_size * activations(config, len(plans)) * ITEM_BYTES,
        cache_bytes=cached_bytes + index_bytes,
    )


def row_cache_settings(
    config: TrialConfig, plans: Sequence[TablePlan], train_samples: int = 0
) -> RowCacheSettings | None:
    """The row cache that a trial of so many training samples has; none without rows or tensor trains."""
    asked = config.cache
    if not asked.rows_fraction or not any(plan.kind == TableKind.TT for plan in plans):
        return None
    return RowCacheSettings(asked.rows_fraction, ceil(asked.warmup_fraction * train_samples), asked.refresh_every)


def mlp_size(model: ModelConfig, tables: int, dim: int, dense_features: int = 13) -> int:
    """Parameters of both MLPs: weights and biases."""
    pairs = (tables + 1) * tables // 2
    bottom = (dense_features, *model.bottom_mlp, dim)
    top = (pairs + dim, *model.top_mlp, 1)
    return sum((inputs + 1) * outputs for widths in (bottom, top) for inputs, outputs in itertools.pairwise(widths))


def activations(config: TrialConfig, tables: int) -> int:
    """Numbers a sample that a forward pass keeps for the backward one: what layers and interactions put out."""
    pairs = (tables + 1) * tables // 2
    vectors = (tables + 1) * config.dim
    products = (tables + 1) ** 2
    return sum(config.model.bottom_mlp) + vectors + products + pairs + sum(config.model.top_mlp)
