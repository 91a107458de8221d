"""The TT shape with the fewest parameters: an exact search over all integer shapes.

Core k holds c_k · p_k numbers, where c_k = r_{k-1} q_k r_k. For one choice of dim factors q the search
minimises Σ c_k p_k over whole numbers p with Π p_k >= rows and max p <= max_skew · min p. Swapping two factors
so that the dearer core gets the smaller one never costs more and changes neither product nor skew. So
costs are sorted downwards and factors upwards, and all dim factors with the same sorted costs share one search.

Branch and bound fixes the factors from the smallest up. The smallest factor m sets the box [m, max_skew · m] for
the others, and over that box the real-valued problem has a closed solution (`relaxed_cost`). It is convex in the
logarithm of each factor, so the scan of a factor starts at its real-valued optimum and stops, in either
direction, where the bound passes the best shape found.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from math import ceil, floor, inf, prod

from ttrec_kernels.errors import ShapeError
from ttrec_kernels.factorizations import ordered_factorizations
from ttrec_kernels.shape_checks import check_dim_factors, check_ranks, check_row_factors, check_table, count_cores
from ttrec_kernels.shapes import TTShape

DEFAULT_MAX_SKEW = 1.5
"""Without a limit the dearest core shrinks to a few slices that all rows share."""

_SLACK = 1 + 1e-10
"""Bounds are floats: a branch is cut only when it is worse by more than rounding can explain."""

_Key = tuple[float, int, float, tuple[int, ...], tuple[int, ...]]


def smallest_shape(
    rows: int,
    dim: int,
    ranks: int | tuple[int, ...] = 32,
    *,
    cores: int | None = None,
    max_skew: float = DEFAULT_MAX_SKEW,
    row_factors: Sequence[int] | None = None,
    dim_factors: Sequence[int] | None = None,
) -> TTShape:
    """Shape of a `rows` × `dim` table with the fewest parameters at the given ranks.

    `ranks` is one number for all bonds or the inner ranks (r1, r2, …); they are never clipped. `cores` is 2 to 5;
    unless given, as many as the factors, else 3. The largest row factor is at most `max_skew` times the
    smallest (`inf`: no limit). Factors that are given are taken as they are, skew included. Ties go to
    less padding, then to the smaller skew, then to the smallest row factors and dim factors in dictionary order.
    Raises `ShapeError`, which names the nearest valid value.
    """
    check_table(rows, dim)
    if not max_skew >= 1:  # also true of NaN
        raise ShapeError(f"max_skew must be at least 1, but is {max_skew}; the nearest valid value is 1")
    chain = check_ranks(ranks, count_cores(cores, row_factors, dim_factors))
    p = None if row_factors is None else check_row_factors(rows, row_factors)
    q = None if dim_factors is None else check_dim_factors(dim, dim_factors)
    return _search(rows, dim, chain, max_skew, p, q)


@lru_cache(maxsize=4096)
def _search(
    rows: int,
    dim: int,
    ranks: tuple[int, ...],
    max_skew: float,
    row_factors: tuple[int, ...] | None,
    dim_factors: tuple[int, ...] | None,
) -> TTShape:
    """The search behind `smallest_shape`, on checked arguments; plans of many ranks ask for the same shapes again."""
    if row_factors is not None:
        p, choices = row_factors, ordered_factorizations(dim, len(ranks) - 1) if dim_factors is None else (dim_factors,)
        _, q = min((sum(map(int.__mul__, _costs(q, ranks), p)), q) for q in choices)
        return TTShape(rows, dim, p, q, ranks)
    search = _Search(rows, max_skew)
    search.run(_group_by_costs(_families(dim, ranks) if dim_factors is None else ((dim_factors,),), ranks))
    *_, p, q = search.best
    return TTShape(rows, dim, p, q, ranks)


def relaxed_cost(costs: Sequence[int], need: float, low: float, high: float) -> tuple[float, float]:
    """Least Σ c_k p_k over real p_k in [low, high] with Π p_k >= need, and the first factor there.

    `costs` descend. The solution is p_k = level / c_k cut to [low, high]: factors of dear cores end at `low`, those
    of cheap ones at `high`. Which end binds more is settled one end at a time, as in Bitran and Hax (1981)
    for resource allocation. Returns (inf, high) where no p can hold `need`.
    """
    first, last, fixed = 0, len(costs), 0.0
    if low**last >= need:
        return low * sum(costs), low
    if high**last * _SLACK < need:
        return inf, high
    while first < last:
        free = last - first
        level = (need * prod(costs[first:last])) ** (1 / free)
        lowest, highest, deficit, excess = first, last, 1.0, 1.0
        while lowest < last and costs[lowest] * low > level:
            deficit *= costs[lowest] * low / level
            lowest += 1
        while highest > lowest and costs[highest - 1] * high < level:
            excess *= level / (costs[highest - 1] * high)
            highest -= 1
        if lowest == first and highest == last:
            return fixed + free * level, (low if first else level / costs[0])
        if highest == last or (lowest > first and deficit >= excess):
            fixed += low * sum(costs[first:lowest])
            need /= low ** (lowest - first)
            first = lowest
        else:
            fixed += high * sum(costs[highest:last])
            need /= high ** (last - highest)
            last = highest
    return fixed, (low if first else high)


_Family = tuple[tuple[int, ...], ...]
"""Dim factors that differ only by swaps among cores of the same ranks: their sorted costs are the same."""


@dataclass(frozen=True)
class _Costs:
    """Sorted costs of the cores, and every dim factors that lead to them.

    `tails[k]` are the costs from the k-th dearest core on.
    """

    tails: tuple[tuple[int, ...], ...]
    families: tuple[_Family, ...]
    ranks: tuple[int, ...]

    def layouts(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Dim factors, and the place among the sorted costs of each core."""
        for dim_factors in chain.from_iterable(self.families):
            costs = _costs(dim_factors, self.ranks)
            order = sorted(range(len(costs)), key=lambda core: -costs[core])
            yield dim_factors, tuple(sorted(range(len(costs)), key=order.__getitem__))


