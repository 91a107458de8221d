"""The page: a summary, every item with figure and verdict, the errata; one file that needs no network."""

import os
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from ttrec_cli.errors import ConfigError
from ttrec_cli.paper.finding import Erratum, Report, scale_words
from ttrec_cli.paper.plots import draw
from ttrec_cli.paper.verdict import ITEM_RULE, Claim, Verdict, shown
from ttrec_cli.report.frontier_figure import make_figure
from ttrec_cli.report.legend import legend_html
from ttrec_cli.report.page_parts import plot_html, table_html

TITLE = "TT-Rec, reproduced"
SOURCE = (
    "Tables and figures of TT-Rec: Tensor Train Compression for Deep Learning Recommendation Models (Yin, Acun, Liu "
    "and Wu, MLSys 2021), measured again. Stars are published numbers."
)
CLASSES = {Verdict.AGREES: "agrees", Verdict.DIFFERS: "differs", Verdict.CANNOT: "cannot"}


def write_page(reports: Sequence[Report], path: Path) -> Path:
    """Write the page, atomically; its absolute path. Raises `ConfigError` where it cannot be written."""
    path = path.absolute()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(page_html(reports), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: the page must be written there, but: {error.strerror}; try another --out") from None
    return path


def page_html(reports: Sequence[Report]) -> str:
    """The whole file as text."""
    synthetic = any(report.warning and report.finding for report in reports)
    title = f"{TITLE} — SYNTHETIC STAND-IN" if synthetic else TITLE
    parts = [f"<p>{escape(SOURCE)}</p>", _warning(reports), _summary(reports), _errata(reports)]
    return Template(_part("ttrec_cli.report", "page.html")).substitute(
        kicker="ttrec paper",
        title=escape(title),
        style=_part("ttrec_cli.report", "page.css") + _part("ttrec_cli.paper", "page.css"),
        content="\n".join([*parts, *map(_item, reports)]),
        plotly=get_plotlyjs(),
        script=_part("ttrec_cli.report", "figures.js") + _part("ttrec_cli.paper", "page.js"),
    )


def _part(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _warning(reports: Sequence[Report]) -> str:
    marked = [report.heading.title for report in reports if report.warning and report.finding]
    if not marked:
        return ""
    text = f"{marked_text(reports)} Items on it: {'; '.join(marked)}."
    return f'<p class="warning" role="note">{escape(text)}</p>'


def marked_text(reports: Sequence[Report]) -> str:
    """The warning that stands above all items on made-up data."""
    return next((report.warning for report in reports if report.warning), "")


def _word(verdict: Verdict | None) -> str:
    if verdict is None:
        return '<span class="word cannot">no verdict yet</span>'
    return f'<span class="word {CLASSES[verdict]}">{verdict.value}</span>'


def _summary(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        verdict, _ = report.verdict
        name = f'<a href="#{escape(report.heading.id)}">{escape(report.heading.title)}</a>'
        scale = f"{report.scale}{', SYNTHETIC STAND-IN' if report.warning else ''}"
        rows.append(_row((name, _word(verdict), escape(report.told), escape(scale))))
    counts = {word.value: sum(report.verdict[0] == word for report in reports) for word in Verdict}
    counts["no verdict yet"] = sum(report.verdict[0] is None for report in reports)
    answer = " · ".join(f"{word}: {count}" for word, count in counts.items() if count)
    heads = ("Item", "Verdict", "Why", "Scale")
    table = _table("summary", "Every item beside the paper", heads, rows)
    return (
        f'<section class="section"><h2 class="part">Summary</h2><p class="answer">{escape(answer)}</p>'
        f'<p class="soft">{escape(ITEM_RULE)}</p>{table}</section>'
    )


def _row(cells: Iterable[str]) -> str:
    """Cells of ready HTML; long texts may fold."""
    return f"<tr>{''.join(f'<td{_fold(cell)}>{cell}</td>' for cell in cells)}</tr>"


def _fold(cell: str) -> str:
    return ' class="words"' if len(cell) > 40 else ""


def _table(name: str, caption: str, heads: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in heads)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}"><table><caption id="{name}">'
        f"{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _errata(reports: Sequence[Report]) -> str:
    found: list[Erratum] = [each for report in reports if report.finding for each in report.finding.errata]
    if not found:
        return ""
    rows = [_row(map(_with_code, (each.place, each.printed, each.correct, each.shown_by))) for each in found]
    heads = ("Where", "Printed", "Should be", "Shown by")
    table = _table("errata-table", "Mistakes of the paper that this reproduction confirms", heads, rows)
    return f'<section class="section"><h2 class="part" id="errata">Errata of the paper</h2>{table}</section>'


def _item(report: Report) -> str:
    heading, (verdict, why) = report.heading, report.verdict
    name = escape(heading.id)
    warning = f'<p class="warning" role="note">{escape(report.warning)}</p>' if report.warning else ""
    return (
        f'<section class="item" aria-labelledby="{name}"><h2 id="{name}">{escape(heading.title)} '
        f'<span class="scale">{name}, {escape(scale_words(report.scale))}</span></h2>'
        f'<p class="question">{escape(heading.question)}</p><p class="soft">{_with_code(heading.about)}</p>{warning}'
        f"<p>{_word(verdict)} {escape(why)}</p>{_content(report)}</section>"
    )


def _with_code(text: str) -> str:
    """Words in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _content(report: Report) -> str:
    finding, name = report.finding, report.heading.id
    if finding is None:
        text = f"{report.state}: ttrec paper {name}"
        return f'<p class="absent">{escape(text[0].upper() + text[1:])}</p>'
    plots = "".join(
        plot_html(draw(plot), plot.summary, f"{name}-figure-{at}", "chart", plot.title)
        for at, plot in enumerate(finding.plots)
    )
    pictures = "".join(
        plot_html(make_figure(picture), picture.summary, f"{name}-plane-{at}", "plane") + legend_html(picture)
        for at, picture in enumerate(finding.pictures)
    )
    alone = " alone" if len(finding.plots) == 1 else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in finding.notes)
    tables = "".join(table_html(table, f"{name}-numbers-{at}") for at, table in enumerate(finding.tables))
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in report.provenance)
    return (
        f'{pictures}<div class="charts{alone}">{plots}</div><div class="notes">{notes}</div>'
        f"{_claims(finding.claims, name)}"
        f"<details><summary>Numbers and machine</summary>{tables}<dl>{facts}</dl></details>"
    )


def _claims(claims: Sequence[Claim], name: str) -> str:
    if not claims:
        return ""
    rows = [
        _row((_said(claim), _judged(claim), escape(shown(claim.published)), escape(shown(claim.measured))))
        for claim in claims
    ]
    heads = ("What the paper says, and the rule", "Verdict", "Published", "Measured here")
    return _table(f"{name}-claims", "Claims, the main one first", heads, rows)


def _said(claim: Claim) -> str:
    control = "Control: " if claim.is_control else ""
    return f'{control}{escape(claim.name)}<br><span class="soft">{escape(claim.rule)}</span>'


def _judged(claim: Claim) -> str:
    return f"{_word(claim.verdict)}{f'<br>{escape(claim.why)}' if claim.why else ''}"
