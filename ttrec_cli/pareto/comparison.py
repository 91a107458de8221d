"""Two result sets side by side: how much more space the one frontier commands, from the same corner."""

from dataclasses import dataclass

from ttrec_cli.pareto.analysis import Analysis
from ttrec_cli.pareto.frontier import Reference, hypervolume, on_frontier
from ttrec_cli.pareto.wording import format_bytes, format_value


@dataclass(frozen=True)
class Comparison:
    """Hypervolumes of two groups from one `reference`, and how many points of the joint frontier are whose.

    `obstacles` say why the two are not the same experiment; empty if they are.
    """

    names: tuple[str, str]
    hypervolumes: tuple[float, float]
    winners: tuple[int, int]
    reference: Reference
    obstacles: tuple[str, ...]
    sentence: str

    @property
    def difference(self) -> float:
        """The second hypervolume minus the first."""
        return self.hypervolumes[1] - self.hypervolumes[0]


def compare(first: Analysis, second: Analysis, names: tuple[str, str]) -> Comparison | None:
    """Compare two groups, seen through the same metric; None if one of them has no complete point."""
    corners = [analysis.reference for analysis in (first, second) if analysis.reference is not None]
    if len(corners) < 2:
        return None
    metric = first.metric
    reference = Reference(
        max(corner.model_bytes for corner in corners), max((c.value for c in corners), key=metric.cost)
    )
    fronts = [[assessed.point for assessed in analysis.frontier] for analysis in (first, second)]
    sizes = [[float(point.model_bytes) for point in front] for front in fronts]
    values = [[point.mean(metric.validation) for point in front] for front in fronts]
    one, other = (hypervolume(s, v, metric, reference) for s, v in zip(sizes, values, strict=True))
    mask = on_frontier(sizes[0] + sizes[1], values[0] + values[1], metric)
    cut = len(sizes[0])
    found = Comparison(
        names, (one, other), (int(mask[:cut].sum()), int(mask[cut:].sum())), reference, _obstacles(first, second), ""
    )
    return Comparison(
        found.names, found.hypervolumes, found.winners, reference, found.obstacles, _sentence(found, first)
    )


def _obstacles(first: Analysis, second: Analysis) -> tuple[str, ...]:
    one, other = first.group, second.group
    checks = {
        "data": one.dataset_fingerprint == other.dataset_fingerprint,
        "budget": one.budget == other.budget,
        "seeds": one.seeds == other.seeds,
    }
    return tuple(name for name, same in checks.items() if not same)


def _sentence(found: Comparison, first: Analysis) -> str:
    a, b = found.names
    one, other = found.hypervolumes
    share = f" ({100 * found.difference / one:+.1f} %)" if one > 0 else ""
    change = f"{found.difference:+.4g}{share}".replace("-", "−")
    corner = f"{format_bytes(found.reference.model_bytes)} and {format_value(found.reference.value, first.metric)}"
    text = (
        f"Hypervolume of {b} minus that of {a}: {change}, from {one:.4g} to {other:.4g} "
        f"(decades of bytes × {first.metric.label}, measured from {corner}). "
    )
    text += f"The joint frontier has {found.winners[0]} points of {a} and {found.winners[1]} of {b}."
    if found.obstacles:
        text += f" They differ in {', '.join(found.obstacles)}, so the difference is not of the models alone."
    return text