def _costs(dim_factors: tuple[int, ...], ranks: tuple[int, ...]) -> tuple[int, ...]:
    """Numbers per row digit of each core, r_{k-1} q_k r_k."""
    return tuple(ranks[k] * q * ranks[k + 1] for k, q in enumerate(dim_factors))


def _families(dim: int, ranks: tuple[int, ...]) -> tuple[_Family, ...]:
    """All ordered factorizations of `dim`, those together that cost the same at these ranks."""
    products = [left * right for left, right in pairwise(ranks)]
    return _families_alike(dim, tuple(products.index(product) for product in products))


@lru_cache(maxsize=256)
def _families_alike(dim: int, alike: tuple[int, ...]) -> tuple[_Family, ...]:
    """As `_families`; `alike` gives for each core the first one of the same ranks."""
    families: dict[tuple[tuple[int, int], ...], list[tuple[int, ...]]] = defaultdict(list)
    for factors in ordered_factorizations(dim, len(alike)):
        families[tuple(sorted(zip(alike, factors, strict=True)))].append(factors)
    return tuple(map(tuple, families.values()))


def _group_by_costs(families: Sequence[_Family], ranks: tuple[int, ...]) -> list[_Costs]:
    groups: dict[tuple[int, ...], list[_Family]] = defaultdict(list)
    for family in families:
        groups[tuple(sorted(_costs(family[0], ranks), reverse=True))].append(family)
    return [_Costs(tuple(costs[k:] for k in range(len(costs))), tuple(alike), ranks) for costs, alike in groups.items()]


