"""Initial values: the right distributions, and the reconstructed table's root mean square at every rank."""

from math import sqrt

import pytest
import torch
from contracts.lookup_contract import fresh_generator

from ttrec_kernels import (
    DenseDistribution,
    Distribution,
    InitScale,
    UnsupportedError,
    initialize,
    initialize_cores,
    reconstructed_rms,
)
from ttrec_kernels.initialize import TAIL, draw, initialize_dense, table_generator
from ttrec_kernels.reference.to_dense import to_dense
from ttrec_kernels.shapes import TTShape, full_ranks

FACTORS = {2: ((40, 30), (4, 4)), 3: ((10, 12, 10), (2, 2, 4)), 4: ((6, 5, 6, 7), (2, 2, 2, 2))}
RANKS = (1, 8, 64)
EACH_SHAPE = pytest.mark.parametrize("cores", FACTORS)
EACH_RANK = pytest.mark.parametrize("rank", RANKS)


def empty_cores(cores: int, rank: int, dtype: torch.dtype = torch.float32) -> tuple[TTShape, list[torch.Tensor]]:
    row_factors, dim_factors = FACTORS[cores]
    shape = TTShape(1200, 16, row_factors, dim_factors, full_ranks(rank, cores))
    return shape, [torch.empty(size, dtype=dtype) for size in shape.core_shapes]


def measured_rms(shape: TTShape, cores: list[torch.Tensor]) -> float:
    """By building the whole table, padding rows included."""
    return to_dense([core.double() for core in cores], shape.padded_rows).square().mean().sqrt().item()


@EACH_SHAPE
@EACH_RANK
def test_reconstructed_rms_is_exact(cores, rank):
    shape, tensors = empty_cores(cores, rank, torch.float64)
    for core in tensors:
        core.normal_(generator=fresh_generator()).add_(0.3)
    assert reconstructed_rms(tensors) == pytest.approx(measured_rms(shape, tensors), rel=1e-12)


@EACH_SHAPE
@EACH_RANK
@pytest.mark.parametrize("distribution", Distribution)
def test_calibrated_tables_have_dlrms_rms(cores, rank, distribution):
    shape, tensors = empty_cores(cores, rank)
    initialize_cores(tensors, shape.rows, distribution=distribution, generator=fresh_generator())
    target = 1 / sqrt(3 * shape.rows)
    assert reconstructed_rms(tensors) == pytest.approx(target, rel=1e-6)
    assert measured_rms(shape, tensors) == pytest.approx(target, rel=1e-6)


@EACH_SHAPE
@EACH_RANK
@pytest.mark.parametrize(
    ("distribution", "variance"),
    [("uniform", 1.0), ("gaussian", 1.0), ("sampled-gaussian", 5.746)],
)
def test_the_papers_scale_knows_no_rank(cores, rank, distribution, variance):
    """An entry is a sum over Π r_k paths of products of d entries: its expected square is variance^d · Π r_k / 3n."""
    shape, _ = empty_cores(cores, rank)
    squares = []
    for seed in range(20 if rank == 1 else 5):
        _, tensors = empty_cores(cores, rank)
        generator = torch.Generator().manual_seed(seed)
        initialize_cores(tensors, shape.rows, distribution=distribution, scale=InitScale.PAPER, generator=generator)
        squares.append(measured_rms(shape, tensors) ** 2)
    expected = variance**cores * rank ** (cores - 1) / (3 * shape.rows)
    assert sum(squares) / len(squares) == pytest.approx(expected, rel=0.25)


def test_the_papers_scale_is_13_8_times_the_rank_too_large():
    for rank in RANKS:
        tensors = [torch.empty(100, left, 4, right) for left, right in ((1, rank), (rank, rank), (rank, 1))]
        initialize_cores(tensors, 10**6, scale="paper", generator=torch.Generator().manual_seed(rank))
        assert reconstructed_rms(tensors) * sqrt(3 * 10**6) / rank == pytest.approx(13.8, rel=0.06)


def test_the_paper_scales_every_core_by_the_same_factor():
    """Algorithm 3 with its errata: (1/3n)^(1/2d) times a sample whose absolute value exceeds 2."""
    tensors = [torch.empty(50, 1, 4, 8), torch.empty(50, 8, 4, 1)]
    initialize_cores(tensors, 2500, scale="paper", generator=fresh_generator())
    for core in tensors:
        assert core.abs().min().item() / (1 / (3 * 2500)) ** (1 / 4) == pytest.approx(2, rel=0.01)


