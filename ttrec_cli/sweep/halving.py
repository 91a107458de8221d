"""Which configurations go on after a rung of successive halving with two objectives; pure arithmetic.

Rungs grow by eta, counted over all seeds, and are filled seed by seed: a second seed begins when the first has come to
its end. Early losses tell how fast a configuration learns, not how well; the end of one seed tells it but for the noise
of seeds, which is far smaller. So the first rung is half as long as the others ask for, and drops the hopeless quarter
only; each later one leaves 1 / eta of those.

After a rung those go on that together are expected to command most hypervolume. Losses are drawn around what was
measured, as far off as noise may have put them; sizes are exact and known beforehand. One after another the
configuration is chosen that adds most to the hypervolume of those chosen before, on the mean of all draws. So a point
near the frontier is worth more in a gap than beside another one.

Sources: Jamieson and Talwalkar, Non-stochastic best arm identification, AISTATS 2016, for the halving; Emmerich et al.,
Single- and multiobjective evolutionary optimization assisted by Gaussian random field metamodels, IEEE TEC 2006, for
the expected hypervolume; Nemhauser et al., Mathematical Programming 14, 1978, for choosing one after another.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.config import SearchConfig
from ttrec_cli.pareto.metric import Metric

FIRST_LENGTH = 0.5
"""Length of the first rung, in what 1 / eta of the second would be."""
FIRST_KEPT = 0.75
"""Share of all configurations that go on after the first rung."""
ASSUMED_NOISE = 0.1
"""Noise of what a single seed measured, in interquartile ranges of all configurations; more seeds tell their own."""
DRAWS = 128
MARGIN = 0.1
"""How far beyond the largest and the worst hypervolume begins, in ranges, so that these are worth something, too."""


@dataclass(frozen=True)
class Candidate:
    """A configuration after a rung: its size in bytes and its quality on validation, one value a seed.

    `always` goes on whatever it is worth: the uncompressed model, which all others are compared with.
    """

    name: str
    size_bytes: int
    values: tuple[float, ...]
    always: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether all its values are numbers; it has diverged or failed otherwise."""
        return bool(self.values) and all(map(math.isfinite, self.values))


@dataclass(frozen=True)
class Rung:
    """Where a rung ends: after so many samples, on the first so many seeds."""

    samples: int
    seeds: int


def rungs(samples: int, seeds: int, search: SearchConfig) -> tuple[Rung, ...]:
    """The rungs of trials of `samples` on so many seeds; the last is the whole."""
    found = []
    for rung in range(search.rungs):
        trials = seeds * search.eta ** -(search.rungs - 1 - rung) * (FIRST_LENGTH if rung == 0 else 1)
        whole = math.floor(trials + 1e-9)
        found.append(Rung(samples, whole) if whole else Rung(max(1, math.ceil(samples * trials)), 1))
    return tuple(dict.fromkeys(found))


def wanted_after(configurations: int, rung: int, search: SearchConfig) -> int:
    """How many of all configurations are to go on after a rung, counted from 0."""
    return math.ceil(configurations * FIRST_KEPT / search.eta**rung)


def schedule(configurations: int, samples: int, seeds: int, search: SearchConfig) -> tuple[tuple[Rung, int], ...]:
    """Every rung and how many of all configurations train to its end, if none fails."""
    steps = rungs(samples, seeds, search)
    alive = [configurations, *(wanted_after(configurations, number, search) for number in range(len(steps) - 1))]
    return tuple(zip(steps, alive, strict=True))


def expected_share(configurations: int, samples: int, seeds: int, search: SearchConfig) -> float:
    """Samples that a search trains, in those of all configurations on all seeds."""
    trained, begin = 0, 0
    for rung, count in schedule(configurations, samples, seeds, search):
        end = rung.samples * rung.seeds
        trained, begin = trained + count * (end - begin), end
    return trained / (configurations * samples * seeds)


def survivors(candidates: Sequence[Candidate], metric: Metric, wanted: int) -> frozenset[str]:
    """Names of those that go on to the next rung, `wanted` of them if so many are sound, see the module."""
    always = {each.name for each in candidates if each.always}
    able = [each for each in candidates if each.is_sound]
    if not able:
        return frozenset(always)
    chosen = _Chosen([each.size_bytes for each in able], _costs(able, metric).mean(axis=1), noise_of(able, metric))
    for index, each in enumerate(able):
        if each.always:
            chosen.add(index)
    chosen.fill(wanted - len(always) + len(chosen.indices))
    return frozenset(always | {able[index].name for index in chosen.indices})


def noise_of(candidates: Sequence[Candidate], metric: Metric) -> float:
    """Standard error that seeds give to each mean; what a seed does to all alike is taken out, for all share the seeds.

    Assumed where a single seed, or a single configuration, does not tell it.
    """
    values = _costs(candidates, metric)
    configurations, seeds = values.shape
    if seeds < 2 or configurations < 2:
        upper, lower = np.percentile(values.mean(axis=1), [75, 25])
        return float(ASSUMED_NOISE * (upper - lower))
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean()
    degrees = (configurations - 1) * (seeds - 1)
    return float(np.sqrt(np.square(rest).sum() / degrees / seeds))


def _costs(candidates: Sequence[Candidate], metric: Metric) -> NDArray[np.float64]:
    """(configurations, seeds), less being better; of the seeds that all have."""
    seeds = min(len(each.values) for each in candidates)
    return np.array([[metric.cost(value) for value in each.values[:seeds]] for each in candidates])


class _Chosen:
    """Configurations chosen so far, and the frontier they make in each draw: the best cost at each size."""

    def __init__(self, sizes: Sequence[int], costs: NDArray[np.float64], noise: float) -> None:
        self.indices: list[int] = []
        order = np.lexsort((costs, np.array(sizes)))
        self._place = {int(index): place for place, index in enumerate(order)}
        logs, ends = np.log10(np.array(sizes, dtype=np.float64))[order], costs[order]
        self._gaps = ends - np.minimum.accumulate(ends)
        corner = logs[-1] + MARGIN * (logs[-1] - logs[0] or 1.0)
        self._widths = np.diff(logs, append=corner)
        drawn = np.random.default_rng(0).normal(0.0, 1.0, (DRAWS, len(ends)))
        self._draws = ends + noise * drawn
        worst = ends.max() + MARGIN * (ends.max() - ends.min() or 1.0)
        self._frontier = np.full_like(self._draws, worst)

    def add(self, index: int) -> None:
        """Choose a configuration."""
        place = self._place[index]
        better = self._frontier[:, place:]
        np.minimum(better, self._draws[:, place, None], out=better)
        self.indices.append(index)

    def fill(self, wanted: int) -> None:
        """Choose those that add most, one after another, until there are `wanted`; of equals the nearest to the front.

        What one adds only falls as others are chosen: what was found once is an upper bound, and most stay unasked.
        """
        queue = [(*self._worth(index), index) for index in self._place if index not in self.indices]
        heapq.heapify(queue)
        while queue and len(self.indices) < wanted:
            *_, index = heapq.heappop(queue)
            found = (*self._worth(index), index)
            if not queue or found <= queue[0]:
                self.add(index)
            else:
                heapq.heappush(queue, found)

    def _worth(self, index: int) -> tuple[float, float]:
        """What a configuration would add, negative, and how far it is from the front: the least is the best."""
        place = self._place[index]
        gain = np.maximum(self._frontier[:, place:] - self._draws[:, place, None], 0.0) @ self._widths[place:]
        return -float(gain.mean()), float(self._gaps[place])
