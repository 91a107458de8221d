"""The shape rule of the TT-Rec paper: the most even exact factorisation of a rounded number of rows.

Rank, dim and parameters play no part in it; it is here to reproduce the paper. Source: TT-Rec (MLSys 2021), Table 2;
`suggested_tt_shapes` of FBTT-Embedding, with the same results for rows. Its dim factors may round dim up, ours never.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import log

from ttrec_kernels.factorizations import divisors, prime_factors
from ttrec_kernels.shape_checks import check_dim_factors, check_ranks, check_table, count_cores
from ttrec_kernels.shapes import TTShape


def entropy_shape(
    rows: int,
    dim: int,
    ranks: int | tuple[int, ...] = 32,
    *,
    cores: int | None = None,
    dim_factors: Sequence[int] | None = None,
) -> TTShape:
    """Shape of a `rows` × `dim` table by the paper's rule.

    `ranks` and `cores` are those of `smallest_shape`. Dim factors are the given ones, else the most even of exact
    product `dim`: (2, 2, 4) for 16. Raises `ShapeError`, which names the nearest valid value.
    """
    check_table(rows, dim)
    count = count_cores(cores, dim_factors=dim_factors)
    chain = check_ranks(ranks, count)
    q = most_even_factors(dim, count) if dim_factors is None else check_dim_factors(dim, dim_factors)
    return TTShape(rows, dim, _rounded_row_factors(rows, count), q, chain)


@lru_cache(maxsize=1024)
def most_even_factors(number: int, parts: int) -> tuple[int, ...]:
    """Factors of exact product `number` with the largest entropy, in the order of FBTT-Embedding.

    A factor of 1 appears only where there are fewer than `parts` prime factors.
    """
    primes = prime_factors(number)
    if len(primes) <= parts:
        return _interleaved((1,) * (parts - len(primes)) + primes)
    return _interleaved(_most_even((), number, parts, divisors(number)[1:]))


def _most_even(
    prefix: tuple[int, ...], number: int, parts: int, choices: Sequence[int], best: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """The more even of `best` and all ascending factors of `prefix` and `parts` more, which have the product `number`.

    Branch and bound. Equal real factors in place of the ones still open majorise no real choice, so their
    entropy is a bound; it falls as the next factor moves down from the root, where the scan begins.
    """
    if parts == 1:
        found = (*prefix, number)
        return found if not best or _entropy(found) > _entropy(best) else best
    for factor in reversed(choices):
        if factor**parts > number or number % factor:
            continue
        if factor < max(prefix, default=2):
            break
        even = (number / factor) ** (1 / (parts - 1))
        if best and _entropy((*prefix, factor, *(even,) * (parts - 1))) < _entropy(best) - 1e-12:
            break
        best = _most_even((*prefix, factor), number // factor, parts - 1, choices, best)
    return best


@lru_cache(maxsize=1024)
def _rounded_row_factors(rows: int, parts: int) -> tuple[int, ...]:
    """The most even factors over `rows` rounded up to a multiple of 1, 10, 100, …; the first of equals."""
    steps = (10**digits for digits in range(len(str(rows))))
    return max((most_even_factors(-(-rows // step) * step, parts) for step in steps), key=_entropy)


def _interleaved(ascending: tuple[int, ...]) -> tuple[int, ...]:
    """The lower and the upper half in turns: (a, b, c) stays, (a, b, c, d) becomes (a, c, b, d)."""
    half = len(ascending) // 2
    low, high = ascending[:half], ascending[half:]
    paired = [factor for pair in zip(low, high, strict=False) for factor in pair]
    return (*paired, *high[half:])


def _entropy(factors: tuple[float, ...]) -> float:
    """Shannon entropy of the factors as shares of their sum: largest when all are equal."""
    total = sum(factors)
    shares = [factor / total for factor in factors]
    return -sum(share * log(share) for share in shares)
