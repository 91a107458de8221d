"""The page of `ttrec factorize --html` in a real browser, with the network cut."""

import pytest

from ttrec_cli.app import main

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
DEVICES = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
POINTS = "document.querySelectorAll('.scatterlayer path.point').length"


def written(tmp_path_factory, *arguments):
    page = tmp_path_factory.mktemp("factorize") / "page.html"
    with pytest.raises(SystemExit) as ended:
        main(["factorize", *map(str, arguments), "--html", str(page)])
    assert ended.value.code == 0
    return page


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return written(tmp_path_factory, "--tables", "kaggle", "--dim", 16, "--max-bytes", "20MB", "--spread")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", DEVICES)
def test_it_opens_without_network_errors_or_sideways_scrolling(tab, page, device, scheme):
    width, height, touch = DEVICES[device]
    tab.look_like(width, height, scheme, touch)
    tab.open(page)
    assert tab.complaints() == []
    assert tab.requests() == []
    assert tab.evaluate("document.querySelectorAll('.scatterlayer path.js-line').length") == 2 * 16
    assert tab.evaluate(POINTS) == 2 * 8
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_says_what_it_is(tab, page):
    tab.open(page)
    assert tab.evaluate("document.querySelector('.kicker').innerText") == "ttrec factorize"
    assert tab.evaluate("document.title") == "Rank against bytes: kaggle, dim 16"
    assert "8 of 26 tables compressed: 20.0 MB instead of 2.16 GB" in tab.evaluate("document.body.innerText")
    labels = tab.evaluate("[...document.querySelectorAll('[role=img]')].map(e => e.ariaLabel)")
    assert [label.split(" over ")[0] for label in labels] == [
        "Line chart of bytes of each table",
        "Line chart of FLOPs of a lookup in each table",
    ]
    assert tab.evaluate("document.querySelectorAll('tbody tr').length") == 26 + 8 * 3


def test_curves_change_colour_with_the_theme(tab, page):
    stroke = "getComputedStyle(document.querySelector('.scatterlayer path.js-line')).stroke"
    found = set()
    for scheme in ("light", "dark"):
        tab.look_like(1280, 900, scheme)
        tab.open(page)
        found.add(tab.evaluate(stroke))
    assert len(found) == 2


def test_hovering_a_planned_point_says_its_shape(tab, page):
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
    assert "as planned" in text
    assert "parameters" in text


def test_hostile_names_stay_text(tab, tmp_path_factory):
    tables = tmp_path_factory.mktemp("tables") / "t.csv"
    tables.write_text(f'name,rows\n"{HOSTILE}",100000\n"</script>%{{x}}",5000\n')
    tab.open(written(tmp_path_factory, "--tables", tables, "--dim", 8, "--rank", 4))
    assert tab.complaints() == []
    assert tab.evaluate("document.images.length") == 0
    assert tab.evaluate("document.body.innerText").count(HOSTILE) >= 2
