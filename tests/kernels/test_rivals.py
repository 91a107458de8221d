"""Hashed, quotient–remainder and low-rank tables: what they compute, how they start, what they take."""

from math import sqrt

import numpy as np
import pytest
import torch

from ttrec_kernels import EmbeddingTables, IndexRangeError, PlanError, TableKind, TablePlan, smallest_shape
from ttrec_kernels.hashing import MULTIPLIERS, buckets_of
from ttrec_kernels.quantize import dequantize_rows, quantize_rows, round_tables
from ttrec_kernels.rivals import make_rival

ROWS, DIM = 5000, 8
PLANS = {
    "hash": TablePlan("t", ROWS, DIM, TableKind.HASH, buckets=300),
    "double-hash": TablePlan("t", ROWS, DIM, TableKind.DOUBLE_HASH, buckets=300),
    "qr": TablePlan("t", ROWS, DIM, TableKind.QR, buckets=90),
    "low-rank": TablePlan("t", ROWS, DIM, TableKind.LOW_RANK, rank=3),
    "tt+hash": TablePlan("t", ROWS, DIM, TableKind.TT_HASH, smallest_shape(1250, DIM, 6), buckets=1250),
}
KINDS = pytest.mark.parametrize("kind", PLANS)


def make(kind: str, seed: int = 0):
    table = make_rival(PLANS[kind])
    table.reset_parameters(torch.Generator().manual_seed(seed))
    return table


@KINDS
def test_rows_come_in_any_order_and_bytes_are_those_of_the_plan(kind) -> None:
    table = make(kind)
    ids = torch.tensor([0, 4999, 17, 17, 2500], dtype=torch.int32)
    rows = table(ids)
    assert rows.shape == (5, DIM)
    assert torch.equal(rows[2], rows[3])
    assert torch.equal(table(ids.flip(0).long()), rows.flip(0))
    assert table(ids[:0]).shape == (0, DIM)
    assert sum(parameter.numel() for parameter in table.parameters()) == PLANS[kind].parameters
    assert PLANS[kind].bytes() == 4 * PLANS[kind].parameters


@KINDS
def test_entries_start_as_large_as_dense_ones(kind) -> None:
    squares = [float(make(kind, seed)(torch.arange(ROWS)).detach().square().mean()) for seed in range(8)]
    assert sqrt(np.mean(squares)) == pytest.approx(1 / sqrt(3 * ROWS), rel=0.05)


@KINDS
def test_a_seed_decides_all_numbers(kind) -> None:
    ids = torch.arange(ROWS)
    assert torch.equal(make(kind, 3)(ids), make(kind, 3)(ids))
    assert not torch.equal(make(kind, 3)(ids), make(kind, 4)(ids))


@KINDS
def test_all_numbers_get_gradients(kind) -> None:
    table = make(kind)
    table(torch.arange(ROWS)).square().sum().backward()
    for parameter in table.parameters():
        assert (parameter.grad != 0).double().mean() > 0.95


@pytest.mark.parametrize(("kind", "distinct"), [("hash", 300), ("double-hash", 4500), ("qr", 5000), ("low-rank", 5000)])
def test_how_many_rows_differ(kind, distinct) -> None:
    rows = make(kind)(torch.arange(ROWS)).detach()
    assert len(torch.unique(rows, dim=0)) >= 0.97 * distinct


