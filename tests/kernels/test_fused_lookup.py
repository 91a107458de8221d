"""A fused lookup is one node of autograd: it notices what it should, and takes the step that it should."""

from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ttrec_kernels import EmbeddingTables, FusedSGD, TableKind, TablePlan, smallest_shape

PLANS = [
    TablePlan("train", 1000, 16, TableKind.TT, smallest_shape(1000, 16, 8)),
    TablePlan("dense", 50, 16),
    TablePlan("other", 400, 16, TableKind.TT, smallest_shape(400, 16, 4)),
]


def tables(rate: float | None = 0.1) -> EmbeddingTables:
    return EmbeddingTables(PLANS, seed=3, fused_optimizer=None if rate is None else FusedSGD(rate))


def batch(bags: int) -> torch.Tensor:
    return torch.stack([torch.randint(0, plan.rows, (bags,)) for plan in PLANS], dim=1)


def changed(before: EmbeddingTables, after: EmbeddingTables) -> list[bool]:
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    return [not torch.equal(one, other) for one, other in pairs]


@pytest.mark.parametrize("weighted", [False, True])
def test_a_batch_that_is_changed_before_the_backward_pass(weighted: bool) -> None:
    """Its tries belong to the old offsets: read with new ones, they would lead anywhere."""
    ours, indices, offsets = tables(), torch.randint(0, 50, (12,)), torch.arange(13)
    if weighted:
        indices = batch(4)
    vectors = ours(indices) if weighted else ours(indices, offsets)
    (indices if weighted else offsets).add_(0)
    with pytest.raises(RuntimeError, match="changed in place between its forward and its backward pass"):
        vectors.sum().backward()
    assert not any(changed(tables(), ours))


@pytest.mark.parametrize("bags", [3, 3000])
def test_a_small_step_is_not_lost_term_by_term(bags: int) -> None:
    """Each term is far below the last bit of a weight, their sum above it."""
    fused, unfused, indices = tables(1e-6), tables(None), batch(bags)
    rate, vectors = 1e-6, unfused(indices)
    vectors.sum().backward()
    fused(indices).sum().backward()
    for (name, ours), theirs, before in zip(
        fused.named_parameters(), unfused.parameters(), tables().parameters(), strict=True
    ):
        if name == "dense_weight":  # a step for each lookup, as said in `cpu.stored_rows`
            continue
        step, wanted = (ours - before).double(), -rate * theirs.grad.double()
        ulps = (step - wanted).abs() / torch.finfo(torch.float32).eps / before.abs().double()
        assert ulps.max() <= 1.01, name


@pytest.fixture
def default_dtype() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("default_dtype")
def test_defaults_of_torch_do_not_reach_compiled_code() -> None:
    torch.set_default_dtype(torch.float32)
    ours, indices = tables(), batch(20)
    expected = ours(indices).detach().clone()
    torch.set_default_dtype(torch.float64)
    with torch.device("meta"):
        found = ours(indices)
        found.sum().backward()
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    assert all(changed(tables(), ours))


def test_a_module_that_is_only_partly_on_the_cpu() -> None:
    ours = tables()
    ours.tt_tables.to("meta")
    with pytest.raises(TypeError, match="float32 weights on the CPU"):
        ours(batch(3))


def test_one_process_of_distributed_data_parallel() -> None:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        model = nn.Sequential(tables(), nn.Linear(16, 1))
        parallel = DistributedDataParallel(model)
        for _ in range(3):
            parallel(batch(8)).sum().backward()
    finally:
        distributed.destroy_process_group()
    assert all(changed(tables(), model[0]))


def test_frozen_tables_stay() -> None:
    ours = tables()
    for core in ours.tt_parameters():
        core.requires_grad_(False)
    ours(batch(2000)).sum().backward()
    names = [name for name, _ in ours.named_parameters()]
    assert changed(tables(), ours) == [name == "dense_weight" for name in names]
