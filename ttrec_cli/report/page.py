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
from ttrec_cli.report.record import Page, Section, Table

_LONG = 60
"""Characters from which a table's cell may be folded."""


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
        title=escape(page.title),
        style=_part("page.css"),
        content="\n".join([*_sections(page), _failures(page), _problems(page)]),
        plotly=get_plotlyjs(),
        script=_part("page.js"),
    )


def _part(name: str) -> str:
    return files("ttrec_cli.report").joinpath(name).read_text(encoding="utf-8")


def _sections(page: Page) -> list[str]:
    return [_section(section, f"group-{at}") for at, section in enumerate(page.sections)]


def _section(section: Section, name: str) -> str:
    warning = f'<p class="warning" role="note">{escape(section.warning)}</p>' if section.warning else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in section.notes)
    tables = "".join(_table(table, f"{name}-table-{at}") for at, table in enumerate(section.tables))
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in section.provenance)
    return (
        f'<section class="section" aria-labelledby="{name}">'
        f'<h2 id="{name}">{escape(section.heading)}</h2>{warning}'
        f'<p class="answer">{escape(section.answer)}</p><p class="soft">{escape(section.rule)}</p>'
        f"{_figure(section, name)}"
        f'<div class="notes">{notes}</div>'
        f"<h3>In numbers</h3>{tables}"
        f"<h3>How it was made</h3><dl>{facts}</dl></section>"
    )


def _figure(section: Section, name: str) -> str:
    # "<" would let a name in the data end the script element.
    data = str(make_figure(section.picture).to_json()).replace("<", "\\u003c")
    return (
        f'<figure><div class="plot" role="img" aria-label="{escape(section.picture.summary)}" '
        f'data-figure="{name}-figure"></div></figure>{legend_html(section.picture)}'
        f'<script type="application/json" id="{name}-figure">{data}</script>'
    )


def _table(table: Table, name: str) -> str:
    head = "".join(f'<th scope="col"{_number(column.numeric)}>{escape(column.title)}</th>' for column in table.columns)
    strong = ' class="strong"'
    rows = "".join(
        f"<tr{strong if at in table.strong else ''}>{_cells(table, row)}</tr>" for at, row in enumerate(table.rows)
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}"><table>'
        f'<caption id="{name}">{escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cells(table: Table, row: tuple[str, ...]) -> str:
    return "".join(
        f"<td{_number(column.numeric, len(cell) > _LONG)}>{escape(cell)}</td>"
        for column, cell in zip(table.columns, row, strict=True)
    )


def _number(numeric: bool, is_long: bool = False) -> str:
    names = [name for name, given in (("number", numeric), ("long", is_long)) if given]
    return f' class="{" ".join(names)}"' if names else ""


def _failures(page: Page) -> str:
    if page.failures is None:
        return ""
    return (
        f'<section class="section"><h2 class="part">Without a result</h2>{_table(page.failures, "failures")}</section>'
    )


def _problems(page: Page) -> str:
    if not page.problems:
        return ""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in page.problems)
    return f'<section class="section"><h2 class="part">Files that could not be read</h2><ul>{items}</ul></section>'
