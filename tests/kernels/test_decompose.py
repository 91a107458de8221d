"""TT-SVD: the error never above its bound, exact at full rank, and the same train as a straightforward one."""

from math import prod, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_kernels import (
    ShapeError,
    TTEmbeddingBag,
    TTShape,
    fit_cores,
    from_dense,
    round_cores,
    smallest_shape,
    subspace,
    table_errors,
)
from ttrec_kernels.reference.to_dense import to_dense
from ttrec_kernels.rounding import row_blocks, squared_norm


def table(rows: int, dim: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Rows whose singular values fall, as those of trained tables do."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, dim, dtype=torch.float64, generator=generator)
    return (values / (1 + torch.arange(rows)).sqrt()[:, None]).to(dtype)


def true_error(found, weight: torch.Tensor) -> float:
    whole = to_dense([core.double() for core in found.cores], weight.shape[0])
    return float((whole - weight.double()).norm() / weight.double().norm())


def plain_tt_svd(weight: np.ndarray, shape: TTShape) -> np.ndarray:
    """The textbook: one full SVD an unfolding, nothing streamed. Gives the dense table (padded rows, dim)."""
    d, p, q = shape.cores, shape.row_factors, shape.dim_factors
    padded = np.zeros((shape.padded_rows, shape.dim))
    padded[: shape.rows] = weight
    order = [axis for k in range(d) for axis in (k, d + k)]
    rest, cores, rank = padded.reshape(*p, *q).transpose(order).reshape(-1), [], 1
    for k in range(d - 1):
        u, s, vh = np.linalg.svd(rest.reshape(rank * p[k] * q[k], -1), full_matrices=False)
        kept = shape.ranks[k + 1]
        cores.append(u[:, :kept].reshape(rank, p[k] * q[k], kept))
        rest, rank = s[:kept, None] * vh[:kept], kept
    cores.append(rest.reshape(rank, p[-1] * q[-1], 1))
    whole = cores[0]
    for core in cores[1:]:
        whole = np.tensordot(whole, core, axes=1)
    whole = whole.reshape([size for pair in zip(p, q, strict=True) for size in pair])
    return whole.transpose(np.argsort(order)).reshape(shape.padded_rows, shape.dim)[: shape.rows]


SHAPES = [
    TTShape(60, 8, (3, 4, 5), (2, 2, 2), (1, 4, 6, 1)),
    TTShape(997, 16, (10, 10, 10), (4, 1, 4), (1, 7, 11, 1)),
    TTShape(100, 6, (10, 10), (2, 3), (1, 5, 1)),
    TTShape(300, 4, (3, 5, 4, 5), (1, 2, 2, 1), (1, 3, 9, 4, 1)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.rows}x{shape.dim}")
def test_equals_a_straightforward_tt_svd(shape: TTShape) -> None:
    weight = table(shape.rows, shape.dim, dtype=torch.float64)
    found = from_dense(weight, shape=shape)
    assert found.shape == shape
    expected = plain_tt_svd(weight.numpy(), shape)
    np.testing.assert_allclose(to_dense(found.cores, shape.rows).numpy(), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES[:3], ids=lambda shape: f"{shape.rows}x{shape.dim}")
def test_equals_tensorly(shape: TTShape) -> None:
    tensorly = pytest.importorskip("tensorly", reason="tensorly is not installed")
    decomposition = pytest.importorskip("tensorly.decomposition")
    weight = table(shape.rows, shape.dim, dtype=torch.float64)
    padded = np.zeros((shape.padded_rows, shape.dim))
    padded[: shape.rows] = weight.numpy()
    found = decomposition.tensor_train_matrix(padded.reshape(*shape.row_factors, *shape.dim_factors), shape.ranks)
    expected = tensorly.tt_matrix.tt_matrix_to_tensor(found).reshape(shape.padded_rows, shape.dim)[: shape.rows]
    ours = to_dense(from_dense(weight, shape=shape).cores, shape.rows).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-5 * np.abs(expected).max())


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(4, 300), dim=st.integers(1, 12), rank=st.integers(1, 20), seed=st.integers(0, 99))
def test_the_error_is_never_above_its_bound(rows: int, dim: int, rank: int, seed: int) -> None:
    weight = table(rows, dim, seed)
    found = from_dense(weight, rank=rank)
    error = true_error(found, weight)
    assert error <= found.relative_error_bound
    assert max(found.shape.ranks) <= rank


def test_without_padding_the_bound_is_the_error() -> None:
    weight = table(1000, 16)
    found = from_dense(weight, shape=TTShape(1000, 16, (10, 10, 10), (4, 1, 4), (1, 6, 6, 1)))
    assert true_error(found, weight) == pytest.approx(found.relative_error_bound, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.rows}x{shape.dim}")
