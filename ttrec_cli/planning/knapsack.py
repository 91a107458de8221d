"""The multiple-choice knapsack, exactly: one option of every class, least loss in all, within a budget.

The linear relaxation gives a price of cost (its Lagrange multiplier) and a bound. At that price every option has a
regret, what it loses against the best of its class; the loss of a whole choice exceeds the bound by at least the sum
of its regrets. So choices better than the best one known use options of little regret only. They are enumerated
class by class, without dominated ones and without those whose own relaxation, over the classes still open, is no
better than what is known; each of these relaxations, rounded, is a choice too and may be the new best one. Where
there would be too many, the class that the relaxation splits between two options is cut there, and both parts are
searched.

Source: Sinha and Zoltners (1979) for the relaxation; Pisinger, A minimal algorithm for the multiple-choice knapsack
problem (1995), for the enumeration by classes with bounds; Kellerer, Pferschy and Pisinger, Knapsack Problems (2004),
chapter 11.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]

_FIRST_PAIRS = 30_000
"""Choices that may be looked at for one class in the first part; with every further part so many more."""

_ROUNDING = 1e-12
"""What sums of losses in another order may differ by, relative to the largest of them."""


@dataclass(frozen=True)
class _Class:
    """The undominated options of a class, by rising cost and falling loss."""

    costs: _Ints
    losses: _Floats
    indices: _Ints

    def at(self, where: _Ints | NDArray[np.bool_] | slice) -> "_Class":
        """Some of the options."""
        return _Class(self.costs[where], self.losses[where], self.indices[where])

    @cached_property
    def hull(self) -> _Ints:
        """Positions of the options on the lower convex hull."""
        costs, losses = self.costs.tolist(), self.losses.tolist()
        found: list[int] = []
        for at, (cost, loss) in enumerate(zip(costs, losses, strict=True)):
            while len(found) > 1:
                first, last = found[-2], found[-1]
                saved = (losses[first] - losses[last]) / (costs[last] - costs[first])
                if saved > (losses[last] - loss) / (cost - costs[last]):
                    break
                found.pop()
            found.append(at)
        return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class _Curve:
    """Least loss of several classes over what they may cost, relaxed: a convex line through whole choices.

    From the first corner, the cheapest choice, corner k + 1 is reached by one step of one class, `owners[k]`.
    """

    costs: _Ints
    losses: _Floats
    owners: _Ints

    def bounds(self, left: _Ints) -> _Floats:
        """No choice within these costs loses less."""
        found: _Floats = np.interp(left, self.costs, self.losses)
        return found

    def corners(self, left: _Ints) -> _Ints:
        """The last corner within each of these costs."""
        return np.searchsorted(self.costs, left, side="right") - 1


@dataclass(frozen=True)
class _Choice:
    """Options taken of every class, by index, and their loss."""

    loss: float
    options: tuple[int, ...]


@dataclass(frozen=True)
class _Relaxed:
    """The relaxation: a price of cost, a bound on all losses, a choice that fits, and the cut of a class in two."""

    price: float
    bound: float
    rounded: _Choice
    cut_class: int
    cut_cost: int


def least_loss(classes: Sequence[Sequence[tuple[int, float]]], budget: int) -> tuple[int, ...] | None:
    """Index of the option to take of each class, given as (cost, loss) of its options; None if nothing fits."""
    parts = [[_class(options) for options in classes]]
    best: _Choice | None = None
    most_pairs = 0
    while parts:
        part = parts.pop()
        if sum(int(each.costs[0]) for each in part) > budget:
            continue
        relaxed = _relaxation(part, budget)
        best = _better(best, relaxed.rounded)
        if relaxed.bound >= best.loss:
            continue
        most_pairs += _FIRST_PAIRS
        found, is_least = _search(part, budget, relaxed, best.loss, most_pairs)
        best = _better(best, found) if found else best
        if not is_least:
            parts += _cut(part, relaxed)
    return best.options if best else None


def _better(first: _Choice | None, second: _Choice) -> _Choice:
    return second if first is None or second.loss < first.loss else first


def _class(options: Sequence[tuple[int, float]]) -> _Class:
    """The options of a class without the dominated ones."""
    costs = np.array([cost for cost, _ in options], dtype=np.int64)
    losses = np.array([loss for _, loss in options], dtype=np.float64)
    kept = _undominated(costs, losses)
    return _Class(costs[kept], losses[kept], kept)


def _undominated(costs: _Ints, losses: _Floats) -> _Ints:
    """Positions by rising cost and falling loss."""
    order = np.lexsort((losses, costs))
    ordered = losses[order]
    kept = np.append(True, ordered[1:] < np.minimum.accumulate(ordered)[:-1])
    found: _Ints = order[kept[: len(order)]]
    return found


def _cut(part: Sequence[_Class], relaxed: _Relaxed) -> list[list[_Class]]:
    """The part twice: with the options of the cut class up to the cut, and with those above."""
    at, each = relaxed.cut_class, part[relaxed.cut_class]
    below = each.costs <= relaxed.cut_cost
    return [[*part[:at], each.at(half), *part[at + 1 :]] for half in (below, ~below)]


def _curve(classes: Sequence[_Class]) -> _Curve:
    """Steps along the hulls, the most saving ones first."""
    hulls = [each.at(each.hull) for each in classes]
    costs = np.concatenate([np.diff(hull.costs) for hull in hulls] or [np.zeros(0, np.int64)])
    losses = np.concatenate([np.diff(hull.losses) for hull in hulls] or [np.zeros(0)])
    owners = np.repeat(np.arange(len(hulls)), [len(hull.costs) - 1 for hull in hulls])
    order = np.argsort(losses / costs, kind="stable")
    cheapest = sum(int(hull.costs[0]) for hull in hulls), sum(float(hull.losses[0]) for hull in hulls)
    return _Curve(
        np.cumsum(np.append(np.int64(cheapest[0]), costs[order])),
        np.cumsum(np.append(cheapest[1], losses[order])),
        owners[order],
    )


def _relaxation(part: Sequence[_Class], budget: int) -> _Relaxed:
    """The first step along the hulls that does not fit sets the price."""
    curve = _curve(part)
    corner = int(curve.corners(np.array([budget]))[0])
    steps = np.bincount(curve.owners[:corner], minlength=len(part))
    taken = [int(each.hull[count]) for each, count in zip(part, steps, strict=True)]
    rounded = _taken(part, _filled(part, taken, budget - int(curve.costs[corner])))
    if corner == len(curve.owners):
        return _Relaxed(0.0, rounded.loss, rounded, 0, 0)
    price = (curve.losses[corner] - curve.losses[corner + 1]) / (curve.costs[corner + 1] - curve.costs[corner])
    cut = int(curve.owners[corner])
    cut_cost = int(part[cut].costs[taken[cut]]) + budget - int(curve.costs[corner])
    bound = curve.bounds(np.array([budget]))[0]
    return _Relaxed(float(price), float(bound), rounded, cut, cut_cost)


def _filled(part: Sequence[_Class], taken: Sequence[int], left: int) -> list[int]:
    """The taken options, with that class raised as far as fits that saves most by it; until nothing fits."""
    taken = list(taken)
    while True:
        pairs = list(zip(part, taken, strict=True))
        raised = [int(np.searchsorted(each.costs, each.costs[at] + left, side="right")) - 1 for each, at in pairs]
        saved = [float(each.losses[at] - each.losses[to]) for (each, at), to in zip(pairs, raised, strict=True)]
        most = max(range(len(part)), key=saved.__getitem__, default=None)
        if most is None or raised[most] == taken[most]:
            return taken
        left -= int(part[most].costs[raised[most]] - part[most].costs[taken[most]])
        taken[most] = raised[most]


def _taken(part: Sequence[_Class], positions: Sequence[int]) -> _Choice:
    pairs = list(zip(part, positions, strict=True))
    return _Choice(
        sum(float(each.losses[at]) for each, at in pairs), tuple(int(each.indices[at]) for each, at in pairs)
    )


@dataclass(frozen=True)
class _States:
    """Choices of options of the first classes: their sums, and the way back."""

    costs: _Ints
    losses: _Floats
    regrets: _Floats
    before: _Ints
    options: _Ints

    def at(self, where: _Ints | NDArray[np.bool_]) -> "_States":
        """Some of the states."""
        return _States(
            self.costs[where], self.losses[where], self.regrets[where], self.before[where], self.options[where]
        )


_NOTHING_TAKEN = _States(np.zeros(1, np.int64), np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64))


def _search(
    part: Sequence[_Class], budget: int, relaxed: _Relaxed, known: float, most_pairs: int
) -> tuple[_Choice | None, bool]:
    """The choice of least loss, None if it loses more than `known`, and whether the search could be finished."""
    rounding = _ROUNDING * sum(float(each.losses[0]) for each in part)
    little = [_of_little_regret(each, relaxed.price, known - relaxed.bound + rounding) for each in part]
    # Those without a choice first, for they make no states; then the dearest, so that the bounds soon get tight.
    order = sorted(range(len(part)), key=lambda at: (len(little[at].costs) > 1, -int(little[at].costs[-1])))
    classes = [little[at] for at in order]
    levels = [_NOTHING_TAKEN]
    for level, each in enumerate(classes, start=1):
        grown = _grown(levels[-1], each, relaxed.price, known - relaxed.bound + rounding, most_pairs)
        if grown is None:
            return None, False
        if len(each.costs) > 1:
            grown, known = _promising(grown, _curve(classes[level:]), budget, known, rounding)
        if not len(grown.costs):
            return None, True
        levels.append(grown)
    return _way_back(levels[1:], classes, order), True


def _promising(states: _States, rest: _Curve, budget: int, known: float, rounding: float) -> tuple[_States, float]:
    """The undominated states that may lead to less than `known`, and what is known after rounding all of them."""
    states = states.at(states.costs + rest.costs[0] <= budget)
    rounded = states.losses + rest.losses[rest.corners(budget - states.costs)]
    known = min(known, float(rounded.min(initial=known)))
    states = states.at(states.losses + rest.bounds(budget - states.costs) <= known + rounding)
    return states.at(_undominated(states.costs, states.losses)), known


def _regrets(each: _Class, price: float) -> _Floats:
    at_price = each.losses + price * each.costs
    found: _Floats = at_price - at_price.min()
    return found


def _of_little_regret(each: _Class, price: float, gap: float) -> _Class:
    return each.at(_regrets(each, price) <= gap)


def _grown(states: _States, each: _Class, price: float, gap: float, most_pairs: int) -> _States | None:
    """Every state with every option of the class that keeps its regret within the gap; None if they are too many."""
    regrets = _regrets(each, price)
    order = np.argsort(regrets, kind="stable")
    counts = np.searchsorted(regrets[order], gap - states.regrets, side="right")
    pairs = int(counts.sum())
    if pairs > most_pairs:
        return None
    before = np.repeat(np.arange(len(counts)), counts)
    options = order[np.arange(pairs) - np.repeat(np.cumsum(counts) - counts, counts)]
    return _States(
        states.costs[before] + each.costs[options],
        states.losses[before] + each.losses[options],
        states.regrets[before] + regrets[options],
        before,
        options,
    )


def _way_back(levels: Sequence[_States], classes: Sequence[_Class], order: Sequence[int]) -> _Choice:
    """The state of least loss, the last one, with the options it came by."""
    at, options = len(levels[-1].costs) - 1, [0] * len(order)
    for states, each, place in zip(reversed(levels), reversed(classes), reversed(order), strict=True):
        options[place] = int(each.indices[states.options[at]])
        at = int(states.before[at])
    return _Choice(float(levels[-1].losses[-1]), tuple(options))
