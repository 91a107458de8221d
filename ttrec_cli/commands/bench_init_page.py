"""The page of `ttrec bench init --html`: the paper's Figure 3, at rank 1 and at the rank asked for, in one file."""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from math import exp, pi, sqrt
from pathlib import Path
from typing import Any

from ttrec_cli.bench.divergence import TableOneRow
from ttrec_cli.bench.initial_values import DENSITY_BINS, DENSITY_RANGE, InitCase
from ttrec_cli.commands.bench_init_view import number
from ttrec_cli.commands.factorize_words import factors_text, percent, rank_text
from ttrec_cli.errors import ConfigError
from ttrec_cli.report.colours import INK, Paint, neutral, paint
from ttrec_cli.report.figure_style import AXIS, both, shared_layout
from ttrec_kernels.shapes import TTShape

HEIGHT = 420
TOP = 1.6
"""Upper end of the density axis; products of normal numbers have no highest value."""

POINTS = [DENSITY_RANGE * (2 * (at + 0.5) / DENSITY_BINS - 1) for at in range(DENSITY_BINS)]
UNIFORM, NORMAL = "Uniform(±1/√n)", "N(0, 1/3n)"
HEADINGS = ("Scale", "Distribution", "rms × √3n", "Kurtosis", "KL to N(0,1/3n)", "KL from Uniform", "Beyond ±1/√n")


def write_page(
    shape: TTShape, cases: Sequence[InitCase], products: Sequence[InitCase], table: Sequence[TableOneRow], path: Path
) -> Path:
    """Write the page; its absolute path. Raises `ConfigError` where it cannot be written."""
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page_html(shape, cases, products, table), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: the page must be written there, but: {error.strerror}") from None
    return path


def page_html(
    shape: TTShape, cases: Sequence[InitCase], products: Sequence[InitCase], table: Sequence[TableOneRow]
) -> str:
    """The whole file as text."""
    title = f"Initial entries: {shape.rows:,} rows × {shape.dim}, rank {rank_text(shape)}"
    calibrated = [case for case in cases if case.scale == "calibrated"]
    content = [
        _section(
            "One scalar a core",
            f"Products of {shape.cores} independent scalars, as in the paper's Figure 3: products of uniform or normal "
            "numbers crowd at zero; those of the sampled Gaussian cannot come near it.",
            _plot("scalars", density_figure(products)),
        ),
        _section(
            f"Rank {rank_text(shape)}, {factors_text(shape)}",
            "Entries of the whole table: sums of many products, so that all come near to normal at higher ranks.",
            _plot("entries", density_figure(calibrated)),
        ),
        _section("In numbers", "", _numbers(shape, cases)),
        _section("Table 1 of the paper", f"For n = {shape.rows:,}, in nats.", _table_one(table)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{_part('ttrec_cli', 'report/page.css')}</style></head><body>"
        f'<header><p class="kicker">ttrec bench init</p><h1>{escape(title)}</h1></header>'
        f"<main>{''.join(content)}</main>"
        f"<script>{_part('plotly', 'package_data/plotly.min.js')}</script>"
        f"<script>{_part('ttrec_cli', 'commands/factorize_page.js')}</script></body></html>"
    )


def density_figure(cases: Sequence[InitCase]) -> dict[str, Any]:
    """Densities of √n · entry, with the two that DLRM's tables have or could have."""
    normal = [sqrt(1.5 / pi) * exp(-1.5 * x * x) for x in POINTS]
    lines = [
        _line(UNIFORM, [0.5 if abs(x) < 1 else 0.0 for x in POINTS], neutral(0, 2), "dot"),
        _line(NORMAL, normal, INK, "dash"),
        *(_line(case.distribution, list(case.density), paint(at, 1, 2), "solid") for at, case in enumerate(cases)),
    ]
    ticks = [-2, -1, 0, 1, 2]
    layout = shared_layout(HEIGHT) | {
        "hovermode": "x unified",
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.08, "x": 0},
        "xaxis": AXIS
        | {
            "title": {"text": "entry × √n"},
            "range": [-DENSITY_RANGE, DENSITY_RANGE],
            "tickvals": ticks,
            "ticktext": ["1" if tick == 1 else f"{tick}".replace("-", "−") for tick in ticks],
        },
        "yaxis": AXIS | {"title": {"text": "density"}, "range": [0, TOP], "rangemode": "tozero"},
    }
    return {"data": lines, "layout": layout}


def _line(name: str, density: Sequence[float], colour: Paint, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": POINTS,
        "y": [round(value, 5) for value in density],
        "line": {"width": 2, "dash": dash, "color": colour.light},
        "hovertemplate": "%{y:.3f}",
        "meta": both(colour),
    }


def _plot(name: str, figure: dict[str, Any]) -> str:
    data = json.dumps(figure, ensure_ascii=True).replace("<", "\\u003c")
    drawn = ", ".join(line["name"] for line in figure["data"])
    label = f"Line chart of densities of initial entries times the root of n: {drawn}. The table below has the numbers."
    return (
        f'<figure><div class="plot" style="min-height:{HEIGHT}px" role="img" aria-label="{escape(label)}" '
        f'data-figure="{name}-figure"></div></figure>'
        f'<script type="application/json" id="{name}-figure">{data}</script>'
    )


def _numbers(shape: TTShape, cases: Sequence[InitCase]) -> str:
    target = (1 / (3 * shape.rows)) ** 0.5
    rows = [
        (
            case.scale,
            case.distribution,
            number(case.spread.rms / target),
            number(case.spread.kurtosis),
            number(case.spread.kl_to_normal),
            number(case.spread.kl_from_uniform),
            percent(case.spread.beyond_uniform),
        )
        for case in cases
    ]
    return _html_table(HEADINGS, rows, text_columns=2)


def _table_one(table: Sequence[TableOneRow]) -> str:
    rows = [(row.distribution, row.printed, row.erratum, number(row.kl)) for row in table]
    return _html_table(("Initial", "Printed", "What is wrong there", "Derived"), rows, text_columns=3)


def _html_table(headings: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    def cells(tag: str, values: Sequence[str]) -> str:
        classes = ["" if at < text_columns else ' class="number"' for at in range(len(values))]
        return "".join(f"<{tag}{mark}>{escape(value)}</{tag}>" for value, mark in zip(values, classes, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="table"><table><thead><tr>{cells("th", headings)}'
        f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _section(heading: str, text: str, content: str) -> str:
    about = f'<p class="soft">{escape(text)}</p>' if text else ""
    return f'<section class="section"><h2>{escape(heading)}</h2>{about}{content}</section>'


def _part(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