def test_exact_at_full_rank(shape: TTShape) -> None:
    full = TTShape(shape.rows, shape.dim, shape.row_factors, shape.dim_factors, shape.max_useful_ranks)
    for dtype, limit in ((torch.float32, 1e-6), (torch.float64, 1e-13)):
        weight = table(shape.rows, shape.dim, dtype=dtype)
        found = from_dense(weight, shape=full)
        assert true_error(found, weight) < limit
        assert found.relative_error_bound < 10 * limit


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(4, 300), dim=st.integers(1, 12), tolerance=st.floats(0, 0.99), seed=st.integers(0, 99))
def test_a_tolerance_is_kept(rows: int, dim: int, tolerance: float, seed: int) -> None:
    weight = table(rows, dim, seed)
    found = from_dense(weight, tolerance=tolerance)
    assert true_error(found, weight) <= tolerance + 1e-6
    assert true_error(found, weight) <= found.relative_error_bound <= tolerance + 1e-5


@pytest.mark.parametrize("max_bytes", [500, 5_000, 40_000, 10**9])
def test_a_budget_is_kept_and_used(max_bytes: int) -> None:
    found = from_dense(table(2000, 16), max_bytes=max_bytes)
    assert found.shape.parameters * 4 <= max_bytes
    larger = smallest_shape(2000, 16, max(found.shape.ranks) + 1)
    assert larger.parameters * 4 > max_bytes or max(found.shape.ranks) == max(found.shape.max_useful_ranks)


def test_a_memory_map_gives_what_a_tensor_gives(tmp_path) -> None:
    weight = table(1234, 8)
    np.save(tmp_path / "table.npy", weight.numpy())
    mapped = np.load(tmp_path / "table.npy", mmap_mode="r")
    for mine, theirs in zip(from_dense(mapped, rank=5).cores, from_dense(weight, rank=5).cores, strict=True):
        assert torch.equal(mine, theirs)


def test_parts_of_any_size_give_the_same(monkeypatch) -> None:
    weight = table(1234, 8, dtype=torch.float64)
    whole = to_dense(from_dense(weight, rank=5).cores, 1234)
    monkeypatch.setattr("ttrec_kernels.unfolding.PART_BYTES", 20_000)
    monkeypatch.setattr("ttrec_kernels.error_measure.PART_BYTES", 20_000)
    found = from_dense(weight, rank=5)
    torch.testing.assert_close(to_dense(found.cores, 1234), whole, rtol=0, atol=1e-10)
    assert table_errors(found.cores, weight).plain == pytest.approx(true_error(found, weight), abs=1e-12)


@pytest.mark.parametrize("ask", [{"rank": 6}, {"tolerance": 0.6}], ids=str)
def test_where_large_a_random_subspace_is_as_good(monkeypatch, ask) -> None:
    weight = table(3000, 8)
    exact = from_dense(weight, **ask)
    monkeypatch.setattr(subspace, "GRAM_HEIGHT", 10)
    monkeypatch.setattr(subspace, "FIRST_SKETCH", 2)
    found = from_dense(weight, **ask)
    assert true_error(found, weight) <= found.relative_error_bound
    assert found.relative_error_bound <= exact.relative_error_bound * 1.02 + 1e-6
    if "tolerance" in ask:
        assert found.relative_error_bound <= 0.6 + 1e-5


