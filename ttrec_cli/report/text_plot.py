"""The frontier as a few lines of text, for the terminal."""

from math import isfinite, log10

from ttrec_cli.pareto import Analysis, AssessedPoint
from ttrec_cli.pareto.wording import format_bytes, format_value

WIDTH, HEIGHT = 64, 11
POINT, FRONTIER, DENSE, ANSWER = "·", "o", "*", "@"
"""The later one wins a cell that several points fall into."""


def text_plot(analysis: Analysis) -> str:
    """Value over model bytes (logarithmic), better upwards; empty with fewer than two points to show."""
    metric = analysis.metric
    shown = [a for a in analysis.points if isfinite(a.point.mean(metric.validation))]
    if len(shown) < 2:
        return ""
    places = [(log10(a.point.model_bytes), -metric.cost(a.point.mean(metric.validation))) for a in shown]
    (left, right), (low, high) = (_range([place[axis] for place in places]) for axis in (0, 1))
    canvas = [[" "] * WIDTH for _ in range(HEIGHT)]
    drawn = sorted(zip(shown, places, strict=True), key=lambda pair: _rank(pair[0], analysis))
    for assessed, (x, y) in drawn:
        column = round((x - left) / (right - left) * (WIDTH - 1))
        row = round((high - y) / (high - low) * (HEIGHT - 1))
        canvas[row][column] = (POINT, FRONTIER, DENSE, ANSWER)[_rank(assessed, analysis)]
    best, worst = (format_value(value if metric.higher_is_better else -value, metric) for value in (high, low))
    room = max(len(best), len(worst))
    names = [best, *[""] * (HEIGHT - 2), worst]
    lines = [f"{name:>{room}} │{''.join(row).rstrip()}" for name, row in zip(names, canvas, strict=True)]
    ends = format_bytes(10**left), format_bytes(10**right)
    lines.append(f"{'':>{room}} └{'─' * WIDTH}")
    lines.append(f"{'':>{room}}  {ends[0]}{ends[1]:>{WIDTH - len(ends[0])}}")
    lines.append(f"{'':>{room}}  {ANSWER} chosen  {FRONTIER} frontier  {DENSE} uncompressed  {POINT} other points")
    return "\n".join(lines)


def _rank(assessed: AssessedPoint, analysis: Analysis) -> int:
    if assessed.point == analysis.answer.point:
        return 3
    return 2 if assessed.point.is_dense else int(assessed.on_frontier)


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.001 * (abs(low) or 1.0)  # equal values: an axis of a hair, not one beyond 100 %
    return (low, high) if high > low else (low - room, high + room)
