"""Compiled lookups through a cache against the contract, and training with fused optimisers against plain float64."""

import pytest
import torch
from contracts.cached_lookup_contract import CachedLookupContract, one_table
from torch import Tensor

from ttrec_kernels import (
    EmbeddingTables,
    FusedAdagrad,
    FusedSGD,
    RowCacheSettings,
    TableKind,
    TablePlan,
    ops,
    smallest_shape,
)


class TestCompiled(CachedLookupContract):
    @staticmethod
    def lookup_cached_bags(cores, cache_weight, keys, slots, indices, offsets, **options) -> Tensor:
        tables, batch = one_table(cores, cache_weight, keys, slots, indices, offsets, **options)
        kept = tables.kept_bytes(batch.bags, indices.numel(), False)
        return ops.lookup([*cores, cache_weight], batch, tables.names, [False] * (len(cores) + 1), kept, None)[:, 0]


DIM, BATCH, STEPS = 8, 32, 24
PLANS = [
    TablePlan("a", 3000, DIM, TableKind.TT, smallest_shape(3000, DIM, 6)),
    TablePlan("b", 70, DIM),
    TablePlan("c", 900, DIM, TableKind.TT, smallest_shape(900, DIM, 5)),
]
CACHE = RowCacheSettings(0.02, warmup_samples=4 * BATCH, refresh_every=6)


def stream() -> list[Tensor]:
    generator = torch.Generator().manual_seed(6)
    return [
        torch.stack([(torch.rand(BATCH, generator=generator) ** 5 * plan.rows).long() for plan in PLANS], dim=1)
        for _ in range(STEPS)
    ]


def train(tables: EmbeddingTables, optimizer: torch.optim.Optimizer | None) -> None:
    upstream = torch.randn(BATCH, len(PLANS), DIM, generator=torch.Generator().manual_seed(7))
    for step, batch in enumerate(stream()):
        tables(batch).backward(upstream.to(next(tables.parameters()).dtype))
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()
        tables.after_step(batch, (step + 1) * BATCH, [] if optimizer is None else [optimizer])


@pytest.mark.parametrize(
    ("fused", "plain"),
    [
        (FusedSGD(0.05), lambda parameters: torch.optim.SGD(parameters, lr=0.05)),
        (FusedAdagrad(0.05), lambda parameters: torch.optim.Adagrad(parameters, lr=0.05)),
    ],
    ids=["sgd", "adagrad"],
)
def test_fused_training_through_the_cache_is_plain_training(fused, plain):
    """Rows that stay keep their state, rows that enter start without: on both ways alike."""
    torch.sparse.check_sparse_tensor_invariants.disable()
    ours = EmbeddingTables(PLANS, cache=CACHE, seed=3, fused_optimizer=fused)
    theirs = EmbeddingTables(PLANS, cache=CACHE, seed=3, dtype=torch.float64, sparse_gradients=False)
    with torch.no_grad():
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            other.copy_(mine)
    before = {name: values.detach().clone() for name, values in ours.named_parameters()}
    train(ours, None)
    train(theirs, plain(list(theirs.parameters())))
    assert torch.equal(ours.row_cache.cached_rows, theirs.row_cache.cached_rows)
    assert ours.row_cache.hits() == theirs.row_cache.hits()
    assert sum(hits for hits, _ in ours.row_cache.hits()) > STEPS * BATCH / 2
    for name, values in theirs.named_parameters():
        found = dict(ours.named_parameters())[name]
        torch.testing.assert_close(
            found.double(), values, rtol=1e-3, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
        assert not torch.equal(found, before[name])