def test_cores_have_equal_norms() -> None:
    norms = [float(core.norm()) for core in from_dense(table(500, 8), rank=4).cores]
    assert norms == pytest.approx([norms[0]] * 3, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of shape, rank, tolerance and max_bytes, but none"),
        ({"rank": 2, "tolerance": 0.1}, "but rank and tolerance was given"),
        ({"tolerance": 1.0}, "tolerance must lie in 0 … 1"),
        ({"tolerance": float("nan")}, "tolerance must lie in 0 … 1"),
        ({"max_bytes": 10}, "max_bytes must be at least"),
        ({"shape": SHAPES[0]}, "shape is of a table of 60 × 8, but weight is 100 × 4"),
        ({"rank": 2, "importance": torch.zeros(100)}, "importance must be one number"),
        ({"rank": 2, "importance": torch.ones(99)}, "importance must have the table's 100 rows"),
        ({"rank": 2, "importance": -torch.ones(100)}, "importance must be one number"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(arguments, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        from_dense(table(100, 4), **arguments)


@pytest.mark.parametrize("weight", [torch.ones(4), torch.ones(4, 4, dtype=torch.int64), torch.ones(0, 4)])
def test_a_weight_that_is_no_table_is_refused(weight) -> None:
    with pytest.raises(ShapeError, match="weight must be"):
        from_dense(weight, rank=2)


def test_zeros_stay_zeros() -> None:
    found = from_dense(torch.zeros(50, 4), rank=3)
    assert to_dense(found.cores, 50).abs().max() == 0


class TestRounding:
    """Recompression of trained cores."""

    @settings(deadline=None, max_examples=30)
    @given(rows=st.integers(4, 300), dim=st.integers(1, 8), tolerance=st.floats(0, 0.99))
    def test_the_bound_holds_for_cores_with_anything_in_the_padding(self, rows, dim, tolerance) -> None:
        bag = TTEmbeddingBag(rows, dim, rank=6)
        dense = bag.to_dense().detach()
        found = round_cores(list(bag.cores), bag.shape, tolerance=tolerance)
        error = true_error(found, dense)
        assert error <= found.relative_error_bound <= tolerance + 1e-5

    def test_ranks_that_add_nothing_go_at_no_cost(self) -> None:
        bag = TTEmbeddingBag(500, 8, rank=64)
        rounded = bag.round(tolerance=1e-6)
        assert rounded.shape.parameters < bag.shape.parameters
        torch.testing.assert_close(rounded.to_dense(), bag.to_dense(), rtol=0, atol=1e-6)

    def test_a_rank_is_kept_and_as_good_as_from_dense(self) -> None:
        weight = table(997, 16)
        large = TTEmbeddingBag.from_dense(weight, rank=32, mode="sum")
        small = large.round(rank=8)
        assert small.shape.ranks == (1, 8, 8, 1)
        assert small.mode == "sum"
        direct = from_dense(weight, shape=small.shape)
        assert table_errors(list(small.cores), weight).plain <= 1.05 * direct.relative_error_bound

    def test_row_blocks_leave_out_the_padding(self) -> None:
        bag = TTEmbeddingBag(997, 4, rank=3, dtype=torch.float64).requires_grad_(False)
        norm = sqrt(sum(squared_norm(part) for part in row_blocks(list(bag.cores), 997)))
        assert norm == pytest.approx(float(bag.to_dense().norm()), rel=1e-12)
        assert prod(bag.shape.row_factors) > 997

    def test_one_of_rank_and_tolerance_must_be_given(self) -> None:
        with pytest.raises(ShapeError, match="rank or tolerance"):
            TTEmbeddingBag(50, 4).round()


class TestFit:
    """Rows that are looked up more often come first."""

    weight = table(3000, 8)
    counts = 1e4 / (1 + torch.arange(3000.0))[torch.randperm(3000, generator=torch.Generator().manual_seed(1))]

    def test_the_weighted_error_falls_and_is_reported(self) -> None:
        bag = TTEmbeddingBag.from_dense(self.weight, rank=6)
        report = bag.fit(self.weight, self.counts, steps=60)
        assert report.after.weighted < 0.95 * report.before.weighted
        measured = table_errors(list(bag.cores), self.weight, self.counts)
        assert measured == report.after
        rows = (bag.to_dense() - self.weight).detach().double().square().sum(1) @ self.counts.double()
        norm = self.weight.double().square().sum(1) @ self.counts.double()
        assert report.after.weighted == pytest.approx(float((rows / norm).sqrt()), rel=1e-5)

    def test_a_start_that_knows_importance_is_nearer_where_it_counts(self) -> None:
        counts = 1 / (1 + torch.arange(3000.0))  # ids in the order of their first look-up: digits say much
        plain = table_errors(from_dense(self.weight, rank=6).cores, self.weight, counts)
        known = from_dense(self.weight, rank=6, importance=counts)
        assert known.weighted_error < plain.weighted
        assert known.relative_error_bound >= plain.plain

    def test_large_tables_are_sampled(self, monkeypatch) -> None:
        monkeypatch.setattr("ttrec_kernels.weighted_fit.BATCH", 256)
        cores = from_dense(self.weight, rank=6).cores
        found, report = fit_cores(cores, self.weight.numpy(), self.counts.numpy(), steps=80)
        assert report.after.weighted < report.before.weighted
        assert table_errors(found, self.weight, self.counts) == report.after

    def test_never_worse(self) -> None:
        exact = TTEmbeddingBag.from_dense(self.weight[:60], tolerance=0.0)
        before = [core.detach().clone() for core in exact.cores]
        report = exact.fit(self.weight[:60], steps=5)
        assert report.after == report.before
        assert all(torch.equal(a, b) for a, b in zip(before, exact.cores, strict=True))
