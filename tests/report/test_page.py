"""The file: whole, self-contained and with every name as text."""

import re
from html.parser import HTMLParser

import pytest

from ttrec_cli.errors import ConfigError
from ttrec_cli.report import page_html, write_page

HOSTILE = "<img src=x onerror=alert(1)>"
VOID = {"meta", "link", "br", "path", "input"}


class Elements(HTMLParser):
    """Counts elements, checks that they nest, and gathers what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.links: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture
def parse():
    def build(html):
        elements = Elements()
        elements.feed(html)
        assert elements.open == []
        return elements

    return build


def test_the_page_is_whole_and_needs_no_network(make_page, kaggle_rows, parse):
    html = page_html(make_page(kaggle_rows()))
    elements = parse(html)
    assert elements.links == ["data:,"]
    assert elements.count["table"] == 1 + 6  # the points, and the numbers of three charts of quality and three of time
    assert elements.count["tr"] == 1 + 39 + 6 * (1 + 3 + 1)
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert "mathjax" not in re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL).lower()
    assert "@import" not in html
    assert "url(" not in html[: html.index("</style>")]


def test_plotly_is_embedded_once_however_many_groups(make_page, make_row):
    one = page_html(make_page([make_row()]))
    two = page_html(make_page([make_row(), make_row(dataset_fingerprint="b")]))
    assert len(one) > 4_000_000
    assert len(two) - len(one) < 50_000
    assert two.count('class="plot" role="img" aria-label="Scatter plot') == 2


def test_hostile_names_are_shown_as_text(make_page, make_row, parse):
    settings = '{"x": "</script><script>alert(2)</script>", "y": "' + HOSTILE + '"}'
    rows = [
        make_row(sweep=HOSTILE, dataset=HOSTILE, host=HOSTILE, settings=settings),
        make_row(sweep=HOSTILE, dataset=HOSTILE, method=HOSTILE, rank=8, settings="{}"),
        make_row(sweep=HOSTILE, status="failed", reason=HOSTILE + '"', rank=4),
    ]
    html = page_html(make_page(rows, problems=[f"{HOSTILE}: torn"]))
    elements = parse(html)
    assert "img" not in elements.count
    assert "<img" not in html
    assert elements.count["script"] == 2 + 3  # plotly.js and ours; the figure, the data and the rest of its rows
    assert "alert(2)</script>" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_problems_and_failures_are_told(make_page, make_row):
    rows = [make_row(), make_row(rank=8, status="timeout", reason="took 2 h")]
    html = page_html(make_page(rows, problems=["trials/a.parquet: torn"]))
    assert "<li>trials/a.parquet: torn</li>" in html
    assert "<td>took 2 h</td>" in html
    clean = page_html(make_page([make_row()]))
    assert "Files that could not be read" not in clean
    assert "Without a result" not in clean


def test_the_same_results_give_the_same_page(make_page, kaggle_rows):
    assert page_html(make_page(kaggle_rows())) == page_html(make_page(kaggle_rows()))


def test_writing_replaces_the_file_and_leaves_nothing_else(make_page, make_row, tmp_path):
    page = make_page([make_row()])
    path = tmp_path / "new" / "page.html"
    for _ in range(2):
        assert write_page(page, path) == path
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
    assert path.read_text(encoding="utf-8") == page_html(page)


def test_a_place_that_cannot_be_written_is_one_line(make_page, make_row, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="try another --out") as caught:
        write_page(make_page([make_row()]), tmp_path / "file" / "page.html")
    assert "\n" not in str(caught.value)