class _Search:
    """Branch and bound for one table; `best` is (parameters, padded rows, skew, row factors, dim factors)."""

    def __init__(self, rows: int, max_skew: float) -> None:
        self.rows = rows
        self.max_skew = max_skew
        self.best: _Key = (inf, 0, 0.0, (), ())
        self.limit = inf

    def run(self, groups: list[_Costs]) -> None:
        """Search the groups, the one with the lowest quick bound first."""
        for bound, index in sorted((self._quick_bound(group), index) for index, group in enumerate(groups)):
            if bound >= self.limit:
                break
            exact, smallest = self._root(groups[index])
            if exact < self.limit:
                self._scan_smallest(groups[index], smallest)

    def _quick_bound(self, group: _Costs) -> float:
        """Lower bound over all factors between the least and the largest that the skew can lead to."""
        cores, span = len(group.tails), min(self.max_skew, self.rows)
        root = self.rows ** (1 / cores)
        low, high = root / span ** (1 - 1 / cores) / _SLACK, (root * _SLACK + 1) * span
        return relaxed_cost(group.tails[0], self.rows, max(low, 1.0), high)[0] / _SLACK

    def _largest(self, smallest: int) -> int:
        """Largest factor allowed beside `smallest`; p / m <= max_skew is judged on the correctly rounded quotient."""
        if self.max_skew * smallest >= self.rows:
            return max(self.rows, smallest)
        largest = floor(self.max_skew * smallest)
        return largest + 1 if (largest + 1) / smallest <= self.max_skew else largest

    def _bound(self, group: _Costs, smallest: int) -> float:
        """Lower bound with this smallest factor and a real-valued largest one: convex, unlike with a whole one."""
        high = max(min(self.max_skew * smallest, self.rows), self._largest(smallest))
        return group.tails[0][0] * smallest + relaxed_cost(group.tails[1], self.rows / smallest, smallest, high)[0]

    def _root(self, group: _Costs) -> tuple[float, int]:
        """The smallest factor with the lowest bound, by bisection for the turn of the convex bound; (bound, factor)."""
        low, high = 1, ceil(self.rows ** (1 / len(group.tails)) * _SLACK)
        while low < high:
            middle = (low + high) // 2
            bound = self._bound(group, middle)
            if bound == inf or bound > self._bound(group, middle + 1):
                low = middle + 1
            else:
                high = middle
        return self._bound(group, low), low

    def _scan_smallest(self, group: _Costs, start: int) -> None:
        most = ceil(self.rows ** (1 / len(group.tails)) * _SLACK)
        for scan in (range(start, 0, -1), range(start + 1, most + 1)):
            for smallest in scan:
                if self._bound(group, smallest) >= self.limit:
                    break
                need = -(-self.rows // smallest)
                self._fill(group, (smallest,), group.tails[0][0] * smallest, need, self._largest(smallest))

    def _fill(self, group: _Costs, factors: tuple[int, ...], cost: int, need: int, high: int) -> None:
        """Choose the factors above the given ones; together they must hold `need`."""
        low, costs = factors[-1], group.tails[len(factors)]
        if len(costs) == 1:
            largest = max(low, need)
            if largest <= high:
                self._offer(group, (*factors, largest), cost + costs[0] * largest)
            return
        bound, start = relaxed_cost(costs, need, low, high)
        if cost + bound >= self.limit:
            return
        rest = group.tails[len(factors) + 1]
        for scan in (range(floor(start), low - 1, -1), range(floor(start) + 1, high + 1)):
            for p in scan:
                bound = cost + costs[0] * p + relaxed_cost(rest, need / p, p, high)[0]
                if bound >= self.limit:
                    break
                self._fill(group, (*factors, p), cost + costs[0] * p, -(-need // p), high)

    def _offer(self, group: _Costs, factors: tuple[int, ...], cost: int) -> None:
        key = (cost, prod(factors), factors[-1] / factors[0])
        if key > self.best[:3]:
            return
        for dim_factors, place in group.layouts():
            row_factors = tuple(factors[k] for k in place)
            self.best = min(self.best, (*key, row_factors, dim_factors))
        self.limit = self.best[0] * _SLACK
