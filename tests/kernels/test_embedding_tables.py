"""EmbeddingTables: many tables, dense and TT, equal to one nn.Embedding each; seeds belong to tables."""

import pytest
import torch
from contracts.lookup_contract import fresh_generator
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ttrec_kernels import (
    BackendError,
    BagError,
    EmbeddingTables,
    FusedAdagrad,
    FusedSGD,
    IndexRangeError,
    PlanError,
    TableKind,
    TablePlan,
    reconstructed_rms,
    smallest_shape,
)
from ttrec_kernels.reference.to_dense import to_dense

DIM = 4
SIZES = {"a": 50, "b": 1, "c": 7, "d": 120, "keys": 33}


def plan(name: str, kind: str, rank: int = 3) -> TablePlan:
    rows = SIZES[name]
    shape = smallest_shape(rows, DIM, rank) if kind == "tt" else None
    return TablePlan(name, rows, DIM, TableKind(kind), shape)


def plans(kinds: str) -> list[TablePlan]:
    """One letter a table: d for dense, t for TT."""
    return [plan(name, "tt" if letter == "t" else "dense") for name, letter in zip(SIZES, kinds, strict=True)]


def dense_tables(tables: EmbeddingTables) -> list[torch.Tensor]:
    """The whole table of each plan, read from the parameters."""
    start, found = 0, []
    for plan in tables.plans:
        if plan.name in tables.tt_cores:
            found.append(to_dense(tables.tt_cores[plan.name], plan.rows))
        else:
            found.append(tables.dense_weight[start : start + plan.rows])
            start += plan.rows
    return found


def random_indices(bags: int) -> torch.Tensor:
    generator = fresh_generator()
    return torch.stack([torch.randint(rows, (bags,), generator=generator) for rows in SIZES.values()], dim=1)


@settings(deadline=None, max_examples=30)
@given(st.text("dt", min_size=5, max_size=5), st.integers(0, 6), st.booleans())
def test_equals_one_embedding_per_table(kinds, bags, sparse):
    tables = EmbeddingTables(plans(kinds), sparse_gradients=sparse, dtype=torch.float64)
    indices = random_indices(bags)
    output = tables(indices.int())
    weights = dense_tables(tables)
    expected = torch.stack(
        [nn.functional.embedding(indices[:, column], weight) for column, weight in enumerate(weights)], dim=1
    )
    torch.testing.assert_close(output, expected)
    upstream = torch.randn_like(output)
    parameters = list(tables.parameters())
    found = torch.autograd.grad(output, parameters, upstream)
    wanted = torch.autograd.grad(expected, parameters, upstream)
    for parameter, one, other in zip(parameters, found, wanted, strict=True):
        assert one.is_sparse == (sparse and parameter is tables.dense_weight)
        torch.testing.assert_close(one.to_dense() if one.is_sparse else one, other)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adagrad])
def test_torchs_optimisers_train_both_kinds(optimizer):
    generator = fresh_generator()
    tables = EmbeddingTables(plans("dtdtd"))
    groups = [tables.dense_parameters(), tables.tt_parameters()]
    steps = [optimizer(parameters, lr=0.05) for parameters in groups]
    indices, target = random_indices(40), torch.randn(40, 5, DIM, generator=generator) * 0.1
    losses = []
    for _ in range(60):
        loss = (tables(indices) - target).square().mean()
        losses.append(loss.item())
        for step in steps:
            step.zero_grad()
        loss.backward()
        # torch's sparse Adagrad warns unless somebody has said whether to check sparse tensors.
        with torch.sparse.check_sparse_tensor_invariants(enable=False):
            for step in steps:
                step.step()
    assert losses[-1] < losses[0]


def test_frozen_cores_take_no_gradient():
    tables = EmbeddingTables(plans("dtdtd"))
    for core in tables.tt_parameters():
        core.requires_grad_(False)
    tables(random_indices(3)).sum().backward()
    assert all(core.grad is None for core in tables.tt_parameters())
    assert tables.dense_weight.grad is not None


def test_a_tables_values_do_not_depend_on_how_others_are_stored():
    first, second, alone = (EmbeddingTables(plans(kinds), seed=3) for kinds in ("ddtdt", "dtttd", "ttttd"))
    for one, other in ((first, second), (second, alone), (first, alone)):
        for plan, a, b in zip(one.plans, dense_tables(one), dense_tables(other), strict=True):
            if plan in other.plans:
                assert torch.equal(a, b), plan.name
    reordered = EmbeddingTables(plans("ddtdt")[::-1], seed=3)
    for a, b in zip(dense_tables(first), dense_tables(reordered)[::-1], strict=True):
        assert torch.equal(a, b)


def test_other_seeds_give_other_values():
    one, other = (EmbeddingTables(plans("dtdtd"), seed=seed) for seed in (0, 1))
    for plan, a, b in zip(one.plans, dense_tables(one), dense_tables(other), strict=True):
        assert not torch.equal(a, b), plan.name


def test_initial_values_of_both_kinds():
    big = TablePlan("big", 10_000, 8)
    tt = TablePlan("tt", 10_000, 8, TableKind.TT, smallest_shape(10_000, 8, 4))
    tables = EmbeddingTables([big, tt], distribution="uniform")
    assert tables.dense_weight.abs().max().item() <= 0.01
    assert tables.dense_weight.square().mean().sqrt().item() == pytest.approx(30_000**-0.5, rel=0.02)
    assert reconstructed_rms(tables.tt_cores["tt"]) == pytest.approx(30_000**-0.5, rel=1e-6)
    paper = EmbeddingTables([big, tt], scale="paper")
    assert reconstructed_rms(paper.tt_cores["tt"]) > 20 * 30_000**-0.5


