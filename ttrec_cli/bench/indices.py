"""Indices to look up: uniform, or from a bounded Zipf law whose ranks are scattered over the table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.errors import ConfigError

PERMUTATION_SEED = 0x7474_7265_63
"""Popular rows are the same in every run, whatever the seed of the draws."""

FEISTEL_ROUNDS = 4
STEEPEST = 50.0


@dataclass(frozen=True)
class IndexLaw:
    """How often each of `rows` rows is looked up; `zipf` None: all alike, else rank k falls like k^−zipf."""

    rows: int
    zipf: float | None = None

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ConfigError(f"rows must be at least 1, but is {self.rows}")
        if self.zipf is not None and not 0 < self.zipf <= STEEPEST:
            raise ConfigError(f"--zipf must lie above 0 and up to {STEEPEST:g}, but is {self.zipf:g}")

    def draw(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """`count` row numbers, 0 … rows − 1."""
        if self.zipf is None:
            return generator.integers(0, self.rows, count)
        return scatter(zipf_ranks(self.rows, self.zipf, count, generator) - 1, self.rows)


def zipf_ranks(values: int, exponent: float, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Ranks 1 … `values`, rank k with a probability proportional to k^−exponent; exact, and no table is built.

    Source: rejection-inversion, W. Hörmann and G. Derflinger, ACM TOMACS 6(3), 1996: a point is drawn from the
    density x^−exponent and kept when it falls below the step of its nearest whole number.
    """

    def area(x: NDArray[np.float64]) -> NDArray[np.float64]:
        logarithm = np.log(x)
        power = (1 - exponent) * logarithm
        return np.asarray(
            np.where(np.abs(power) > 1e-8, np.expm1(power) / np.where(power == 0, 1, power), 1) * logarithm
        )

    def point(a: NDArray[np.float64]) -> NDArray[np.float64]:
        t = np.maximum(a * (1 - exponent), -1.0)
        return np.asarray(np.exp(np.where(np.abs(t) > 1e-8, np.log1p(t) / np.where(t == 0, 1, t), 1) * a))

    first, last = float(area(np.array(1.5)) - 1.0), float(area(np.array(values + 0.5)))
    found = np.empty(0, dtype=np.int64)
    while len(found) < count:
        drawn = last + generator.random(int((count - len(found)) * 1.2) + 16) * (first - last)
        x = point(drawn)
        rank = np.clip(np.rint(x), 1, values)
        kept = drawn >= area(rank + 0.5) - rank**-exponent
        found = np.concatenate([found, rank[kept].astype(np.int64)])
    return found[:count]


def scatter(numbers: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """A fixed random permutation of 0 … rows − 1, applied to `numbers`; it is computed, not stored.

    A Feistel network permutes the next even power of two; what it sends beyond `rows` goes through it again.
    """
    half = max(1, (max(rows - 1, 1).bit_length() + 1) // 2)
    keys = np.random.RandomState(np.random.MT19937(PERMUTATION_SEED)).randint(1, 2**31, size=FEISTEL_ROUNDS)
    found = _feistel(numbers.astype(np.uint64), half, keys)
    while (beyond := np.flatnonzero(found >= rows)).size:
        found[beyond] = _feistel(found[beyond], half, keys)
    return found.astype(np.int64)


def _feistel(numbers: NDArray[np.uint64], half: int, keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = numbers >> bits, numbers & mask
    for key in keys:
        mixed = (right + np.uint64(key)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        left, right = right, left ^ ((mixed >> np.uint64(32)) & mask)
    return (left << bits) | right
