"""The exact search against brute force, the paper's numbers and its own rules."""

import random
from itertools import product
from math import inf, prod

import numpy as np
import pytest

from ttrec_kernels.errors import ShapeError
from ttrec_kernels.factorizations import ordered_factorizations
from ttrec_kernels.shape_search import relaxed_cost, smallest_shape
from ttrec_kernels.shapes import TTShape

MOST_ROWS = {2: 150, 3: 36, 4: 13, 5: 8}
SKEWS = (1.0, 1.15, 1.5, 2.0, 3.0, 10.0, inf)


@pytest.fixture
def chance() -> random.Random:
    seed = random.SystemRandom().randrange(2**32)
    print(f"random.Random({seed})")  # noqa: T201 - shown when a test fails
    return random.Random(seed)


def brute_force(rows, ranks, choices, max_skew):
    """Best of all row factors up to `rows` and all dim factors in `choices`, by the documented order of ties."""
    count = len(ranks) - 1
    p = np.indices((rows,) * count).reshape(count, -1).T + 1
    p = p[(p.prod(axis=1) >= rows) & (p.max(axis=1) / p.min(axis=1) <= max_skew)]
    costs = np.array([[ranks[k] * q[k] * ranks[k + 1] for q in choices] for k in range(count)])
    parameters = p @ costs
    ties = np.argwhere(parameters == parameters.min())
    return min(
        (prod(p[i].tolist()), max(p[i].tolist()) / min(p[i].tolist()), tuple(p[i].tolist()), choices[j])
        for i, j in ties
    )[2:]


@pytest.mark.parametrize("cores", [2, 3, 4, 5])
@pytest.mark.parametrize("max_skew", SKEWS)
def test_equals_brute_force_over_all_shapes(cores, max_skew, chance) -> None:
    for _ in range(12):
        rows = chance.randint(1, MOST_ROWS[cores])
        dim = chance.choice([1, 2, 4, 6, 8, 12, 13])
        inner = tuple(chance.choice([1, 2, 3, 7, 16]) for _ in range(cores - 1))
        choices = list(ordered_factorizations(dim, cores))
        shape = smallest_shape(rows, dim, inner, cores=cores, max_skew=max_skew)
        expected = brute_force(rows, (1, *inner, 1), choices, max_skew)
        assert (shape.row_factors, shape.dim_factors) == expected, (rows, dim, inner)


@pytest.mark.parametrize("cores", [2, 3, 4])
def test_equals_brute_force_at_one_rank_where_mirrored_shapes_tie(cores, chance) -> None:
    for max_skew, rank in product(SKEWS, (1, 2, 32)):
        rows, dim = chance.randint(1, MOST_ROWS[cores]), chance.choice([4, 6, 8])
        shape = smallest_shape(rows, dim, rank, cores=cores, max_skew=max_skew)
        choices = list(ordered_factorizations(dim, cores))
        ranks = (1, *(rank,) * (cores - 1), 1)
        assert (shape.row_factors, shape.dim_factors) == brute_force(rows, ranks, choices, max_skew), (rows, dim)


@pytest.mark.parametrize("cores", [2, 3, 4])
def test_fixed_dim_factors_equal_brute_force(cores, chance) -> None:
    for max_skew in SKEWS:
        rows = chance.randint(1, MOST_ROWS[cores])
        q = tuple(chance.randint(1, 5) for _ in range(cores))
        inner = tuple(chance.randint(1, 9) for _ in range(cores - 1))
        shape = smallest_shape(rows, prod(q), inner, max_skew=max_skew, dim_factors=q)
        assert (shape.row_factors, shape.dim_factors) == brute_force(rows, (1, *inner, 1), [q], max_skew), (
            rows,
            q,
            inner,
        )


@pytest.mark.parametrize("cores", [2, 3, 4, 5])
def test_fixed_row_factors_equal_brute_force(cores, chance) -> None:
    for _ in range(10):
        p = tuple(chance.randint(1, 40) for _ in range(cores))
        dim = chance.choice([1, 8, 12, 13, 36])
        inner = tuple(chance.randint(1, 9) for _ in range(cores - 1))
        shape = smallest_shape(prod(p), dim, inner, row_factors=p)
        parts = [part for part in range(1, dim + 1) if dim % part == 0]
        choices = [q for q in product(parts, repeat=cores) if prod(q) == dim]
        tables = [TTShape(prod(p), dim, p, q, (1, *inner, 1)) for q in choices]
        expected = min(tables, key=lambda table: (table.parameters, table.dim_factors))
        assert shape == expected, (p, dim, inner)


