"""Whole numbers as products: prime factors, divisors, ordered factorisations."""

from collections.abc import Iterator
from functools import lru_cache


@lru_cache(maxsize=1024)
def prime_factors(number: int) -> tuple[int, ...]:
    """Prime factors with multiplicity, ascending; (1,) has none. By trial division up to the root of what is left."""
    factors, candidate = [], 2
    while candidate * candidate <= number:
        while number % candidate == 0:
            factors.append(candidate)
            number //= candidate
        candidate += 1 if candidate == 2 else 2
    return tuple(factors) if number == 1 else (*factors, number)


@lru_cache(maxsize=1024)
def divisors(number: int) -> tuple[int, ...]:
    """All divisors, ascending."""
    found = {1}
    for prime in prime_factors(number):
        found |= {divisor * prime for divisor in found}
    return tuple(sorted(found))


def ordered_factorizations(number: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All tuples of `parts` whole numbers >= 1 whose product is `number`, in dictionary order."""
    if parts == 1:
        yield (number,)
        return
    for divisor in divisors(number):
        for rest in ordered_factorizations(number // divisor, parts - 1):
            yield (divisor, *rest)
