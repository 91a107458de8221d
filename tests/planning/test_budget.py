"""One table within a budget: largest equal ranks and uneven ones, against brute force."""

from fractions import Fraction
from random import Random

import pytest

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import Budget, ShapeSettings, fit_table

BIG = 10131227


def order(shape):
    """How ranks are compared: by the smallest, the second smallest, …, then useful ones first, then by bytes used."""
    return sorted(shape.ranks[1:-1]), not shape.useless_rank, shape.parameters


def all_ranks(parameters, limit, lowest, bond=0):
    """All ranks of at least `lowest` that fit, the bonds before `bond` fixed: parameters rise with every rank."""
    ranks = lowest
    while parameters(*ranks) <= limit:
        yield from all_ranks(parameters, limit, ranks, bond + 1) if bond + 1 < len(ranks) else (ranks,)
        ranks = (*ranks[:bond], ranks[bond] + 1, *ranks[bond + 1 :])


@pytest.mark.parametrize("cores", [2, 3, 4])
def test_uneven_ranks_are_the_best_of_all_that_fit(cores) -> None:
    chosen, found_some = ShapeSettings(cores=cores), 0
    for seed in range(60):
        random = Random(seed)
        rows, dim = random.randint(20, 400), random.choice([4, 6, 12])
        smallest = chosen.shape(rows, dim, 1).parameters
        limit = random.randint(smallest, max(smallest, rows * dim))

        def parameters(*ranks, rows=rows, dim=dim):
            return chosen.shape(rows, dim, ranks).parameters

        fit = fit_table(rows, dim, Budget(4 * limit), chosen)
        equal = fit.equal.ranks[1]
        assert fit.equal.parameters <= limit < parameters(*(equal + 1,) * (cores - 1)), seed
        fitting = [chosen.shape(rows, dim, ranks) for ranks in all_ranks(parameters, limit, (equal,) * (cores - 1))]
        best = max(fitting, key=order)
        if fit.uneven is None:
            assert best.parameters == fit.equal.parameters or best.useless_rank, seed
        else:
            found_some += 1
            assert order(fit.uneven) == order(best), seed
            assert min(fit.uneven.ranks[1:-1]) == equal, seed
            assert fit.uneven.parameters > fit.equal.parameters, seed
    assert (found_some > 0) == (cores > 2)


def test_the_largest_kaggle_table_in_two_megabytes() -> None:
    fit = fit_table(BIG, 16, Budget(2_050_000))
    assert fit.equal.ranks == (1, 49, 49, 1)
    assert fit.equal.bytes() == 1_982_344
    assert fit.uneven is not None
    assert fit.uneven.ranks == (1, 50, 49, 1)
    assert fit.uneven.bytes() == 2_018_816
    assert not fit.fits_uncompressed


def test_half_the_bytes_a_number_hold_more_ranks() -> None:
    single, half = fit_table(BIG, 16, Budget(2_000_000)), fit_table(BIG, 16, Budget(2_000_000, item_bytes=2))
    assert half.equal.bytes(2) <= 2_000_000
    assert half.equal.ranks[1] > single.equal.ranks[1]
    assert half.equal == fit_table(BIG, 16, Budget(4_000_000)).equal


def test_a_compression_is_reached_by_the_largest_rank_that_reaches_it() -> None:
    fit = fit_table(BIG, 16, Budget.of_compression(Fraction(100), BIG * 16))
    assert fit.equal.compression >= 100 > ShapeSettings().shape(BIG, 16, fit.equal.ranks[1] + 1).compression


def test_a_large_budget_stops_where_dense_is_smaller() -> None:
    fit = fit_table(142572, 16, Budget(10**9))
    assert fit.fits_uncompressed
    assert not fit.equal.larger_than_dense
    assert ShapeSettings().shape(142572, 16, fit.equal.ranks[1] + 1).larger_than_dense


def test_fixed_row_factors_are_kept() -> None:
    fit = fit_table(1000, 16, Budget(8_000), row_factors=(10, 10, 10))
    assert fit.equal.row_factors == (10, 10, 10)
    assert fit.equal.bytes() <= 8_000


def test_too_small_a_budget_names_the_smallest_possible() -> None:
    smallest = ShapeSettings().shape(BIG, 16, 1).bytes()
    with pytest.raises(ConfigError, match=f"below the smallest possible, {smallest} bytes"):
        fit_table(BIG, 16, Budget(smallest - 1))
    assert fit_table(BIG, 16, Budget(smallest)).equal.ranks == (1, 1, 1, 1)
