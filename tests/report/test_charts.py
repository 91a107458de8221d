"""Figures 5, 6 and 7 and the learning curves as records, and their figures by structure."""

import json

import pandas as pd
import pytest

from ttrec_cli.pareto.points import make_point
from ttrec_cli.planning import KAGGLE_ROWS, TABLE_NAMES, TERABYTE_ROWS, ShapeSettings, plan_tables
from ttrec_cli.report.chart_figures import make_chart_figure
from ttrec_cli.report.chosen import chosen_points, thin
from ttrec_cli.report.curves import curve_reader, curves_chart
from ttrec_cli.report.rank_lines import quality_charts, time_charts
from ttrec_cli.report.stacks import stacks_chart
from ttrec_cli.store import write_curve

HOSTILE = "<img src=x onerror=alert(1)>"
MLPS = 1_902_596
"""Bytes beside the embeddings; any number will do."""


@pytest.fixture
def paper_point(make_row):
    """A point whose tables have the paper's shapes."""

    def build(rows, dim, tables, rank):
        plans = plan_tables(TABLE_NAMES, rows, dim, rank, tables, shape=ShapeSettings(rule="entropy"))
        size = sum(plan.bytes() for plan in plans)
        method = {"method": "tt", "rank": rank} if tables else {"method": "dense", "rank": None}
        plan = json.dumps([plan.to_dict() for plan in plans])
        return make_point([make_row(**method, tables=tables, dim=dim, plan=plan, model_bytes=size + MLPS)])

    return build


def test_figure_6_has_the_papers_exact_bytes(paper_point):
    points = [paper_point(KAGGLE_ROWS, 16, tables, 32) for tables in (0, 3, 5, 7)]
    chart = stacks_chart(points)
    dense, *compressed = chart.content.bars
    embeddings = [bar.total - bar.parts[-1] for bar in chart.content.bars]
    assert embeddings[0] == 33_762_577 * 16 * 4
    assert [round(embeddings[0] / size, 2) for size in embeddings[1:]] == [4.06, 48.29, 117.36]
    assert [bar.note.partition(", ")[2] for bar in compressed] == [
        "embeddings 4.06× smaller", "embeddings 48.3× smaller", "embeddings 117× smaller",
    ]  # fmt: skip
    assert round(embeddings[3] / 1e6, 2) == 18.41
    assert chart.content.layers == ("C3", "C12", "C21", "C16", "C4", "C24", "C26", "other tables", "MLPs")
    assert all(bar.parts[-1] == MLPS for bar in chart.content.bars)
    assert compressed[2].parts[:2] == (4 * 495_360, 4 * 449_152)
    assert dense.parts[0] == 10_131_227 * 64


def test_figure_6_for_terabyte(paper_point):
    points = [paper_point(TERABYTE_ROWS, 64, tables, 8) for tables in (0, 3, 5, 7)]
    totals = [bar.total - bar.parts[-1] for bar in stacks_chart(points).content.bars]
    assert [round(totals[0] / total, 2) for total in totals[1:]] == [2.56, 22.49, 112.54]


def test_stacks_as_a_figure(paper_point):
    chart = stacks_chart([paper_point(KAGGLE_ROWS, 16, tables, 32) for tables in (0, 7)])
    figure = make_chart_figure(chart)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [trace.name for trace in bars] == list(chart.content.layers)
    assert [sum(trace.x[at] for trace in bars) for at in (0, 1)] == [bar.total for bar in chart.content.bars]
    assert figure.layout.barmode == "stack"
    assert len({(trace.marker.color, trace.marker.pattern.shape) for trace in bars}) == len(bars)
    assert chart.table.rows[0][1] == "648 MB"


def test_hostile_names_of_tables_stay_text(make_row):
    plan = [{"name": HOSTILE, "rows": 9, "dim": 4, "kind": "dense"}]
    chart = stacks_chart([make_point([make_row(plan=json.dumps(plan))])])
    assert chart.content.layers[0] == HOSTILE
    assert "<img" not in str(make_chart_figure(chart).to_json())


