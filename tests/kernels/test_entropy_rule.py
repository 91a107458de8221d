"""The paper's shape rule: its published shapes, and the definition by brute force."""

from itertools import product
from math import log, prod

import pytest

from ttrec_kernels.entropy_rule import entropy_shape, most_even_factors
from ttrec_kernels.errors import ShapeError
from ttrec_kernels.factorizations import divisors, ordered_factorizations, prime_factors

TABLE_2 = {  # rows: (row factors, parameters at rank 16, 32, 64)
    10131227: ((200, 220, 250), (135040, 495360, 1891840)),
    8351593: ((200, 200, 209), (122176, 449152, 1717504)),
    7046547: ((200, 200, 200), (121600, 448000, 1715200)),
    5461306: ((166, 175, 188), (106944, 393088, 1502976)),
    2202608: ((125, 130, 136), (79264, 291648, 1115776)),
    286181: ((53, 72, 75), (43360, 160448, 615808)),
    142572: ((50, 52, 55), (31744, 116736, 446464)),
}
TERABYTE = {
    9994222: (200, 200, 250),
    9980333: (200, 222, 225),
    9946608: (200, 203, 245),
    9758201: (203, 209, 230),
    7267859: (200, 200, 200),
    1333352: (125, 125, 128),
    415421: (70, 75, 80),
}


@pytest.mark.parametrize("rows", TABLE_2)
def test_table_2_of_the_paper(rows) -> None:
    row_factors, parameters = TABLE_2[rows]
    shapes = [entropy_shape(rows, 16, rank) for rank in (16, 32, 64)]
    assert {shape.row_factors for shape in shapes} == {row_factors}
    assert {shape.dim_factors for shape in shapes} == {(2, 2, 4)}
    assert tuple(shape.parameters for shape in shapes) == parameters


@pytest.mark.parametrize("rows", TERABYTE)
def test_the_seven_largest_terabyte_tables(rows) -> None:
    shape = entropy_shape(rows, 64, 32)
    assert (shape.row_factors, shape.dim_factors) == (TERABYTE[rows], (4, 4, 4))


def entropy(factors) -> float:
    total = sum(factors)
    return -sum(factor / total * log(factor / total) for factor in sorted(factors))


@pytest.mark.parametrize("parts", [2, 3, 4, 5])
def test_most_even_is_the_largest_entropy_of_all_ways_to_share_out_the_primes(parts) -> None:
    for number in range(1, 400):
        primes = prime_factors(number) + (1,) * max(0, parts - len(prime_factors(number)))
        shared = {
            tuple(
                sorted(
                    prod(prime for prime, at in zip(primes, places, strict=True) if at == part) for part in range(parts)
                )
            )
            for places in product(range(parts), repeat=min(len(primes), 6))
            if len(primes) <= 6 and len(set(places)) == parts
        }
        if shared:
            assert entropy(most_even_factors(number, parts)) == pytest.approx(max(map(entropy, shared)), abs=1e-14), (
                number
            )


def test_the_order_is_that_of_fbtt() -> None:
    assert most_even_factors(2 * 3 * 5 * 7, 4) == (2, 5, 3, 7)
    assert most_even_factors(2 * 3 * 5 * 7 * 11, 5) == (2, 5, 3, 7, 11)
    assert most_even_factors(13, 3) == (1, 1, 13)
    assert most_even_factors(1, 2) == (1, 1)


@pytest.mark.parametrize("cores", [2, 3, 4, 5])
def test_every_shape_holds_its_rows_and_has_the_exact_dim(cores) -> None:
    for rows, dim in product((1, 2, 7, 97, 1009, 65537, 10**12), (1, 6, 13, 96, 100)):
        shape = entropy_shape(rows, dim, 4, cores=cores)
        assert rows <= shape.padded_rows < 10 * rows + 1
        assert prod(shape.dim_factors) == dim


def test_given_dim_factors_are_kept() -> None:
    assert entropy_shape(10131227, 16, 32, dim_factors=(4, 1, 4)).dim_factors == (4, 1, 4)
    with pytest.raises(ShapeError, match="nearest valid ones are 2,2,4"):
        entropy_shape(10131227, 16, 32, dim_factors=(2, 2, 8))


def test_whole_number_helpers() -> None:
    assert prime_factors(1) == ()
    assert prime_factors(360) == (2, 2, 2, 3, 3, 5)
    assert prime_factors(2 * 10000019) == (2, 10000019)
    for number in range(1, 200):
        assert divisors(number) == tuple(n for n in range(1, number + 1) if number % n == 0)
    brute = sorted(q for q in product(range(1, 13), repeat=3) if prod(q) == 12)
    assert list(ordered_factorizations(12, 3)) == brute