def test_qr_is_the_product_of_two_rows() -> None:
    table = make("qr")
    expected = table.quotients[4321 // 90] * table.remainders[4321 % 90]
    assert torch.equal(table(torch.tensor([4321]))[0], expected)
    assert table.quotients.shape == (-(-ROWS // 90), DIM)


class TestHashing:
    """Multiply-shift in 64 bits."""

    def test_is_the_arithmetic_of_unsigned_numbers(self) -> None:
        ids = [0, 1, 2, 12345, 2**31, 2**40 + 7, 2**62 - 1]
        for function, multiplier in enumerate(MULTIPLIERS):
            expected = [(((i * (multiplier % 2**64)) % 2**64) >> 33) * 1000 >> 31 for i in ids]
            assert buckets_of(torch.tensor(ids), 1000, function).tolist() == expected

    @pytest.mark.parametrize("buckets", [1, 7, 1000, 65536])
    def test_fills_buckets_evenly(self, buckets) -> None:
        counts = torch.bincount(buckets_of(torch.arange(200_000), buckets), minlength=buckets).double()
        assert len(counts) == buckets
        assert counts.var(correction=0) <= 1.3 * 200_000 / buckets  # that of random buckets is their mean

    def test_two_functions_disagree(self) -> None:
        ids = torch.arange(100_000)
        same = (buckets_of(ids, 1000, 0) == buckets_of(ids, 1000, 1)).double().mean()
        assert same < 0.003


class TestTables:
    """Rivals beside dense tables and tensor trains in one model."""

    plans = tuple(
        TablePlan(f"t{number}", plan.rows, plan.dim, plan.kind, plan.shape, buckets=plan.buckets, rank=plan.rank)
        for number, plan in enumerate(
            [
                *PLANS.values(),
                TablePlan("", 40, DIM),
                TablePlan("", ROWS, DIM, TableKind.TT, smallest_shape(ROWS, DIM, 4)),
            ]
        )
    )

    def test_every_column_is_its_table(self) -> None:
        tables = EmbeddingTables(self.plans, sparse_gradients=False)
        ids = torch.stack([torch.tensor([3, 39, 0]) + number for number in range(7)], dim=1) % 40
        rows = tables(ids)
        assert rows.shape == (3, 7, DIM)
        for column, name in enumerate(["t0", "t1", "t2", "t3", "t4"]):
            assert torch.equal(rows[:, column], tables.rivals[name](ids[:, column]))
        assert torch.equal(rows[:, 5], tables.dense_parameters()[0][ids[:, 5]])
        rows.sum().backward()
        assert all(parameter.grad is not None for parameter in tables.parameters())
        assert tables.table_bytes() == {plan.name: plan.bytes() for plan in self.plans}
        assert sum(map(torch.numel, tables.parameters())) == sum(plan.parameters for plan in self.plans)

    def test_a_tables_start_depends_on_its_name_alone(self) -> None:
        all_tables, alone = EmbeddingTables(self.plans, seed=3), EmbeddingTables(self.plans[2:3], seed=3)
        ids = torch.arange(50)
        assert torch.equal(all_tables.rivals["t2"](ids), alone.rivals["t2"](ids))

    def test_indices_are_checked(self) -> None:
        tables = EmbeddingTables(self.plans[:1])
        with pytest.raises(IndexRangeError, match="index 5000 lies outside table t0"):
            tables(torch.tensor([[5000]]))

    def test_state_and_repr(self) -> None:
        tables, other = EmbeddingTables(self.plans, seed=1), EmbeddingTables(self.plans, seed=2)
        other.load_state_dict(tables.state_dict())
        ids = torch.zeros(1, 7, dtype=torch.int64)
        assert torch.equal(tables(ids), other(ids))
        assert "5 of other kinds" in repr(tables)

    def test_sparse_gradients_train_as_dense_ones_do(self) -> None:
        weights = []
        for sparse in (False, True):
            tables = EmbeddingTables(self.plans[:4], sparse_gradients=sparse)
            optimizer = torch.optim.SGD(tables.parameters(), lr=1.0)
            tables(torch.tensor([[1, 2, 3, 4], [1, 7, 3, 4999]])).square().sum().backward()
            optimizer.step()
            weights.append([parameter.detach() for parameter in tables.parameters()])
        for dense, sparse in zip(*weights, strict=True):
            torch.testing.assert_close(dense, sparse)


class TestInt8:
    """After training: a byte a number and a scale a row."""

    def test_rows_are_within_half_a_step(self) -> None:
        values = torch.randn(100, 16) * torch.logspace(-6, 2, 100)[:, None]
        values[7] = 0
        quantized, scales = quantize_rows(values)
        assert quantized.dtype == torch.int8
        back = dequantize_rows(quantized, scales)
        assert ((back - values).abs() <= 0.5001 * scales[:, None]).all()
        assert not back[7].any()
        assert torch.equal(dequantize_rows(*quantize_rows(back)), back) or torch.allclose(
            dequantize_rows(*quantize_rows(back)), back, rtol=1e-6
        )

    def test_only_tables_that_ask_for_it_are_rounded(self) -> None:
        shape = smallest_shape(ROWS, DIM, 4)
        plans = (
            TablePlan("a", 50, DIM),
            TablePlan("b", 60, DIM, int8=True),
            TablePlan("c", ROWS, DIM, TableKind.TT, shape, int8=True),
            TablePlan("d", ROWS, DIM, TableKind.TT, shape),
        )
        tables = EmbeddingTables(plans)
        ids = torch.arange(50).unsqueeze(1).expand(50, 4)
        before = tables(ids).detach()
        assert round_tables(tables) == ("b", "c")
        after = tables(ids).detach()
        same = [torch.equal(before[:, k], after[:, k]) for k in range(4)]
        assert same == [True, False, False, True]
        assert (after - before).norm() < 0.02 * before.norm()
        assert plans[1].bytes() == 60 * DIM + 60 * 4
        assert plans[2].bytes() == shape.parameters + 4 * sum(shape.row_factors)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": TableKind.HASH}, "of kind hash lacks buckets"),
        ({"kind": TableKind.DENSE, "buckets": 3}, "of kind dense has buckets"),
        ({"kind": TableKind.HASH, "buckets": 0}, "needs buckets of 1 … 5000, has 0"),
        ({"kind": TableKind.HASH, "buckets": 5001}, "needs buckets of 1 … 5000"),
        ({"kind": TableKind.LOW_RANK, "rank": 9}, "needs rank of 1 … 8"),
        ({"kind": TableKind.HASH, "buckets": 3, "int8": True}, "cannot be int8"),
        ({"kind": TableKind.TT_HASH, "buckets": 70}, "lacks a shape"),
        ({"kind": TableKind.TT_HASH, "buckets": 70, "shape": smallest_shape(71, 8, 2)}, "is 70 × 8, its shape is 71"),
    ],
)
def test_plans_that_cannot_be(arguments, message) -> None:
    with pytest.raises(PlanError, match=message):
        TablePlan("t", ROWS, DIM, **arguments)


@KINDS
def test_the_yaml_form_comes_back(kind) -> None:
    assert TablePlan.from_dict(PLANS[kind].to_dict()) == PLANS[kind]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"buckets": 0}, "buckets must lie in 1 … 5000"),
        ({"buckets": "9"}, "buckets must be a whole number"),
        ({"rank": 3}, "unknown key 'rank'"),
        ({"int8": "yes"}, "int8 must be true or false"),
        ({"int8": True}, "cannot be int8"),
    ],
)
def test_a_yaml_form_that_is_wrong_is_one_line(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        TablePlan.from_dict(PLANS["hash"].to_dict() | change)


def test_dense_is_no_rival() -> None:
    with pytest.raises(PlanError, match="is no rival"):
        make_rival(TablePlan("t", 5, 4))