@pytest.mark.parametrize("plan", [None, "", "{broken", "[]", "[1]", '[{"name": "C1"}]'])
def test_without_a_readable_plan_there_are_no_stacks(make_row, plan):
    assert stacks_chart([make_point([make_row(plan=plan)])]) is None


def test_figure_5_has_a_line_for_each_number_of_tables(make_analyses, kaggle_rows):
    (analysis,) = make_analyses(kaggle_rows(frozen=True))
    charts = quality_charts(analysis)
    assert [chart.title for chart in charts] == ["dim 16", "dim 32", "dim 64"]
    lines = charts[0].content
    assert lines.ranks == (8, 16, 32, 64)
    assert [line.name for line in lines.lines] == ["3 tables", "5 tables", "7 tables"]
    point = next(
        a.point
        for a in analysis.points
        if (a.point.method, a.point.rank, a.point.tables, a.point.dim) == ("tt", 32, 5, 16)
    )
    assert lines.lines[1].ys[2] == pytest.approx(100 * point.mean("val_accuracy"))
    assert lines.lines[1].lows[2] == 100 * min(point.scores["val_accuracy"])
    dense = next(a.point for a in analysis.points if a.point.is_dense and a.point.dim == 16)
    assert lines.level == pytest.approx(100 * dense.mean("val_accuracy"))
    assert len({chart.content.window for chart in charts}) == 1
    assert charts[0].table.rows[-1][0] == "uncompressed"


def test_figure_7_is_relative_to_the_uncompressed_model(make_analyses, make_row):
    rows = [make_row(method="dense", rank=None, tables=0, train_seconds=100.0, model_bytes=10**9)]
    rows += [make_row(rank=rank, train_seconds=seconds) for rank, seconds in ((8, 107.4), (32, 112.5))]
    (chart,) = time_charts(make_analyses(rows)[0])
    assert chart.content.lines[0].ys == pytest.approx((107.4, 112.5))
    assert chart.content.level == 100
    assert chart.content.y_title == "Training time (% of dense)"
    (seconds,) = time_charts(make_analyses(rows[1:])[0])
    assert seconds.content.lines[0].ys == (107.4, 112.5)


def test_one_rank_makes_no_line(make_analyses, make_row):
    assert quality_charts(make_analyses([make_row()])[0]) == ()


def test_learning_curves_of_the_chosen(make_analyses, make_row, tmp_path):
    rows = [make_row(seed=seed, key=f"k{seed}") for seed in (0, 1, 2)]
    for seed, last in ((0, 0.7), (1, 0.8)):
        points = [{"samples": 10, "val_accuracy": 0.5}, {"samples": 20, "val_accuracy": last}]
        write_curve(tmp_path / "sweep", f"k{seed}", [*points, {"samples": 30 + seed, "val_accuracy": 0.9}])
    (tmp_path / "sweep" / "curves" / "k2.parquet").write_bytes(b"torn")
    chart = curves_chart(make_analyses(rows)[0], curve_reader(tmp_path))
    (line,) = chart.content.lines
    assert (line.xs, line.ys) == ((10, 20), pytest.approx((50, 75)))
    assert (line.lows, line.highs) == ((50, 70), (50, 80))
    assert chart.table.rows == (("10", "50.000 %"), ("20", "75.000 %"))
    figure = make_chart_figure(chart)
    assert [tuple(trace.y) for trace in figure.data if trace.mode != "lines"] == [line.ys]
    assert curves_chart(make_analyses(rows)[0], lambda key: None) is None
    empty = pd.DataFrame({"samples": [1], "val_accuracy": [float("nan")]})
    assert curves_chart(make_analyses(rows)[0], lambda key: empty) is None


def test_few_models_are_chosen_and_the_ends_are_among_them(make_analyses, kaggle_rows):
    (analysis,) = make_analyses(kaggle_rows())
    chosen = chosen_points(analysis)
    assert len(chosen) <= 8
    assert {analysis.answer.point, analysis.baseline} <= set(chosen)
    assert thin(range(100), 3) == [0, 50, 99]
    assert thin([1, 2], 3) == [1, 2]
    assert thin([1, 2], 0) == []
