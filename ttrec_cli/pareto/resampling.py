"""Seeds drawn again: bootstrap intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.pareto.paired import CONFIDENCE

_EXACT_SEEDS = 6
"""Up to so many seeds every possible draw is listed with its probability: at most 462 of them."""

_DRAWS = 1000

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resampling:
    """Draws of n seeds from n with replacement: `counts` (draws, n) sum to n a row, all `probabilities` to 1."""

    counts: _Floats
    probabilities: _Floats


@lru_cache(maxsize=32)
def resampling(seeds: int) -> Resampling:
    """All draws with their exact probabilities while these are few, else 1000 random ones, always the same."""
    if seeds > _EXACT_SEEDS:
        drawn = np.random.default_rng(seeds).multinomial(seeds, np.full(seeds, 1 / seeds), _DRAWS)
        return Resampling(drawn.astype(np.float64), np.full(_DRAWS, 1 / _DRAWS))
    draws = [np.bincount(draw, minlength=seeds) for draw in combinations_with_replacement(range(seeds), seeds)]
    ways = [factorial(seeds) / prod(factorial(int(count)) for count in draw) for draw in draws]
    return Resampling(np.array(draws, dtype=np.float64), np.array(ways) / seeds**seeds)


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % percentile interval of the mean; None with a single value.

    With few seeds it is too narrow (it cannot leave their range): Student's interval is the one to act on, this
    one shows skew. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    if len(values) < 2:
        return None
    draws = resampling(len(values))
    return percentile_interval(draws.counts @ np.asarray(values, dtype=np.float64) / len(values), draws)


def percentile_interval(found: _Floats, draws: Resampling) -> tuple[float, float]:
    """The 95 % percentile interval of what each draw came to."""
    order = np.argsort(found)
    reached = np.cumsum(draws.probabilities[order])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.searchsorted(reached, [tail, 1 - tail])
    return float(found[order[low]]), float(found[order[min(high, len(order) - 1)]])
