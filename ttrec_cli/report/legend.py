"""The legend as HTML: real text that wraps on a phone, with the same symbols as the figure, drawn in SVG."""

from html import escape
from math import cos, pi, sin

from ttrec_cli.pareto.points import DENSE, TT, TT_FROZEN
from ttrec_cli.report.colours import INK, Paint, neutral, paint
from ttrec_cli.report.marks import LARGEST, UNCOMPRESSED_SYMBOL, method_symbol, size_of, symbol_of
from ttrec_cli.report.record import Picture

_BOX = 18
"""Pixels of the square that holds a symbol."""


def legend_html(picture: Picture) -> str:
    """Lists of what hue and size, symbol, shade and outline stand for; only for what occurs."""
    ranks, shades = len(picture.ranks), len(picture.tables)
    blocks = []
    if ranks:
        items = [
            (_symbol("circle", paint(at, shades // 2, shades), size_of(at, ranks)), str(rank))
            for at, rank in enumerate(picture.ranks)
        ]
        blocks.append(_block("Rank: colour and size", items))
    if picture.rivals:
        methods = (*sorted(picture.methods & {TT}), *picture.rivals)
        items = [(_symbol(method_symbol(method, picture), INK), method) for method in methods]
        blocks.append(_block("Method: shape", items))
    else:
        blocks.append(_block("Dim: shape", [(_symbol(symbol_of(dim, picture), INK), str(dim)) for dim in picture.dims]))
    if shades:
        items = [(_symbol("circle", neutral(at, shades)), str(count)) for at, count in enumerate(picture.tables)]
        blocks.append(_block("Tables compressed: shade", items))
    blocks.append(_block("Also", _others(picture)))
    return f'<div class="legend">{"".join(blocks)}</div>'


def _others(picture: Picture) -> list[tuple[str, str]]:
    line = '<path d="M1 14H9V5H17" fill="none" stroke-width="1.5" class="stroke"/>'
    items = [(_svg(line, INK), "frontier")]
    if DENSE in picture.methods:
        items.append((_symbol(UNCOMPRESSED_SYMBOL, INK, LARGEST), "uncompressed model"))
    if TT_FROZEN in picture.methods:
        items.append((_symbol("circle", INK, 11, is_open=True), "outline only: cores never trained (tt-frozen)"))
    if picture.band is not None:
        strip = '<path d="M1 12H9V4H17V8H9V16H1z" class="fill" opacity="0.3"/>'
        items.append((_svg(strip, INK), "what the frontier reaches with 3 in 4 to 1 in 4 seeds"))
    if picture.has_bars:
        bar = '<path d="M9 2V16M6 2H12M6 16H12" fill="none" stroke-width="1" class="stroke"/>'
        items.append((_svg(bar, INK), "lowest to highest seed"))
    return items


def _block(title: str, items: list[tuple[str, str]]) -> str:
    entries = "".join(f"<li>{symbol}{escape(text)}</li>" for symbol, text in items)
    return f'<div><p class="legend-title">{escape(title)}</p><ul>{entries}</ul></div>'


def _symbol(name: str, colour: Paint, size: float = 12, is_open: bool = False) -> str:
    style = 'class="stroke" fill="none" stroke-width="2"' if is_open else 'class="fill"'
    return _svg(f'<path d="{_path(name, size / 2)}" {style}/>', colour)


def _svg(inner: str, colour: Paint) -> str:
    return (
        f'<svg width="{_BOX}" height="{_BOX}" aria-hidden="true" '
        f'style="--light:{colour.light};--dark:{colour.dark}">{inner}</svg>'
    )


def _path(name: str, radius: float) -> str:
    """SVG path of a Plotly symbol, centred in the box."""
    if name == "circle":
        half_turn = f"a{radius:g} {radius:g} 0 1 0"
        return f"M{_BOX / 2 - radius:g} {_BOX / 2:g}{half_turn} {2 * radius:g} 0{half_turn} {-2 * radius:g} 0z"
    return "M" + "L".join(f"{x + _BOX / 2:.2f} {y + _BOX / 2:.2f}" for x, y in _corners(name, radius)) + "z"


def _corners(name: str, radius: float) -> list[tuple[float, float]]:
    third = radius * 0.4
    cross = [
        (-third, -radius), (third, -radius), (third, -third), (radius, -third), (radius, third), (third, third),
        (third, radius), (-third, radius), (-third, third), (-radius, third), (-radius, -third), (-third, -third),
    ]  # fmt: skip
    shapes = {
        "square": [(radius * x, radius * y) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))],
        "diamond": _polygon(4, radius * 1.3),
        "triangle-up": _polygon(3, radius * 1.15),
        "triangle-down": [(x, -y) for x, y in _polygon(3, radius * 1.15)],
        "pentagon": _polygon(5, radius * 1.1),
        "star": _polygon(10, radius, 0.4),
        "cross": cross,
        "x": [((x - y) * 0.71, (x + y) * 0.71) for x, y in cross],
    }
    return shapes[name]


def _polygon(corners: int, radius: float, inner: float = 1.0) -> list[tuple[float, float]]:
    """Corners on a circle, the first at the top; every other one at `inner` times the radius."""
    found = []
    for k in range(corners):
        reach = radius * (inner if k % 2 else 1.0)
        found.append((reach * sin(2 * pi * k / corners), -reach * cos(2 * pi * k / corners)))
    return found
