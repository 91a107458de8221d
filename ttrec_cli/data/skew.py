"""How often the values of a column occur: a head of ten with measured shares, then a power-law tail.

Ranks: 0 is "missing", 1 the most frequent value, 2 the next, … A column is drawn by turning a uniform
number into a rank, exactly for the head and in closed form for the tail, so that a table of ten million
values costs no memory.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.synthetic_columns import CategoryShape

HEAD = 10
STEEPEST = 60.0
"""Largest exponent of a power law here; beyond it, all mass sits on the first value anyway."""

BISECTIONS = 80


@dataclass(frozen=True)
class ColumnSkew:
    """Distribution of one column over `values` values, apart from "missing".

    Attributes:
        edges: cumulative shares of "missing" and of the head's values; above the last lies the tail.
        exponent: b of the tail's density, which falls like rank^-b.
    """

    values: int
    edges: NDArray[np.float64]
    exponent: float

    def ranks(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """The rank of each uniform number in [0, 1)."""
        from ttrec_cli.data.skew_loops import places

        ranks = places(self.edges, uniform)
        head = len(self.edges) - 1
        if self.values > head:
            in_tail = np.flatnonzero(ranks > head)
            share = (uniform[in_tail] - self.edges[-1]) / (1.0 - self.edges[-1])
            ranks[in_tail] = np.clip(np.rint(self._tail(share, head)), head + 1, self.values)
        return ranks

    def _tail(self, share: NDArray[np.float64], head: int) -> NDArray[np.float64]:
        """The point below which `share` of the tail's mass lies; the tail covers [head + ½, values + ½]."""
        low, ratio, power = head + 0.5, (self.values + 0.5) / (head + 0.5), 1.0 - self.exponent
        if abs(power) < 1e-9:
            return np.asarray(low * ratio**share)
        return np.asarray(low * (1.0 + share * (ratio**power - 1.0)) ** (1.0 / power))


def column_skew(values: int, shape: CategoryShape) -> ColumnSkew:
    """The distribution over `values` values with the shape's shares.

    The head falls like a power of the rank from the top-1 share so that ten values hold the top-10 share;
    the tail goes on from there without a step. Where a table is scaled so small that its tail would have to
    rise again, the head is flattened behind its first value, at last with it: the shares come out larger.
    """
    present = 1.0 - shape.missing
    if values <= HEAD:
        head, exponent = _head(values, shape.top1, present), 0.0
    else:
        head = _head(HEAD, shape.top1, shape.top10)
        if head[-1] < (present - shape.top10) / (values - HEAD):
            head[1:] = max((shape.top10 - shape.top1) / (HEAD - 1), (present - shape.top1) / (values - 1))
            if head[-1] > head[0]:
                head[:] = present / values
        exponent = _tail_exponent(values, float(head[-1]), present - float(head.sum()))
    edges = np.concatenate([[0.0], np.cumsum(head)]) + shape.missing
    if values <= HEAD:
        edges[-1] = 1.0  # no tail takes what rounding left
    return ColumnSkew(values, edges, exponent)


def _head(count: int, first: float, total: float) -> NDArray[np.float64]:
    """Shares first · k^-a of ranks k = 1 … count that add up to `total`; equal ones where `first` is too small."""
    ranks = np.arange(1.0, count + 1)
    if count * first <= total:
        return np.full(count, total / count)
    return first * ranks ** -_solve(lambda a: total - first * float((ranks**-a).sum()))


def _tail_exponent(values: int, start: float, mass: float) -> float:
    """b such that the tail's density, of `mass` in all, is `start` at the head's last rank."""

    def excess(b: float) -> float:
        low, high, power = HEAD + 0.5, values + 0.5, 1.0 - b
        area = math.log(high / low) if power == 0 else (high**power - low**power) / power
        return float(mass * HEAD**-b / area - start)

    return _solve(excess)


def _solve(rising: Callable[[float], float]) -> float:
    """Root of a rising function in [0, STEEPEST], or the nearer end."""
    low, high = 0.0, STEEPEST
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return low
