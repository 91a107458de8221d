"""The page of `ttrec paper` in a real browser, with the network cut."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ttrec_cli.config.bench_plans import load_bench_plans
from ttrec_cli.paper.finding import Heading, Report
from ttrec_cli.paper.findings.initials import figure_five_c
from ttrec_cli.paper.findings.ranks import figure_one
from ttrec_cli.paper.findings.sizes import figure_six, table_two
from ttrec_cli.paper.measure import measure_plan
from ttrec_cli.paper.page import write_page
from ttrec_cli.paper.run import NOT_RUN, STAND_IN
from ttrec_cli.paper.training import Study
from ttrec_cli.pareto import groups

pytestmark = pytest.mark.browser

ITEMS = Path(__file__).resolve().parents[2] / "sweeps" / "paper"
HOSTILE = "<img src=x onerror=alert(1)>"
DEVICES = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
DRAWN = "drawn.then(() => [...document.querySelectorAll('.plot')].every(plot => plot.querySelector('.cartesianlayer')))"


def study(rows) -> Study:
    return Study(groups(pd.DataFrame(rows)), synthetic=True, stand_in=True, total=len(rows), finished=len(rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("paper")


@pytest.fixture
def page(folder, kaggle_rows, make_row):
    """Exact items, two studies of made-up rows, an item with a hostile name, one that was not run."""
    place = folder / "index.html"
    if place.exists():
        return place

    def content(name):
        return measure_plan(load_bench_plans(ITEMS / f"{name}.yaml").full, "cpu", lambda _: None)[0]

    def report(name, finding=None, state="done", warning=""):
        return Report(Heading(name, name, f"Why {name}?", f"About `{name}`"), "small", state, finding, warning)

    inits = [make_row(method="dense", rank=None, tables=0, seed=seed, settings="{}") for seed in range(3)]
    for scale in ("paper", "calibrated"):
        for distribution in ("sampled-gaussian", "gaussian", "uniform"):
            settings = json.dumps({"init": {"distribution": distribution, "scale": scale}})
            inits += [
                make_row(seed=seed, settings=settings, method=m) for m in ("tt", "tt-frozen") for seed in range(3)
            ]
    sized = figure_six(content("fig06_model_size"))
    hostile = replace(sized.plots[0], title=HOSTILE, x_title=HOSTILE, categories=(HOSTILE,))
    reports = [
        report("fig01_design_space", figure_one(study(kaggle_rows(frozen=True))), warning=STAND_IN),
        report("fig05c_init", figure_five_c(study(inits)), warning=STAND_IN),
        report("fig06_model_size", sized),
        report("table2_shapes", table_two(content("table2_shapes"))),
        report(HOSTILE, replace(sized, plots=(hostile,), notes=(HOSTILE,)), state=HOSTILE),
        report("fig12_hit_rate", state=NOT_RUN),
    ]
    return write_page(reports, place)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", DEVICES)
def test_it_opens_without_network_errors_sideways_scrolling_or_empty_panels(tab, page, device, scheme):
    width, height, touch = DEVICES[device]
    tab.look_like(width, height, scheme, touch)
    tab.open(page)
    assert tab.evaluate(DRAWN)
    assert tab.complaints() == []
    assert tab.requests() == []
    assert tab.evaluate("document.querySelectorAll('.plot').length") == 2 + 2 + 2 + 1 + 1
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


OVERLAPS = """drawn.then(() => ["x", "y"].flatMap(axis =>
  [...document.querySelectorAll(".charts .plot")].filter(plot => {
  const place = (one) => one.getBoundingClientRect();
  const title = place(plot.querySelector(`.g-${axis}title`));
  const labels = [...plot.querySelectorAll(`.${axis}tick text`)].map(place);
  // Slanted labels have boxes larger than themselves; their lower corner alone comes near a title.
  return labels.some(label => axis == "y" ? label.left < title.right : label.bottom > title.top + 4);
}).map(plot => `${axis} of ${plot.dataset.figure}`)))"""


@pytest.mark.parametrize("device", DEVICES)
def test_titles_of_axes_keep_off_the_labels(tab, page, device):
    width, height, touch = DEVICES[device]
    tab.look_like(width, height, touch=touch)
    tab.open(page)
    assert tab.evaluate(OVERLAPS) == []


def test_a_table_that_the_edge_cuts_says_that_it_scrolls(tab, page):
    said = "[...document.querySelectorAll('.scroll')].map(each => [each.scrollWidth > each.clientWidth + 1, "
    said += "getComputedStyle(each.querySelector('caption'), '::after').content.includes('scrolls sideways')])"
    tab.look_like(390, 844, touch=True)
    tab.open(page)
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = tab.evaluate(f"drawn.then(() => new Promise(seen => setTimeout(seen, 300))).then(() => {said})")
    assert all(is_cut == tells for is_cut, tells in found)
    assert sum(is_cut for is_cut, _ in found) >= 3


def test_it_says_stand_in_and_what_was_not_run(tab, page):
    tab.look_like(1280, 900)
    tab.open(page)
    assert "SYNTHETIC STAND-IN" in tab.evaluate("document.title")
    assert tab.evaluate("document.querySelectorAll('.warning').length") == 1 + 2
    assert tab.evaluate("document.querySelector('.absent').innerText") == "Not run yet: ttrec paper fig12_hit_rate"
    answer = tab.evaluate("document.querySelector('.answer').innerText")
    assert "no verdict yet: 1" in answer
    assert "agrees: " in answer
    text = tab.evaluate("document.body.innerText")
    assert "117.36" in text
    assert "Errata of the paper" in text


def test_hostile_names_stay_text(tab, page):
    tab.open(page)
    assert tab.evaluate(DRAWN)
    assert tab.evaluate("document.images.length") == 0
    assert tab.evaluate("document.body.innerText").count(HOSTILE) >= 4


def test_links_of_the_summary_lead_to_items(tab, page):
    tab.open(page)
    links = "[...document.querySelectorAll('.section a')].map(a => a.getAttribute('href').slice(1))"
    targets = tab.evaluate(f"{links}.map(id => Boolean(document.getElementById(id)))")
    assert targets == [True] * 6


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_nothing_serious(tab, page, width, scheme):
    place = os.environ.get("AXE_CORE")
    if not place:
        required = "axe" in os.environ.get("TTREC_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("AXE_CORE does not name axe.min.js (npm pack axe-core)")
    tab.look_like(width, 900, scheme, touch=width < 600)
    tab.open(page)
    assert tab.evaluate(DRAWN)
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    tab.evaluate(Path(place).read_text(encoding="utf-8") + "; true")
    found = tab.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact))"
        ".map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]))"
    )
    assert found == []