def test_sampled_gaussian_is_a_gaussian_without_its_middle():
    values = draw((400_000,), Distribution.SAMPLED_GAUSSIAN, fresh_generator())
    normal = torch.distributions.Normal(0.0, 1.0)
    assert 2 <= values.abs().min().item() < 2.001
    assert values.isfinite().all()
    # Share beyond x of what is kept is (1 − Φ(x)) / (1 − Φ(2)), on both sides.
    for x in (2.1, 2.5, 3.0, 3.5):
        share = (1 - normal.cdf(torch.tensor(x, dtype=torch.float64)).item()) / TAIL
        for side in (values, -values):
            assert (side > x).double().mean().item() * 2 == pytest.approx(share, abs=0.006)
    assert values.square().mean().item() == pytest.approx(5.746, rel=0.01)


@pytest.mark.parametrize("distribution", Distribution)
def test_distributions_are_symmetric_about_zero(distribution):
    values = draw((200_000,), distribution, fresh_generator())
    deviation = values.square().mean().sqrt().item()
    assert abs(values.mean().item()) < 6 * deviation / sqrt(200_000)
    assert abs((values > 0).double().mean().item() - 0.5) < 6 * 0.5 / sqrt(200_000)


def test_uniform_and_gaussian_have_variance_1():
    for distribution in (Distribution.UNIFORM, Distribution.GAUSSIAN):
        values = draw((200_000,), distribution, fresh_generator())
        assert values.square().mean().item() == pytest.approx(1, rel=0.02)
    assert draw((200_000,), Distribution.UNIFORM, fresh_generator()).abs().max().item() <= sqrt(3)


def test_dense_tables_are_uniform():
    weight = torch.empty(10_000, 16)
    initialize_dense(weight, fresh_generator())
    assert weight.abs().max().item() <= 0.01
    assert weight.square().mean().sqrt().item() == pytest.approx(0.01 / sqrt(3), rel=0.01)


def test_other_devices_get_the_same_dense_values(monkeypatch):
    """What is drawn part by part, as for a GPU, is what is drawn in one go."""
    monkeypatch.setattr(initialize, "CHUNK_ROWS", 7)
    whole, parts = torch.empty(100, 3), torch.empty(100, 3)
    initialize_dense(whole, table_generator(0, "C1"))
    generator = table_generator(0, "C1")
    initialize._copy_drawn(parts, lambda part: part.uniform_(-0.1, 0.1, generator=generator))
    assert torch.equal(whole, parts)


@pytest.mark.parametrize("distribution", DenseDistribution)
def test_dense_tables_have_the_variance_of_table_1(distribution):
    rows = 4000
    weight = torch.empty(rows, 16)
    initialize_dense(weight, fresh_generator(), distribution)
    wanted = {"normal-1": 1, "normal-1/2": 0.5, "normal-1/8": 0.125, "normal-1/9n2": 1 / (9 * rows * rows)}
    variance = wanted.get(distribution.value, 1 / (3 * rows))
    assert weight.double().square().mean().item() == pytest.approx(variance, rel=0.04)
    kurtosis = (weight.double() ** 4).mean().item() / weight.double().square().mean().item() ** 2
    assert kurtosis == pytest.approx(1.8 if distribution == DenseDistribution.UNIFORM else 3, abs=0.15)


def test_seed_and_name_decide_the_values():
    def first(seed: int, name: str) -> float:
        return torch.rand(1, dtype=torch.float64, generator=table_generator(seed, name)).item()

    assert first(0, "C3") == first(0, "C3")
    assert len({first(seed, name) for seed in range(20) for name in ("C1", "C2", "C11")}) == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distribution": "cauchy"}, "distribution must be one of uniform, gaussian, sampled-gaussian"),
        ({"scale": "big"}, "scale must be one of calibrated, paper, but is 'big'"),
    ],
)
def test_unknown_choices_are_refused(options, message):
    with pytest.raises(UnsupportedError, match=message):
        initialize_cores([torch.empty(2, 1, 2, 1)] * 2, 4, **options)