def test_parameters_and_bytes():
    tables = EmbeddingTables(plans("dtddt"))
    assert len(tables.dense_parameters()) == 1
    assert len(tables.tt_parameters()) == 6
    assert list(tables.tt_cores) == ["b", "keys"]
    assert tables.table_bytes() == {plan.name: plan.bytes() for plan in tables.plans}
    assert sum(tables.table_bytes().values()) == sum(p.numel() * p.element_size() for p in tables.parameters())
    assert "3 dense and 2 TT tables, dim=4" in repr(tables)


def test_one_kind_only():
    dense, tt = EmbeddingTables(plans("ddddd")), EmbeddingTables(plans("ttttt"))
    assert (dense.tt_parameters(), tt.dense_parameters()) == ([], [])
    assert list(dense.state_dict()) == ["dense_weight"]
    assert dense(random_indices(2)).shape == tt(random_indices(2)).shape == (2, 5, DIM)


def test_state_dict_round_trip():
    one, other = (EmbeddingTables(plans("dtdtd"), seed=seed) for seed in (0, 1))
    assert list(one.state_dict())[:2] == ["dense_weight", "tt_tables.0.0"]
    other.load_state_dict(one.state_dict())
    indices = random_indices(5)
    assert torch.equal(one(indices), other(indices))


@pytest.mark.parametrize(("column", "index"), [(3, 120), (0, -1), (1, 1)])
def test_index_out_of_range_names_table_index_and_rows(column, index):
    indices = random_indices(6)
    indices[4, column] = index
    name = list(SIZES)[column]
    message = f"index {index} lies outside table {name}, which has {SIZES[name]} rows"
    with pytest.raises(IndexRangeError, match=message):
        EmbeddingTables(plans("dtdtd"))(indices)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        (torch.zeros(3, 4, dtype=torch.int64), r"for 5 tables, but are \(3, 4\)"),
        (torch.zeros(5, dtype=torch.int64), r"for 5 tables, but are \(5,\)"),
        (torch.zeros(3, 5), "must be int32 or int64"),
    ],
)
def test_indices_of_another_form_are_refused(indices, message):
    with pytest.raises(BagError, match=message):
        EmbeddingTables(plans("dtdtd"))(indices)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "at least one table plan"),
        ([TablePlan("a", 3, 4), TablePlan("b", 3, 8)], "same dim, but a has 4 and b has 8"),
        ([TablePlan("a", 3, 4), TablePlan("a", 5, 4)], "names must differ, but a occurs twice"),
    ],
)
def test_plans_that_do_not_go_together_are_refused(wrong, message):
    with pytest.raises(PlanError, match=message):
        EmbeddingTables(wrong)


def test_an_unknown_backend_is_refused():
    with pytest.raises(BackendError, match="'cuda' needs a CUDA device"):
        EmbeddingTables(plans("ddddd"), backend="cuda")


@settings(deadline=None, max_examples=20)
@given(st.text("dt", min_size=5, max_size=5), st.sampled_from(["sgd", "adagrad"]))
def test_a_fused_optimizer_trains_all_tables(kinds, name):
    """Twenty steps end at the same weights as torch's optimiser on the reference in float64."""
    fused = FusedSGD(0.005) if name == "sgd" else FusedAdagrad(0.005)
    tables = EmbeddingTables(plans(kinds), fused_optimizer=fused)
    exact = EmbeddingTables(plans(kinds), dtype=torch.float64, sparse_gradients=False)
    exact.load_state_dict({key: tables.state_dict()[key] for key in exact.state_dict()})
    make = torch.optim.SGD if name == "sgd" else torch.optim.Adagrad
    optimizer = make(exact.parameters(), lr=0.005)
    for _ in range(20):
        indices = random_indices(6)
        optimizer.zero_grad()
        for module in (tables, exact):
            module(indices).square().sum().backward()
        optimizer.step()
    for mine, theirs in zip(tables.parameters(), exact.parameters(), strict=True):
        torch.testing.assert_close(mine.double(), theirs, rtol=1e-3, atol=1e-4)


@settings(deadline=None, max_examples=20)
@given(st.text("dt", min_size=5, max_size=5))
def test_bags_are_sums_of_rows(kinds):
    tables = EmbeddingTables(plans(kinds))
    generator = fresh_generator()
    sizes = torch.randint(4, (5 * 3,), generator=generator)
    offsets = torch.cat((torch.zeros(1, dtype=torch.int64), sizes.cumsum(0)))
    parts = [
        torch.randint(rows, (int(sizes[3 * t : 3 * t + 3].sum()),), generator=generator)
        for t, rows in enumerate(SIZES.values())
    ]
    vectors = tables(torch.cat(parts), offsets)
    for t, table in enumerate(dense_tables(tables)):
        ends = offsets[3 * t : 3 * t + 4] - offsets[3 * t]
        for b in range(3):
            expected = table[parts[t][ends[b] : ends[b + 1]]].sum(0)
            torch.testing.assert_close(vectors[b, t], expected, rtol=1e-4, atol=1e-5)
