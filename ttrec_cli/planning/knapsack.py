"""The multiple-choice knapsack, exactly: one option of every class, least loss in all, within a budget.

The linear relaxation gives a price of cost (its Lagrange multiplier). At that price every option has a regret, what
it loses against the best of its class; the loss of a whole choice exceeds the bound of the relaxation by exactly
the sum of its regrets plus the price of what it leaves unspent. So all choices within a gap of the bound use
options of little regret only: they are enumerated, without dominated ones, and the gap is doubled until it holds a
choice. Where there would be too many, the class that the relaxation splits between two options is cut there, and
both parts are searched.

Source: Sinha and Zoltners (1979) for the relaxation; Kellerer, Pferschy and Pisinger, Knapsack Problems (2004), §11.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import NamedTuple

Option = tuple[int, float, int]
"""Cost, loss and index of an option of a class."""

_FIRST_GAPS = 2**8
_FIRST_STATES = 100
"""Choices that may be enumerated in the first part; with every further part so many more, as cuts did not help."""


@dataclass(frozen=True)
class _Class:
    """The undominated options of a class, by rising cost and falling loss, and the lower convex hull of them."""

    options: list[Option]
    hull: list[Option]


@dataclass(frozen=True)
class _Choice:
    """Options taken of every class, by index, and their sums."""

    loss: float
    cost: int
    options: tuple[int, ...]


@dataclass(frozen=True)
class _Relaxed:
    """The relaxation: a price of cost, a bound on all losses, a choice that fits, and the cut of a class in two."""

    price: float
    bound: float
    rounded: _Choice
    cut_class: int
    cut_cost: int


class _State(NamedTuple):
    """Options of the first classes: their sums, and the way back. A tuple: a search makes 10^5 of them."""

    cost: int
    loss: float
    regret: float
    option: int = -1
    before: "_State | None" = None


def least_loss(classes: Sequence[Sequence[tuple[int, float]]], budget: int) -> tuple[int, ...] | None:
    """Index of the option to take of each class, given as (cost, loss) of its options; None if nothing fits."""
    parts = [[_class((cost, loss, index) for index, (cost, loss) in enumerate(options)) for options in classes]]
    best: _Choice | None = None
    most_states = 0
    while parts:
        part = parts.pop()
        if sum(each.options[0][0] for each in part) > budget:
            continue
        if sum(each.options[-1][0] for each in part) <= budget:
            best = _better(best, _taken([each.options[-1] for each in part]))
            continue
        relaxed = _relaxation(part, budget)
        best = _better(best, relaxed.rounded)
        if relaxed.bound >= best.loss:
            continue
        most_states += _FIRST_STATES
        found, is_least = _search(part, budget, relaxed, best.loss - relaxed.bound, most_states)
        best = _better(best, found) if found else best
        if not is_least:
            parts += _cut(part, relaxed)
    return best.options if best else None


def _better(first: _Choice | None, second: _Choice) -> _Choice:
    return second if first is None or (second.loss, second.cost) < (first.loss, first.cost) else first


def _taken(options: Sequence[Option]) -> _Choice:
    costs, losses, indices = zip(*options, strict=True) if options else ((), (), ())
    return _Choice(sum(losses), sum(costs), tuple(indices))


def _cut(part: Sequence[_Class], relaxed: _Relaxed) -> list[list[_Class]]:
    """The part twice: with the options of the cut class up to the cut, and with those above."""
    at, options = relaxed.cut_class, part[relaxed.cut_class].options
    below = [option for option in options if option[0] <= relaxed.cut_cost]
    above = [option for option in options if option[0] > relaxed.cut_cost]
    return [[*part[:at], _class(half), *part[at + 1 :]] for half in (below, above)]


def _class(options: Iterable[Option]) -> _Class:
    kept: list[Option] = []
    for option in sorted(options):
        if not kept or option[1] < kept[-1][1]:
            kept.append(option)
    hull: list[Option] = []
    for option in kept:
        while len(hull) > 1 and _saving(hull[-2], hull[-1]) <= _saving(hull[-1], option):
            hull.pop()
        hull.append(option)
    return _Class(kept, hull)


def _saving(cheap: Option, dear: Option) -> float:
    """Loss saved a unit of cost."""
    return (cheap[1] - dear[1]) / (dear[0] - cheap[0])


def _relaxation(part: Sequence[_Class], budget: int) -> _Relaxed:
    """Steps along the hulls, the most saving ones first; the first one that does not fit sets the price."""
    taken = [each.options[0] for each in part]
    steps = sorted(
        (-_saving(cheap, dear), at, cheap, dear) for at, each in enumerate(part) for cheap, dear in pairwise(each.hull)
    )
    left = budget - sum(option[0] for option in taken)
    price, cut_class, cut_cost = -1.0, 0, 0
    for saving, at, cheap, dear in steps:
        if dear[0] - cheap[0] <= left and taken[at] == cheap:
            left -= dear[0] - cheap[0]
            taken[at] = dear
        elif price < 0:
            price, cut_class, cut_cost = -saving, at, cheap[0] + left
    bound = sum(min(loss + price * cost for cost, loss, _ in each.hull) for each in part) - price * budget
    return _Relaxed(price, bound, _taken(taken), cut_class, cut_cost)


def _search(
    part: Sequence[_Class], budget: int, relaxed: _Relaxed, widest: float, most_states: int
) -> tuple[_Choice | None, bool]:
    """The choice of least loss within `widest` of the bound, and whether the search could be finished."""
    regrets = [_regrets(each, relaxed.price, widest) for each in part]
    gap = widest / _FIRST_GAPS
    while True:
        states = _states([_little(options, gap) for options in regrets], budget, relaxed.price, gap, most_states)
        if states is None:
            return None, False
        if states and (states[-1].loss - relaxed.bound <= gap or gap >= widest):
            return _way_back(states[-1]), True
        if gap >= widest:
            return None, True
        gap = min(2 * gap, widest)


def _regrets(each: _Class, price: float, widest: float) -> list[tuple[float, Option]]:
    """Options by rising regret, as far as `widest`; the first one has none."""
    least = min(loss + price * cost for cost, loss, _ in each.hull)
    regrets = ((option[1] + price * option[0] - least, option) for option in each.options)
    return sorted(regret for regret in regrets if regret[0] <= widest)


def _little(regrets: Sequence[tuple[float, Option]], gap: float) -> list[tuple[float, Option]]:
    """The options whose regret is within the gap; the best of the class always is."""
    return [regret for regret in regrets if regret[0] <= gap]


def _states(
    classes: Sequence[Sequence[tuple[float, Option]]], budget: int, price: float, gap: float, most_states: int
) -> list[_State] | None:
    """Undominated choices within `gap` of the bound, the last one of least loss; None if they are too many."""
    cheapest = [min(option[0] for _, option in options) for options in classes]
    dearest = [max(option[0] for _, option in options) for options in classes]
    least_left = [*accumulate(cheapest[:0:-1], initial=0)][::-1]
    most_left = [*accumulate(dearest[:0:-1], initial=0)][::-1]
    states = [_State(0, 0.0, 0.0)]
    for options, least, most in zip(classes, least_left, most_left, strict=True):
        grown = []
        for state in states:
            state_cost, state_loss, state_regret = state.cost, state.loss, state.regret
            for regret, (cost, loss, index) in options:
                total, regrets = state_cost + cost, state_regret + regret
                if regrets > gap:
                    break
                if total + least <= budget and regrets + price * (budget - total - most) <= gap:
                    grown.append(_State(total, state_loss + loss, regrets, index, state))
            if len(grown) > most_states:
                return None
        states = _undominated(grown)
    return states


def _undominated(states: list[_State]) -> list[_State]:
    """By rising cost and falling loss: the last one has the least loss."""
    found: list[_State] = []
    for state in sorted(states, key=itemgetter(0, 1)):
        if not found or state.loss < found[-1].loss:
            found.append(state)
    return found


def _way_back(last: _State) -> _Choice:
    options, state = [], last
    while state.before is not None:
        options.append(state.option)
        state = state.before
    return _Choice(last.loss, last.cost, tuple(reversed(options)))
