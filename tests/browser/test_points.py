"""What one can do with the points: select, walk, filter, sort, copy, download; and axe-core's verdict."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ttrec_cli.pareto import Metric, analyse, failures, groups
from ttrec_cli.planning import KAGGLE_ROWS, TABLE_NAMES, ShapeSettings, plan_tables
from ttrec_cli.report import build_page, write_page
from ttrec_cli.report.data import csv_text, make_data

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
TABLE_NAME = 'it\'s a "<table>" & more'
POINTS = "document.querySelectorAll('.main .scatterlayer path.point').length"
FIRST_ROWS = "[...document.querySelectorAll('table.points tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
READY = "drawn.then(() => true)"
RESET = """(() => {
  const one = explorers[0];
  one.select(0);
  Object.assign(one, { selected: -1, sorted: { key: "", down: false } });
  one.plot.selectedPlace = undefined;
  Plotly.restyle(one.plot, { x: [[]], y: [[]] }, [one.plot.data.length - 1]);
  document.querySelectorAll("[aria-sort]").forEach((head) => head.removeAttribute("aria-sort"));
  document.querySelector(".filter").value = "";
  one.arrange();
  scrollTo(0, 0);
  return true;
})()"""


def plan_json(tables: int, rank: int | None) -> str:
    settings = ShapeSettings(rule="entropy")
    names = [TABLE_NAME, *TABLE_NAMES[1:]]
    return json.dumps([p.to_dict() for p in plan_tables(names, KAGGLE_ROWS, 16, rank or 8, tables, shape=settings)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def analyses(make_frame, kaggle_rows):
    rows = [row | {"dim": 16} for row in kaggle_rows() if row["dim"] == 16]
    plans = {key: plan_json(*key) for key in {(row["tables"], row["rank"]) for row in rows}}
    rows = [row | {"plan": plans[row["tables"], row["rank"]], "sweep": HOSTILE} for row in rows]
    rows.append(rows[0] | {"status": "failed", "reason": HOSTILE, "rank": 512})
    frame = make_frame(rows)
    return [analyse(group, Metric.ACCURACY) for group in groups(frame)], failures(frame)


@pytest.fixture
def opened(tab, analyses, folder):
    """The page in a desktop window, as if just opened: 13 points with plans."""
    tab.look_like(1280, 900)
    if not (folder / "points.html").exists():
        found, failed = analyses
        tab.open(write_page(build_page(found, failed, []), folder / "points.html"))
        assert tab.evaluate(READY)
    assert tab.evaluate(RESET)
    return tab


def _plain(cell: str) -> str | float:
    """Python and JavaScript write small numbers differently."""
    try:
        return float(cell)
    except ValueError:
        return cell


def rows_of(tab, column: str) -> list[str]:
    at = tab.evaluate(f"explorers[0].heads.findIndex(head => head.dataset.key === {json.dumps(column)})")
    return [row[at] for row in tab.evaluate(FIRST_ROWS)]


def click(tab, selector: str) -> None:
    tab.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def press(tab, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)


def filter_by(tab, text: str) -> None:
    tab.evaluate(
        f"(() => {{ const box = document.querySelector('.filter'); box.value = {json.dumps(text)};"
        " box.dispatchEvent(new Event('input')); })()"
    )


def test_scripts_show_the_same_text_as_the_static_table(opened):
    shown = [row[:-1] for row in opened.evaluate(FIRST_ROWS)]
    assert shown == opened.evaluate("explorers[0].cells")
    assert len(shown) == 13


def test_a_row_selects_its_point(opened):
    before = opened.evaluate(POINTS)
    click(opened, "table.points tbody tr:nth-child(3) td")
    assert opened.evaluate(POINTS) == before + 1  # the ring
    x, y = opened.evaluate("[explorers[0].plot.data.at(-1).x[0], explorers[0].plot.data.at(-1).y[0]]")
    assert x == opened.evaluate("explorers[0].data.columns.model_bytes[2]")
    assert y == pytest.approx(100 * opened.evaluate("explorers[0].data.columns.val_accuracy[2]"), rel=1e-6)
    current = opened.evaluate("[...document.querySelectorAll('[aria-current]')].map(row => Number(row.dataset.at))")
    assert current == [2]
    assert opened.evaluate("document.querySelector('.slider').textContent").startswith("3 of 13: ")


def test_a_click_on_a_point_selects_its_row(opened):
    x, y, at = opened.evaluate(
        "(() => { const plot = explorers[0].plot; const trace = plot.data.find(t => t.customdata);"
        " const box = plot.querySelector('.plot-container .nsewdrag').getBoundingClientRect();"
        " return [box.x + plot._fullLayout.xaxis.l2p(Math.log10(trace.x[0])),"
        " box.y + plot._fullLayout.yaxis.l2p(trace.y[0]), trace.customdata[0]]; })()"
    )
    opened.move_mouse(x, y)
    for kind in ("mousePressed", "mouseReleased"):
        opened.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    selected = (
        "new Promise(done => { const look = () => explorers[0].selected >= 0 ? done(explorers[0].selected)"
        " : setTimeout(look, 20); look(); })"
    )
    assert opened.evaluate(selected) == at
    assert opened.evaluate("Number(document.querySelector('[aria-current]').dataset.at)") == at


def test_points_can_be_walked_by_keyboard(opened):
    opened.evaluate("document.querySelector('.slider').focus()")
    for key, expected in (("ArrowRight", 1), ("ArrowRight", 2), ("End", 13), ("ArrowLeft", 12), ("Home", 1)):
        press(opened, key)
        assert opened.evaluate("document.querySelector('.slider').ariaValueNow") == str(expected)
    assert "7 tables at rank 8, dim 16" in opened.evaluate("document.querySelector('.slider').ariaValueText")


def test_the_filter_knows_words_and_conditions(opened):
    filter_by(opened, "rank<=16 tables=7")
    assert sorted(rows_of(opened, "rank")) == ["16", "8"]
    assert opened.evaluate("document.querySelector('.count').textContent") == "2 of 13 points"
    filter_by(opened, "model<20MB")
    sizes = opened.evaluate("explorers[0].order.map(at => explorers[0].data.columns.model_bytes[at])")
    assert sizes
    assert max(sizes) < 20_000_000
    filter_by(opened, "DENSE")
    assert rows_of(opened, "method") == ["dense"]
    filter_by(opened, "")
    assert len(rows_of(opened, "method")) == 13


def test_columns_sort_by_number_with_gaps_last(opened):
    head = "th[data-key=rank] button"
    click(opened, head)
    assert rows_of(opened, "rank") == ["8"] * 3 + ["16"] * 3 + ["32"] * 3 + ["64"] * 3 + ["–"]
    assert opened.evaluate("document.querySelector('th[data-key=rank]').ariaSort") == "ascending"
    click(opened, head)
    assert rows_of(opened, "rank") == ["64"] * 3 + ["32"] * 3 + ["16"] * 3 + ["8"] * 3 + ["–"]
    assert opened.evaluate("document.querySelector('th[data-key=rank]').ariaSort") == "descending"


def test_a_plan_copied_as_yaml_parses(opened):
    click(opened, "table.points tbody tr:first-child button")
    text = opened.evaluate("document.querySelector('.yaml').value")
    tables = YAML(typ="safe").load(text)["tables"]
    assert tables == json.loads(plan_json(7, 8))
    assert tables[0]["name"] == TABLE_NAME
    assert opened.complaints() == []


def test_hostile_names_of_tables_and_sweeps_are_text(opened):
    assert opened.evaluate("document.images.length") == 0
    assert opened.evaluate("document.querySelectorAll('table table').length") == 0
    opened.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert HOSTILE in opened.evaluate("document.body.innerText")


def test_downloads_hold_what_the_command_prints(opened, analyses):
    data = make_data(analyses[0][0])
    here, there = (
        list(csv.reader(io.StringIO(text))) for text in (opened.evaluate("csvOf(explorers[0].data)"), csv_text(data))
    )
    assert len(here) == len(there) == 1 + 13
    assert [[_plain(cell) for cell in row] for row in here] == [[_plain(cell) for cell in row] for row in there]
    columns = opened.evaluate("explorers[0].data.columns")
    assert columns == json.loads(json.dumps({name: list(values) for name, values in data.columns.items()}))
    opened.evaluate(
        "(() => { window.saved = []; "
        "HTMLAnchorElement.prototype.click = function () { saved.push(this.download); }; })()"
    )
    click(opened, ".csv")
    click(opened, ".json")
    assert opened.evaluate("saved") == ["points.csv", "points.json"]


def test_all_figures_are_drawn_and_named(opened):
    titles = opened.evaluate("[...document.querySelectorAll('h3')].map(head => head.textContent)")
    assert titles == [
        "In numbers", "Where the bytes are", "Accuracy by rank and tables compressed",
        "Training time by rank and tables compressed", "How it was made",
    ]  # fmt: skip
    assert opened.evaluate(
        "[...document.querySelectorAll('.plot')].every(plot => plot.querySelector('.cartesianlayer'))"
    )
    assert opened.evaluate("[...document.querySelectorAll('.plot')].every(plot => plot.ariaLabel.length > 40)")
    bars = opened.evaluate("[...document.querySelectorAll('.barlayer .point path')].length")
    stacks = opened.evaluate("figures.get(document.querySelectorAll('.chart .plot')[0]).data.length - 1")
    assert stacks == 9
    assert bars > 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_nothing_serious(tab, opened, width, scheme):
    place = os.environ.get("AXE_CORE")
    if not place:
        required = "axe" in os.environ.get("TTREC_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("AXE_CORE does not name axe.min.js (npm pack axe-core)")
    tab.look_like(width, 900, scheme, touch=width < 600)
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    tab.evaluate("explorers[0].select(1); explorers[0].copy()")
    tab.evaluate(Path(place).read_text(encoding="utf-8") + "; true")
    found = tab.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact))"
        ".map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]))"
    )
    assert found == []
