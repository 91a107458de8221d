"""Two result sets side by side: how much more space the one frontier commands, from the same corner."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.errors import ConfigError
from ttrec_cli.pareto.analysis import Analysis
from ttrec_cli.pareto.frontier import Reference, hypervolume, on_frontier
from ttrec_cli.pareto.groups import Group
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.pareto.resampling import percentile_interval, resampling
from ttrec_cli.pareto.settings import flat_settings
from ttrec_cli.pareto.wording import format_bytes, format_value


@dataclass(frozen=True)
class Comparison:
    """Hypervolumes of two groups from one `reference`, and how many points of the joint frontier are whose.

    `obstacles` say why the two are not the same experiment ("seeds"); empty if they are. `interval`: 95 % of the
    difference, by joint resampling of seeds; None with a single seed or where seeds differ.
    """

    names: tuple[str, str]
    hypervolumes: tuple[float, float]
    winners: tuple[int, int]
    reference: Reference
    obstacles: tuple[str, ...]
    interval: tuple[float, float] | None
    sentence: str

    @property
    def difference(self) -> float:
        """The second hypervolume minus the first."""
        return self.hypervolumes[1] - self.hypervolumes[0]


def compare(first: Analysis, second: Analysis, names: tuple[str, str]) -> Comparison | None:
    """Compare two groups, seen through the same metric; None if one of them has no complete point.

    Raises `ConfigError` unless data and budget are the same: a hypervolume's difference would mean nothing.
    """
    _check_comparable(first.group, second.group, names)
    if first.reference is None or second.reference is None:
        return None
    metric, corners = first.metric, (first.reference, second.reference)
    reference = Reference(max(c.model_bytes for c in corners), max((c.value for c in corners), key=metric.cost))
    fronts = _Front.of(first), _Front.of(second)
    one, other = (front.hypervolume(front.values, reference) for front in fronts)
    mask = on_frontier([*fronts[0].sizes, *fronts[1].sizes], [*fronts[0].values, *fronts[1].values], metric)
    cut = len(fronts[0].sizes)
    same_seeds = first.group.seeds == second.group.seeds
    found = Comparison(
        names=names,
        hypervolumes=(one, other),
        winners=(int(mask[:cut].sum()), int(mask[cut:].sum())),
        reference=reference,
        obstacles=() if same_seeds else ("seeds",),
        interval=_interval(*fronts, reference) if same_seeds else None,
        sentence="",
    )
    return replace(found, sentence=_sentence(found, metric))


@dataclass(frozen=True)
class _Front:
    """The points of a frontier: bytes, mean values, and (points, seeds) scores behind these."""

    metric: Metric
    sizes: list[float]
    values: list[float]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, analysis: Analysis) -> "_Front":
        points, score = [assessed.point for assessed in analysis.frontier], analysis.metric.validation
        return cls(
            analysis.metric,
            [float(point.model_bytes) for point in points],
            [point.mean(score) for point in points],
            np.array([point.scores[score] for point in points], dtype=np.float64),
        )

    def hypervolume(self, values: Sequence[float] | NDArray[np.float64], reference: Reference) -> float:
        return hypervolume(self.sizes, [float(value) for value in values], self.metric, reference)


def _interval(one: _Front, other: _Front, reference: Reference) -> tuple[float, float] | None:
    """The 95 % bootstrap interval of the difference, the same seeds drawn again for both; None with a single seed.

    Frontier points stay what they are, as in the attainment band. Too narrow with few seeds, as every bootstrap is.
    """
    seeds = one.scores.shape[1]
    if seeds < 2:
        return None
    draws = resampling(seeds)
    areas = [
        [front.hypervolume(front.scores @ counts / seeds, reference) for counts in draws.counts]
        for front in (one, other)
    ]
    return percentile_interval(np.subtract(areas[1], areas[0]), draws)


def _check_comparable(one: Group, other: Group, names: tuple[str, str]) -> None:
    found = []
    if one.dataset_fingerprint != other.dataset_fingerprint:
        found.append(f"data ({_data(one)} and {_data(other)})")
    if one.budget != other.budget:
        budgets = flat_settings(one.budget), flat_settings(other.budget)
        keys = [key for key in dict.fromkeys([*budgets[0], *budgets[1]]) if budgets[0].get(key) != budgets[1].get(key)]
        pairs = [f"{key} {budgets[0].get(key, 'unset')} and {budgets[1].get(key, 'unset')}" for key in keys]
        found.append(f"budget ({', '.join(pairs)})" if pairs else "budget")
    if found:
        raise ConfigError(
            f"{names[0]} and {names[1]}: the newest results of both must have the same data and budget, but differ in "
            f"{' and '.join(found)}; run `ttrec pareto` on each of them alone"
        )


def _data(group: Group) -> str:
    return f"{group.dataset} {group.dataset_fingerprint[:8]}".strip()


def _sentence(found: Comparison, metric: Metric) -> str:
    a, b = found.names
    one, other = found.hypervolumes
    share = f" ({100 * found.difference / one:+.1f} %)" if one > 0 else ""
    corner = f"{format_bytes(found.reference.model_bytes)} and {format_value(found.reference.value, metric)}"
    text = (
        f"Hypervolume of {b} minus that of {a}: {_signed(found.difference)}{share.replace('-', '−')}, "
        f"{_uncertainty(found)}from {one:.4g} to {other:.4g} "
        f"(decades of bytes × {metric.label}, measured from {corner}). "
    )
    text += f"The joint frontier has {found.winners[0]} points of {a} and {found.winners[1]} of {b}."
    if found.obstacles:
        text += f" They differ in {', '.join(found.obstacles)}, so the difference is not of the models alone."
    return text


def _uncertainty(found: Comparison) -> str:
    if found.interval is None:
        return "" if found.obstacles else "single seed: no error bars, "
    low, high = found.interval
    return f"95 % interval {_signed(low)} … {_signed(high)}, "


def _signed(value: float) -> str:
    return f"{value:+.4g}".replace("-", "−")
