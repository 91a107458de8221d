"""The embedded data, CSV and the plot of the terminal."""

import csv
import io
import json

import pytest

from ttrec_cli.report.data import csv_text, make_data
from ttrec_cli.report.picture import MOST_MARKS, make_picture
from ttrec_cli.report.text_plot import HEIGHT, text_plot


def test_data_has_a_row_a_point_in_the_tables_order(make_analyses, kaggle_rows):
    (analysis,) = make_analyses(kaggle_rows())
    columns = make_data(analysis).columns
    assert list(columns["model_bytes"]) == [a.point.model_bytes for a in analysis.points]
    assert {len(values) for values in columns.values()} == {39}
    assert sum(columns["on_frontier"]) == len(analysis.frontier)
    assert all(0 <= chance <= 1 for chance in columns["frontier_probability"])
    assert sum(columns["frontier_probability"]) > 1


def test_plans_are_stored_once(make_analyses, make_row):
    tables = [
        {"name": "a", "rows": 3, "dim": 16, "kind": "dense"},
        {"name": "b", "rows": 4, "dim": 16, "kind": "dense"},
    ]
    rows = [
        make_row(rank=8, plan=json.dumps(tables)),
        make_row(rank=16, plan=json.dumps(tables)),
        make_row(rank=32, plan=json.dumps(tables[:1])),
        make_row(rank=64, plan="{broken"),
    ]
    data = make_data(make_analyses(rows)[0])
    assert data.tables == tuple(tables)
    assert data.plans == ((0, 1), (0,))
    assert data.columns["plan"] == (0, 0, 1, -1)


def test_constants_are_written_once_and_nothing_is_lost(make_analyses, kaggle_rows):
    data = make_data(make_analyses(kaggle_rows())[0])
    plain = json.loads(json.dumps(data.plain(), default=list))
    assert plain["constants"]["seeds"] == [0, 1, 2]
    for name, values in plain["columns"].items():
        restored = [plain["constants"][name]] * plain["points"] if values is None else values
        assert restored == json.loads(json.dumps(list(data.columns[name])))


def test_csv_reads_back(make_analyses, kaggle_rows):
    data = make_data(make_analyses(kaggle_rows(seeds=(0, 1)))[0])
    rows = list(csv.DictReader(io.StringIO(csv_text(data))))
    assert len(rows) == 39
    assert [int(row["model_bytes"]) for row in rows] == list(data.columns["model_bytes"])
    assert {row["seeds"] for row in rows} == {"0 1"}
    assert "plan" not in rows[0]
    assert {row["rank"] for row in rows if row["method"] == "dense"} == {""}


def test_settings_with_commas_and_quotes_survive_csv(make_analyses, make_row):
    rows = [make_row(rank=rank, settings=json.dumps({"x": text})) for rank, text in ((8, 'a,"b"\n'), (32, "c"))]
    found = list(csv.DictReader(io.StringIO(csv_text(make_data(make_analyses(rows)[0])))))
    assert {row["x"] for row in found} == {'a,"b"\n', "c"}


def test_of_thousands_of_marks_those_that_matter_are_drawn(make_analyses, make_row):
    rows = [
        make_row(
            rank=8 + at % 4, settings=json.dumps({"x": at}), model_bytes=10**7 + at, val_accuracy=0.7 + at % 97 / 1e4
        )
        for at in range(MOST_MARKS + 500)
    ]
    (analysis,) = make_analyses(rows)
    picture = make_picture(analysis)
    assert picture.hidden > 0
    assert len(picture.marks) + picture.hidden == len(rows)
    assert len(picture.frontier) == len(analysis.frontier)
    assert {mark.row for mark in picture.frontier} == {at for at, a in enumerate(analysis.points) if a.on_frontier}
    assert picture.marks[picture.answer].row == [a.point for a in analysis.points].index(analysis.answer.point)


def test_the_terminals_plot(make_analyses, make_row):
    rows = [
        make_row(method="dense", rank=None, tables=0, model_bytes=10**9, val_accuracy=0.79),
        make_row(rank=8, model_bytes=10**6, val_accuracy=0.7895),
        make_row(rank=32, model_bytes=10**7, val_accuracy=0.78),
    ]
    lines = text_plot(make_analyses(rows)[0]).splitlines()
    assert lines[0] == "79.000 % │" + " " * 63 + "*"
    assert lines[HEIGHT - 1].startswith("78.000 % │")
    assert lines[HEIGHT - 1].index("·") - lines[HEIGHT - 1].index("│") == 1 + 21
    assert sum(line.count("@") for line in lines[:HEIGHT]) == 1
    assert lines[HEIGHT + 1].split() == ["1.00", "MB", "1.00", "GB"]
    assert text_plot(make_analyses([make_row()])[0]) == ""


@pytest.mark.parametrize("metric", ["logloss", "ne"])
def test_less_is_drawn_higher_where_less_is_better(make_analyses, make_row, metric):
    from ttrec_cli.pareto import Metric

    name = f"val_{metric}"
    rows = [make_row(rank=8, model_bytes=10**6, **{name: 0.5}), make_row(model_bytes=10**7, **{name: 0.4})]
    first = text_plot(make_analyses(rows, Metric(metric))[0]).splitlines()[0]
    assert first.startswith("0.40000 │")


def test_a_plot_of_equal_accuracies_stays_close_to_them(make_row, make_analyses) -> None:
    rows = [make_row(), make_row(method="dense", rank=None, tables=0, model_bytes=2_160_000_000)]
    shown = text_plot(make_analyses(rows)[0])
    assert "78.979 %" in shown
    assert "78.821 %" in shown
