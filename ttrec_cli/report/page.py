"""The page's record as one self-contained HTML file: text escaped, plotly.js embedded once, no network needed."""

import os
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from ttrec_cli.errors import ConfigError
from ttrec_cli.report.frontier_figure import make_figure
from ttrec_cli.report.legend import legend_html
from ttrec_cli.report.page_parts import charts_html, plot_html, points_html, table_html
from ttrec_cli.report.record import Page, Section


def write_page(page: Page, path: Path) -> Path:
    """Write the page, atomically, and return its absolute path; `ConfigError` if the place cannot be written."""
    path = path.absolute()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(page_html(page), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: the page must be written there, but: {error.strerror}; try another --out"
        ) from error
    return path


def page_html(page: Page) -> str:
    """The whole file as text."""
    return Template(_part("page.html")).substitute(
        kicker="ttrec pareto",
        title=escape(page.title),
        style=_part("page.css"),
        content="\n".join([_comparison(page), *_sections(page), _failures(page), _problems(page)]),
        plotly=get_plotlyjs(),
        script=_part("figures.js") + _part("points.js") + _part("page.js"),
    )


def _part(name: str) -> str:
    return files("ttrec_cli.report").joinpath(name).read_text(encoding="utf-8")


def _comparison(page: Page) -> str:
    return f'<p class="answer">{escape(page.comparison)}</p>' if page.comparison else ""


def _sections(page: Page) -> list[str]:
    return [_section(section, f"group-{at}") for at, section in enumerate(page.sections)]


def _section(section: Section, name: str) -> str:
    warning = f'<p class="warning" role="note">{escape(section.warning)}</p>' if section.warning else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in section.notes)
    points, *others = section.tables
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in section.provenance)
    return (
        f'<section class="section" aria-labelledby="{name}" data-name="{name}">'
        f'<h2 id="{name}">{escape(section.heading)}</h2>{warning}'
        f'<p class="answer">{escape(section.answer)}</p><p class="soft">{escape(section.rule)}</p>'
        f"{_figure(section, name)}"
        f'<div class="notes">{notes}</div>'
        f"<h3>In numbers</h3>{points_html(points, section.data, name)}"
        f"{''.join(table_html(table, f'{name}-table-{at}') for at, table in enumerate(others, start=1))}"
        f"{charts_html(section.charts, name)}"
        f"<h3>How it was made</h3><dl>{facts}</dl></section>"
    )


def _figure(section: Section, name: str) -> str:
    count = len(section.tables[0].rows)
    return (
        f"{plot_html(make_figure(section.picture), section.picture.summary, f'{name}-figure', 'main')}"
        f'<div class="walk" hidden><div class="slider" role="slider" tabindex="0" aria-valuemin="1" aria-valuenow="1" '
        f'aria-valuemax="{count}" aria-label="Points by size: the arrow keys walk through them"></div>'
        f'<button type="button" class="show">Show in table</button><button type="button" class="copy">'
        f"Copy plan as YAML</button></div>"
        f'<textarea class="yaml" hidden readonly rows="8" aria-label="The chosen table plan as YAML"></textarea>'
        f"{legend_html(section.picture)}"
    )


def _failures(page: Page) -> str:
    if page.failures is None:
        return ""
    table = table_html(page.failures, "failures")
    return f'<section class="section"><h2 class="part">Without a result</h2>{table}</section>'


def _problems(page: Page) -> str:
    if not page.problems:
        return ""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in page.problems)
    return f'<section class="section"><h2 class="part">Files that could not be read</h2><ul>{items}</ul></section>'
