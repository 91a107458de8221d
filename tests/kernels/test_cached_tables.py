"""EmbeddingTables with a row cache: the same function until rows are learned, then two ways learned apart."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from ttrec_kernels import DenseDistribution, EmbeddingTables, RowCacheSettings, TableKind, TablePlan, smallest_shape

DIM, BATCH = 4, 6
PLANS = [
    TablePlan("a", 300, DIM, TableKind.TT, smallest_shape(300, DIM, 3)),
    TablePlan("b", 7, DIM),
    TablePlan("c", 90, DIM, TableKind.TT, smallest_shape(90, DIM, 2)),
]


def make(cache: RowCacheSettings | None) -> EmbeddingTables:
    return EmbeddingTables(PLANS, cache=cache, seed=4, dtype=torch.float64)


def stream(steps: int) -> list[torch.Tensor]:
    """Skewed indices: small rows are frequent."""
    chance = np.random.default_rng(8)
    batches = [
        np.stack([(chance.random(BATCH) ** 4 * plan.rows).astype(np.int64) for plan in PLANS], axis=1)
        for _ in range(steps)
    ]
    return [torch.from_numpy(batch) for batch in batches]


def optimizers(tables: EmbeddingTables) -> list[torch.optim.Optimizer]:
    groups = (tables.dense_parameters(), tables.tt_parameters(), tables.cache_parameters())
    return [torch.optim.Adagrad(parameters, lr=0.1) for parameters in groups if parameters]


def train(tables: EmbeddingTables, steps: list[torch.optim.Optimizer], batches: list[torch.Tensor], done: int) -> int:
    for batch in batches:
        for optimizer in steps:
            optimizer.zero_grad()
        output = tables(batch)
        (output - 1).square().sum().backward()
        for optimizer in steps:
            optimizer.step()
        done += BATCH
        tables.after_step(batch, done, steps)
    return done


@pytest.fixture(autouse=True)
def _no_sparse_checks():
    torch.sparse.check_sparse_tensor_invariants.disable()


def test_filling_the_cache_changes_no_row():
    cached, plain = make(RowCacheSettings(0.05, warmup_samples=40 * BATCH)), make(None)
    everything = torch.stack([torch.arange(300) % plan.rows for plan in PLANS], dim=1)
    for step, batch in enumerate(stream(40)):
        assert not cached.row_cache.filled
        cached.after_step(batch, (step + 1) * BATCH)
    assert cached.row_cache.filled
    assert (cached.row_cache.cached_rows >= 0).sum() == 15 + 5
    torch.testing.assert_close(cached(everything), plain(everything), rtol=1e-12, atol=0)


def test_a_cached_row_is_learned_apart_from_the_cores():
    tables = make(RowCacheSettings(0.05))
    tables.after_step(torch.tensor([[5, 0, 9]] * 3), 3)
    row = torch.tensor([[5, 0, 9]])
    tables(row).sum().backward()
    for cores in tables.tt_cores.values():
        assert all(core.grad is None or not core.grad.any() for core in cores)
    assert tables.row_cache.weight.grad.sum().item() == pytest.approx(2 * DIM)
    before = tables(torch.tensor([[6, 0, 9]])).detach()
    with torch.no_grad():
        tables.row_cache.weight += 1
    after = tables(torch.tensor([[6, 0, 9]]))
    assert torch.equal(after[0, 0], before[0, 0])
    torch.testing.assert_close(after[0, 2], before[0, 2] + 1)


def test_before_the_warm_up_ends_training_is_as_without_a_cache():
    batches = stream(6)
    cached, plain = make(RowCacheSettings(0.05, warmup_samples=6 * BATCH + 1)), make(None)
    for tables in (cached, plain):
        train(tables, optimizers(tables), batches, 0)
    for name, cores in plain.tt_cores.items():
        for one, other in zip(cores, cached.tt_cores[name], strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("saved_after", [2, 5, 7])
def test_a_checkpoint_between_two_refreshes_goes_on_with_the_same_bits(saved_after):
    asked = RowCacheSettings(0.05, warmup_samples=3 * BATCH, refresh_every=3)
    batches = stream(14)
    first = make(asked)
    steps = optimizers(first)
    done = train(first, steps, batches[:saved_after], 0)
    saved, saved_steps = deepcopy(first.state_dict()), [deepcopy(step.state_dict()) for step in steps]
    train(first, steps, batches[saved_after:], done)

    second = make(asked)
    resumed_steps = optimizers(second)
    second.load_state_dict(saved)
    for step, state in zip(resumed_steps, saved_steps, strict=True):
        step.load_state_dict(state)
    train(second, resumed_steps, batches[saved_after:], done)
    assert first.state_dict().keys() == second.state_dict().keys()
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name]), name
    assert torch.equal(first(batches[0]), second(batches[0]))
    assert int(first.row_cache.clock.ticks[1]) > 0, "ended at a refresh, not between two"


def test_a_refresh_keeps_adagrads_sums_of_rows_that_stay():
    tables = make(RowCacheSettings(0.01, refresh_every=1))
    steps = optimizers(tables)
    train(tables, steps, [torch.tensor([[5, 0, 9]] * 4)], 0)
    assert tables.row_cache.cached_rows.tolist() == [5, -1, -1, 9]
    train(tables, steps, [torch.tensor([[3, 0, 9]] * 3)], 4)
    assert tables.row_cache.cached_rows.tolist() == [3, 5, -1, 9]
    sums = steps[2].state[tables.row_cache.weight]["sum"]
    assert sums[0].abs().max() == 0, "a row that enters has no history"
    assert sums[3].min() > 0, "a row that stays keeps its own"


@pytest.mark.parametrize("distribution", DenseDistribution)
def test_dense_tables_start_from_the_distribution_asked_for(distribution):
    tables = EmbeddingTables([TablePlan("b", 5000, DIM)], dense_distribution=distribution, seed=1)
    rms = tables.dense_weight.detach().square().mean().sqrt().item()
    assert rms == pytest.approx(distribution.variance(5000) ** 0.5, rel=0.05)
