"""Arithmetic and traffic of a training step with SGD: the least that any way to compute it needs.

A multiply-add is two operations. A layer's product is done three times, but for the first layer of the bottom MLP,
whose inputs need no gradient; so is each dot product of the interaction. Weights are read once and once more to be
updated and written; inputs are read once; activations in between are not counted.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.bench.timing import Work
from ttrec_cli.bench.work import ITEM_BYTES, dense_work, tt_work
from ttrec_cli.config import ModelConfig
from ttrec_cli.dlrm.interaction import interactions
from ttrec_kernels import TablePlan


def mlps_work(model: ModelConfig, tables: int, dim: int, batch: int, dense_features: int = 13) -> Work:
    """Of both MLPs: forward, backward, update."""
    bottom = (dense_features, *model.bottom_mlp, dim)
    top = (interactions(tables) + dim, *model.top_mlp, 1)
    weights = [inputs * outputs for widths in (bottom, top) for inputs, outputs in itertools.pairwise(widths)]
    biases = sum(bottom[1:]) + sum(top[1:])
    flops = 2 * batch * (3 * sum(weights) - weights[0])
    traffic = 3 * (sum(weights) + biases) + batch * (dense_features + dim + 1)
    return Work(float(flops), float(traffic * ITEM_BYTES))


def step_work(
    model: ModelConfig, plans: Sequence[TablePlan], batches: Sequence[NDArray[np.integer]], dense_features: int = 13
) -> Work:
    """Of a whole step, mean over `batches` of indices (batch, tables)."""
    batch, dim = len(batches[0]), plans[0].dim
    works = [mlps_work(model, len(plans), dim, batch, dense_features)]
    works.append(Work(flops=6.0 * batch * interactions(len(plans)) * dim))
    for column, plan in enumerate(plans):
        indices = [each[:, column : column + 1].astype(np.int64) for each in batches]
        works.append(
            dense_work(dim, indices, train=True) if plan.shape is None else tt_work(plan.shape, indices, train=True)
        )
    return Work(sum(work.flops for work in works), sum(work.bytes for work in works))