def test_both_halves_fixed_are_taken_as_they_are() -> None:
    shape = smallest_shape(1000, 16, 8, row_factors=(1000, 1, 1), dim_factors=(2, 2, 4))
    assert (shape.row_factors, shape.dim_factors) == ((1000, 1, 1), (2, 2, 4))


def fewest_parameters(rows, ranks, q, max_skew, most):
    """Fewest parameters of three cores: every pair (p1, p2) that could do with `most`; the third is then forced."""
    c1, c2, c3 = (ranks[k] * q[k] * ranks[k + 1] for k in range(3))
    p1 = np.arange(1, most // c1 + 1)[:, None]
    p2 = np.arange(1, most // c2 + 1)[None, :]
    low, high = np.minimum(p1, p2), np.maximum(p1, p2)
    p3 = np.maximum(-(-rows // (p1 * p2)), np.ceil(high / max_skew).astype(np.int64))
    allowed = np.maximum(high, p3) / np.minimum(low, p3) <= max_skew
    return np.where(allowed, c1 * p1 + c2 * p2 + c3 * p3, np.iinfo(np.int64).max).min()


@pytest.mark.parametrize("max_skew", [1.5, 4.0, inf])
@pytest.mark.parametrize(("rows", "dim", "rank"), [(10131227, 16, 32), (142572, 64, 8), (9994222, 13, 64)])
def test_three_cores_of_real_tables_equal_an_exhaustive_scan(rows, dim, rank, max_skew) -> None:
    found = smallest_shape(rows, dim, rank, max_skew=max_skew).parameters
    choices = ordered_factorizations(dim, 3)
    assert found == min(fewest_parameters(rows, (1, rank, rank, 1), q, max_skew, found) for q in choices)


KAGGLE_AT_RANK_32 = {  # rows: (parameters with any dim factors, with 2,2,4, and the row factors of the latter)
    10131227: (233344, 387392, (249, 166, 246)),
    8351593: (219008, 363776, (234, 156, 229)),
    7046547: (206592, 343040, (220, 147, 218)),
    5461306: (189824, 315136, (202, 135, 201)),
    2202608: (140416, 233216, (150, 100, 147)),
    286181: (71424, 118784, (76, 51, 74)),
    142572: (56320, 93440, (60, 40, 60)),
}


@pytest.mark.parametrize("rows", KAGGLE_AT_RANK_32)
def test_the_seven_largest_kaggle_tables(rows) -> None:
    fewest, of_224, row_factors = KAGGLE_AT_RANK_32[rows]
    best = smallest_shape(rows, 16, 32)
    kept = smallest_shape(rows, 16, 32, dim_factors=(2, 2, 4))
    assert (best.parameters, best.dim_factors) == (fewest, (4, 1, 4))
    assert (kept.parameters, kept.row_factors) == (of_224, row_factors)


def test_the_largest_kaggle_table() -> None:
    assert smallest_shape(10131227, 16, 32).row_factors == (246, 166, 249)
    unlimited = smallest_shape(10131227, 16, 32, max_skew=inf)
    assert unlimited.parameters == 166208
    assert unlimited.bound_parameters == pytest.approx(166181, abs=1)


@pytest.mark.parametrize("cores", [2, 3, 4, 5])
@pytest.mark.parametrize("max_skew", [1.0, 1.5, 4.0, inf])
def test_a_billion_rows_keep_every_rule(cores, max_skew) -> None:
    shape = smallest_shape(10**9, 96, 64, cores=cores, max_skew=max_skew)
    assert max(shape.row_factors) / min(shape.row_factors) <= max_skew
    assert shape.parameters >= shape.bound_parameters * (1 - 1e-12)
    assert shape.parameters <= smallest_shape(10**9, 96, 64, cores=cores, max_skew=1.0).parameters


def test_a_looser_limit_is_never_larger(chance) -> None:
    for _ in range(10):
        rows, dim, cores = chance.randint(1, 10**8), chance.choice([16, 24, 48]), chance.randint(2, 5)
        sizes = [smallest_shape(rows, dim, 16, cores=cores, max_skew=skew).parameters for skew in SKEWS]
        assert sizes == sorted(sizes, reverse=True), (rows, dim, cores)


def test_one_row_has_factors_of_one() -> None:
    for cores in (2, 3, 4, 5):
        assert smallest_shape(1, 8, 4, cores=cores).row_factors == (1,) * cores


def test_the_skew_limit_is_reached_exactly() -> None:
    # 115 / 100 is 1.15, but 1.15 · 100 is 114.99999999999999; 107 × 108 has as few parameters and more padding.
    assert smallest_shape(11500, 1, 8, cores=2, max_skew=1.15).row_factors == (100, 115)


def test_ranks_are_not_clipped() -> None:
    shape = smallest_shape(10, 4, 64)
    assert shape.ranks == (1, 64, 64, 1)
    assert shape.useless_rank
    assert shape.larger_than_dense


def test_relaxed_cost_is_the_least_of_a_fine_grid() -> None:
    costs, low, high = (50.0, 8.0, 3.0), 2.0, 9.0
    axis = np.linspace(low, high, 141)
    for need in (8.0, 20.0, 80.0, 300.0, 600.0, 729.0):
        p = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
        held = p[p.prod(axis=1) >= need]
        grid = (held @ np.array(costs)).min()
        bound, first = relaxed_cost(costs, need, low, high)
        assert bound <= grid * (1 + 1e-12)
        assert bound >= grid * 0.98
        assert low <= first <= high
    assert relaxed_cost(costs, 730.0, low, high)[0] == inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows must lie in 1 … 1000000000000, but is 0; the nearest valid value is 1"),
        ({"rows": -5}, "nearest valid value is 1$"),
        ({"rows": 10**30}, "nearest valid value is 1000000000000$"),
        ({"rows": 2.5}, "rows must be a whole number, but is 2.5"),
        ({"dim": 0}, "dim must lie in 1 … 65536, but is 0; the nearest valid value is 1"),
        ({"cores": 6}, "cores must lie in 2 … 5, but is 6; the nearest valid value is 5"),
        ({"cores": 1}, "nearest valid value is 2$"),
        ({"max_skew": 0.5}, "max_skew must be at least 1, but is 0.5; the nearest valid value is 1"),
        ({"max_skew": float("nan")}, "max_skew must be at least 1, but is nan"),
        ({"ranks": 0}, "a rank must lie in 1 … 65536, but is 0; the nearest valid value is 1"),
        ({"ranks": (8, -1)}, "but is -1; the nearest valid value is 1"),
        ({"ranks": (8, 16, 32, 64)}, "3 cores have 2 inner ranks, but 4 were given: 8,16,32,64; .* are 8,16$"),
        ({"ranks": (8,)}, "nearest valid ranks are 8,8$"),
        ({"ranks": ()}, "nearest valid ranks are 32,32$"),
        (
            {"row_factors": (10, 10, 9)},
            "row factors 10,10,9 hold 900 rows, fewer than the 1000 asked for; raising 9 to 10 is enough: 10,10,10$",
        ),
        ({"row_factors": (10, 0, 10)}, "whole numbers of at least 1, but are 10,0,10; .* 10,1,10$"),
        ({"row_factors": (10.5, 10, 10)}, "whole numbers of at least 1, but are 10.5,10,10$"),
        ({"row_factors": (10, 100), "cores": 3}, "3 cores need 3 row factors, but 2 were given, 10,100: give 3"),
        (
            {"row_factors": (40, 40), "dim_factors": (2, 2, 4)},
            "2 cores need 2 dim factors, but 3 were given, 2,2,4: give 2",
        ),
        (
            {"dim_factors": (2, 2, 5)},
            "dim factors 2,2,5 have the product 20, but must have 16; the nearest valid ones are 2,2,4$",
        ),
    ],
)
def test_errors_name_rule_value_and_nearest_valid_value(arguments, message) -> None:
    with pytest.raises(ShapeError, match=message):
        smallest_shape(**{"rows": 1000, "dim": 16, "ranks": 8} | arguments)


def test_cores_follow_from_the_factors() -> None:
    assert smallest_shape(1000, 16, 8).cores == 3
    assert smallest_shape(1000, 16, 8, row_factors=(40, 40)).cores == 2
    assert smallest_shape(1000, 16, 8, dim_factors=(2, 2, 2, 2)).cores == 4
