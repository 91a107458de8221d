"""Which configurations go on after a rung of successive halving with two objectives; pure arithmetic.

Each rung costs eta times the one before. The first one takes fewer seeds on more data, where there are several: early
losses tell how fast a configuration learns, not how well. What an embedding dim does to all its configurations alike is
taken out with the uncompressed model of that dim, which starts with the same MLPs, for the same reason.

After a rung the configurations are sorted into fronts by size, which is exact and known beforehand, and quality so far.
`wanted` of them, all divided by eta at each rung, go on: front by front, in the last one those nearest to the frontier.
The whole first front goes on, and so do those that seed noise alone may keep off it, nearest first, until twice as many
as wanted do. A first front larger than that gives up the points that add least to its hypervolume, never its two ends.

Sources: Deb et al., A fast and elitist multiobjective genetic algorithm (NSGA-II), IEEE TEC 2002, for the fronts;
Jamieson and Talwalkar, Non-stochastic best arm identification, AISTATS 2016, for the halving.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.config import SearchConfig
from ttrec_cli.pareto.frontier import Reference, contributions, on_frontier
from ttrec_cli.pareto.metric import Metric

NEAR = 2.0
"""Standard errors of a difference within which a point may yet belong to the first front."""
MOST = 2
"""At most so many times the wanted number go on."""


@dataclass(frozen=True)
class Candidate:
    """A configuration after a rung: its size in bytes and its quality on validation, one value a seed.

    `always` goes on whatever it is worth: the uncompressed models, which all others of their `group` are compared with.
    """

    name: str
    size_bytes: int
    values: tuple[float, ...]
    always: bool = False
    group: str = ""


@dataclass(frozen=True)
class Rung:
    """Where a rung ends: after so many samples, on the first so many seeds."""

    samples: int
    seeds: int


def rungs(samples: int, seeds: int, search: SearchConfig) -> tuple[Rung, ...]:
    """The rungs of trials of `samples` on so many seeds; the last is the whole.

    From three rungs on the first takes about seeds / eta of the seeds and as much more data, no more than the second.
    """
    shares = [search.eta ** -(search.rungs - 1 - rung) for rung in range(search.rungs)]
    counts = [seeds] * search.rungs
    if search.rungs > 2:
        counts[0] = max(1, round(seeds / search.eta))
        shares[0] = min(shares[0] * seeds / counts[0], shares[1])
    found = [Rung(max(1, math.ceil(samples * share)), count) for share, count in zip(shares, counts, strict=True)]
    return tuple(dict.fromkeys([*(rung for rung in found[:-1] if rung.samples < samples), Rung(samples, seeds)]))


def wanted_after(configurations: int, rung: int, search: SearchConfig) -> int:
    """How many of all configurations are to go on after a rung, counted from 0."""
    return max(1, math.ceil(configurations / search.eta ** (rung + 1)))


def survivors(candidates: Sequence[Candidate], metric: Metric, wanted: int) -> frozenset[str]:
    """Names of those that go on to the next rung, see the module.

    A candidate with a value that is not finite never does. A single seed does not tell its noise: then all are near.
    """
    candidates = within_groups(candidates)
    kept = [each.name for each in candidates if each.always]
    able = [each for each in candidates if each.values and all(map(math.isfinite, each.values)) and not each.always]
    rivals = [each for each in candidates if each.values and all(map(math.isfinite, each.values))]
    if not able:
        return frozenset(kept)
    room = max(1, MOST * wanted - len(kept))
    sizes = np.array([each.size_bytes for each in rivals], dtype=np.float64)
    costs = np.array([metric.cost(math.fsum(each.values) / len(each.values)) for each in rivals])
    mine = np.array([index for index, each in enumerate(rivals) if not each.always])
    fronts, gaps = _fronts(sizes, costs), _gaps(sizes, costs)
    first = [index for index in mine if fronts[index] == 0]
    if len(first) > room:
        chosen = _largest_share(sizes, costs, first, room)
    else:
        noise = difference_noise(rivals, metric)
        order = mine[np.lexsort((gaps[mine], fronts[mine]))]
        chosen = [*first, *(index for index in order[: max(0, wanted - len(kept))] if fronts[index] > 0)]
        nearest = mine[np.argsort(gaps[mine], kind="stable")]
        near = [index for index in nearest if index not in chosen and noise > 0 and gaps[index] <= NEAR * noise]
        chosen += near[: room - len(chosen)] if len(chosen) < room else []
    return frozenset([*kept, *(rivals[index].name for index in chosen)])


def within_groups(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates as differences, seed by seed, to what always goes on in their group, at the mean level of those.

    Unchanged where a group has no such candidate, or one whose values are not finite.
    """
    bases = {each.group: each.values for each in candidates if each.always and all(map(math.isfinite, each.values))}
    fits = all(each.group in bases and len(bases[each.group]) == len(each.values) for each in candidates)
    if not bases or not fits:
        return tuple(candidates)
    level = [math.fsum(column) / len(bases) for column in zip(*bases.values(), strict=True)]
    return tuple(
        replace(
            each,
            values=tuple(
                value - base + mean for value, base, mean in zip(each.values, bases[each.group], level, strict=True)
            ),
        )
        for each in candidates
    )


def difference_noise(candidates: Sequence[Candidate], metric: Metric) -> float:
    """Standard error of the difference of two candidates' means that seeds alone make; infinite for a single seed.

    What a seed does to all candidates alike is taken out first, because all share the seeds.
    """
    seeds = len(candidates[0].values)
    if seeds < 2 or any(len(each.values) != seeds for each in candidates):
        return math.inf
    if len(candidates) < 2:
        return 0.0
    values = np.array([[metric.cost(value) for value in each.values] for each in candidates])
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean()
    degrees = (len(candidates) - 1) * (seeds - 1)
    return float(np.sqrt(np.square(rest).sum() / degrees * 2 / seeds))


def _fronts(sizes: NDArray[np.float64], costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which front each point lies on, counted from 0: the frontier, the frontier of the others, …"""
    found = np.full(len(sizes), -1)
    front = 0
    while (left := np.flatnonzero(found < 0)).size:
        mask = on_frontier(list(sizes[left]), list(costs[left]), Metric.LOGLOSS)
        found[left[mask]] = front
        front += 1
    return found


def _gaps(sizes: NDArray[np.float64], costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much better each point would have to be to equal the best one that is not larger; 0 on the frontier."""
    order = np.lexsort((costs, sizes))
    gaps = np.empty(len(sizes))
    gaps[order] = costs[order] - np.minimum.accumulate(costs[order])
    return gaps


def _largest_share(
    sizes: NDArray[np.float64], costs: NDArray[np.float64], front: Sequence[int], room: int
) -> list[int]:
    """`room` points of a front that keep most of its hypervolume: the least one is left out, again and again."""
    left = sorted(front, key=lambda index: (sizes[index], costs[index]))
    reference = Reference(float(sizes.max()), float(costs.max()))
    while len(left) > room:
        shares = contributions(list(sizes[left]), list(costs[left]), Metric.LOGLOSS, reference)
        if len(left) > 2:
            shares[[0, -1]] = np.inf
        left.pop(int(np.argmin(shares)))
    return left
