"""The page in a real browser, with the network cut."""

import re

import pytest

from ttrec_cli.pareto import Metric, analyse, failures, groups
from ttrec_cli.report import build_page, write_page

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
POINTS = "document.querySelectorAll('.main .scatterlayer path.point').length"
ROWS = "document.querySelectorAll('.scroll:not(details *) tbody tr').length"
DEVICES = {"desktop": (1280, 900, False), "phone": (390, 844, True)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def page(folder, make_frame, kaggle_rows, make_row):
    """Two groups: 75 points with frozen controls, and one with a hostile name; one failure, one damaged file."""
    place = folder / "page.html"
    if place.exists():
        return place
    rows = kaggle_rows(frozen=True, synthetic=True, stand_in=True, ended_at="2027")
    rows += [
        make_row(sweep=HOSTILE, dataset=HOSTILE, method=HOSTILE),
        make_row(rank=512, status="failed", reason=HOSTILE),
    ]
    frame = make_frame(rows)
    analyses = [analyse(group, Metric.ACCURACY) for group in groups(frame)]
    return write_page(build_page(analyses, failures(frame), [f"{HOSTILE}: torn"]), place)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", DEVICES)
def test_the_page_opens_without_network_errors_or_sideways_scrolling(tab, page, device, scheme):
    width, height, touch = DEVICES[device]
    tab.look_like(width, height, scheme, touch)
    tab.open(page)
    assert tab.complaints() == []
    assert tab.requests() == []
    assert tab.evaluate(POINTS) == 75 + 1
    assert tab.evaluate(ROWS) == 75 + 36 + 1 + 1
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_title_and_the_banner_say_stand_in(tab, page):
    tab.open(page)
    assert "SYNTHETIC STAND-IN DATA" in tab.evaluate("document.title")
    assert tab.evaluate("document.querySelector('.warning').innerText").startswith("Synthetic stand-in.")


def test_hovering_a_point_shows_its_configuration(tab, page):
    tab.look_like(1280, 900)
    tab.open(page)
    x, y = tab.evaluate(
        "(() => { const box = document.querySelector('.scatterlayer path.point').getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    tab.move_mouse(x, y)
    text = tab.evaluate(
        "new Promise(done => { const look = () => { const label = document.querySelector('.hoverlayer .hovertext');"
        " label ? done(label.textContent) : requestAnimationFrame(look); }; look(); })"
    )
    for words in ("dim", "Model: ", "Embeddings: ", "Validation: accuracy", "Test: accuracy", "Seeds: 0, 1, 2"):
        assert words in text


def test_hostile_names_stay_text(tab, page):
    tab.open(page)
    assert tab.evaluate("document.images.length") == 0
    assert tab.evaluate("document.body.innerText").count(HOSTILE) >= 4


def test_marks_change_colour_with_the_theme_and_print_light(tab, page):
    fill = "getComputedStyle(document.querySelector('.scatterlayer path.point')).fill"
    found = {}
    for scheme in ("light", "dark"):
        tab.look_like(1280, 900, scheme)
        tab.open(page)
        found[scheme] = tab.evaluate(fill)
    assert found["light"] != found["dark"]
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate(fill) == found["light"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_themes(tab, page, scheme):
    tab.look_like(1280, 900, scheme)
    tab.open(page)
    style = "getComputedStyle(document.querySelector('{}')).{}"
    paper = _luminance(tab.evaluate(style.format("body", "backgroundColor")))
    for selector, kind in {
        "h1": "color", ".soft": "color", ".kicker": "color", "dt": "color", ".xtick text": "fill",
        ".ytitle": "fill", ".annotation-text": "fill",
    }.items():  # fmt: skip
        ink = _luminance(tab.evaluate(style.format(selector, kind)))
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, selector


def test_without_scripts_the_names_and_the_tables_are_there(tab, page):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(page)
        assert tab.evaluate(ROWS) == 113
        assert tab.evaluate("document.documentElement.lang") == "en"
        labels = tab.evaluate("[...document.querySelectorAll('[role=img]')].map(e => e.ariaLabel)")
        assert sum("on the frontier" in label for label in labels) == 2
        assert all(len(label) > 40 for label in labels)
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_tables_can_be_reached_and_scrolled_by_keyboard(tab, page):
    tab.look_like(390, 844)
    tab.open(page)
    tab.evaluate("document.querySelector('.scroll').focus()")
    assert tab.evaluate("document.activeElement.className") == "scroll"
    assert tab.evaluate("document.activeElement.scrollWidth > document.activeElement.clientWidth")


def _luminance(colour: str) -> float:
    red, green, blue = (int(number) / 255 for number in re.findall(r"\d+", colour)[:3])
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
