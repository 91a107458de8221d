"""Index laws against their own definition: probabilities summed one by one, permutations written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.bench.indices import IndexLaw, scatter, zipf_ranks
from ttrec_cli.errors import ConfigError


def chance(seed: int = 7) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("exponent", [0.2, 0.999999999, 1.0, 1.1, 2.5])
@pytest.mark.parametrize("values", [1, 2, 7, 1000])
def test_ranks_follow_zipfs_law(exponent: float, values: int) -> None:
    drawn = 200_000
    ranks = zipf_ranks(values, exponent, drawn, chance())
    assert len(ranks) == drawn
    assert ranks.min() >= 1
    assert ranks.max() <= values
    weights = np.arange(1, values + 1) ** -exponent
    expected = drawn * weights / weights.sum()
    counts = np.bincount(ranks, minlength=values + 1)[1:]
    # Six standard deviations of a binomial count: a wrong law is hundreds off at the head.
    assert (np.abs(counts - expected) <= 6 * np.sqrt(expected) + 3).all()


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(1, 3000))
def test_scatter_is_a_permutation(rows: int) -> None:
    assert sorted(scatter(np.arange(rows), rows).tolist()) == list(range(rows))


def test_popular_rows_are_the_same_in_every_run_and_lie_apart() -> None:
    first = scatter(np.arange(1000), 10_131_227)
    assert np.array_equal(first, scatter(np.arange(1000), 10_131_227))
    assert len(set(first.tolist())) == 1000
    assert np.corrcoef(np.arange(1000), first)[0, 1] == pytest.approx(0, abs=0.15)
    assert np.median(first) == pytest.approx(10_131_227 / 2, rel=0.15)


def test_a_table_beyond_32_bits_costs_no_memory() -> None:
    drawn = IndexLaw(2**40, zipf=1.1).draw(10_000, chance())
    assert drawn.dtype == np.int64
    assert drawn.max() < 2**40
    assert drawn.max() > 2**32
    share = np.unique(drawn, return_counts=True)[1].max() / 10_000
    assert share > 0.05


def test_uniform_indices_are_uniform() -> None:
    drawn = IndexLaw(10).draw(100_000, chance())
    assert np.bincount(drawn, minlength=10) == pytest.approx(np.full(10, 10_000), rel=0.06)


@pytest.mark.parametrize("zipf", [0.0, -1.0, 51.0, float("nan")])
def test_impossible_exponents_are_refused(zipf: float) -> None:
    with pytest.raises(ConfigError, match="--zipf"):
        IndexLaw(10, zipf)
