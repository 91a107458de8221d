"""Lookups through a row cache by the CUDA kernels, executed on the host, keep the cache's contract."""

import pytest
import torch
from contracts.cached_lookup_contract import CachedLookupContract, one_table
from cuda_emulator.emulator import Emulator
from torch import Tensor

from ttrec_kernels.cuda import kernels


class Lookup(torch.autograd.Function):
    """The functions behind the registered ops as one differentiable function."""

    @staticmethod
    def forward(ctx, tables, batch, _sample_weights, *weights):
        ctx.batch, ctx.weights = batch, weights
        output, ctx.kept = kernels.lookup(weights, *batch, tables.names, [False] * len(weights), 0)
        return output[:, 0]

    @staticmethod
    def backward(ctx, gradient):
        wanted = [True] * len(ctx.weights)
        found, of_samples = kernels.lookup_backward(gradient[:, None], ctx.kept, ctx.weights, *ctx.batch, wanted)
        return None, None, of_samples if ctx.needs_input_grad[2] else None, *found


class TestEmulated(CachedLookupContract):
    @pytest.fixture(autouse=True)
    def _emulate(self, build_folder):
        with Emulator(build_folder).installed():
            yield

    @staticmethod
    def lookup_cached_bags(cores, cache_weight, keys, slots, indices, offsets, **options) -> Tensor:
        tables, batch = one_table(cores, cache_weight, keys, slots, indices, offsets, **options)
        return Lookup.apply(tables, batch, batch.sample_weights, *cores, cache_weight)
