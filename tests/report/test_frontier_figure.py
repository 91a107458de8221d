"""The figure by its structure."""

import pytest

from ttrec_cli.pareto import Metric
from ttrec_cli.report.colours import INK, paint
from ttrec_cli.report.frontier_figure import hover_text, make_figure
from ttrec_cli.report.legend import legend_html
from ttrec_cli.report.marks import SYMBOLS, look
from ttrec_cli.report.picture import make_picture

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def picture(make_analyses, kaggle_rows):
    return make_picture(make_analyses(kaggle_rows(frozen=True))[0])


def marks(figure):
    return [trace for trace in figure.data if trace.mode == "markers"]


def test_every_point_is_drawn_once(picture):
    figure = make_figure(picture)
    assert sum(len(trace.x) for trace in marks(figure)) == len(picture.marks) == 75
    drawn = {(x, y) for trace in marks(figure) for x, y in zip(trace.x, trace.y, strict=True)}
    assert drawn == {(mark.model_bytes, mark.value) for mark in picture.marks}
    assert figure.layout.xaxis.type == "log"


def test_colour_shape_shade_and_outline(picture):
    looks = {(m.method, m.rank, m.tables, m.dim): look(m, picture) for m in picture.marks}
    trained, frozen = looks["tt", 32, 5, 64], looks["tt-frozen", 32, 5, 64]
    assert trained.paint == frozen.paint == paint(2, 1, 3)
    assert trained.symbol == SYMBOLS[2]
    assert (trained.is_open, frozen.is_open) == (False, True)
    assert looks["tt", 8, 5, 64].size < trained.size < looks["tt", 64, 5, 64].size
    assert looks["dense", None, 0, 16].symbol == "star"
    assert len({style.symbol for key, style in looks.items() if key[0] == "tt"}) == 3


def test_traces_carry_a_colour_for_each_theme(picture):
    for trace in marks(make_figure(picture)):
        assert trace.marker.color == trace.meta["light"]
        assert trace.meta["dark"] != trace.meta["light"]


def test_the_frontier_is_a_step_line_to_the_right_edge(picture):
    (line,) = [trace for trace in make_figure(picture).data if trace.name == "frontier"]
    assert line.line.shape == "hv"
    assert line.line.color == INK.light
    assert line.x[:-1] == tuple(mark.model_bytes for mark in picture.frontier)
    assert (line.x[-1], line.y[-1]) == (max(mark.model_bytes for mark in picture.marks), line.y[-2])


def test_error_bars_reach_to_the_outer_seeds(picture):
    trace = next(trace for trace in marks(make_figure(picture)) if trace.name == "7 tables at rank 8, dim 16")
    mark = next(mark for mark in picture.marks if mark.name == trace.name)
    assert trace.y[0] + trace.error_y.array[0] == pytest.approx(mark.high)
    assert trace.y[0] - trace.error_y.arrayminus[0] == pytest.approx(mark.low)


def test_no_error_bars_with_one_seed(make_analyses, kaggle_rows):
    single = make_picture(make_analyses(kaggle_rows(seeds=(0,)))[0])
    assert all(trace.error_y.array is None for trace in marks(make_figure(single)))
    assert "lowest to highest seed" not in legend_html(single)


def test_the_answer_and_the_uncompressed_models_are_named(picture):
    texts = [annotation.text for annotation in make_figure(picture).layout.annotations]
    assert texts == ["dim 16", "dim 32", "dim 64", f"<b>{picture.marks[picture.answer].name}</b>"]


def test_log_loss_runs_downwards(make_analyses, kaggle_rows):
    def value_axis(metric):
        low, high = make_figure(make_picture(make_analyses(kaggle_rows(), metric)[0])).layout.yaxis.range
        return low < high

    assert value_axis(Metric.ACCURACY)
    assert value_axis(Metric.AUC)
    assert not value_axis(Metric.LOGLOSS)


def test_ticks_are_round_sizes(picture):
    axis = make_figure(picture).layout.xaxis
    assert axis.ticktext[:4] == ("10 MB", "20 MB", "50 MB", "100 MB")
    assert axis.tickvals[:4] == (1e7, 2e7, 5e7, 1e8)


def test_one_lonely_point_can_be_drawn(make_analyses, make_row):
    figure = make_figure(make_picture(make_analyses([make_row()])[0]))
    low, high = figure.layout.yaxis.range
    assert low < 78.9 < high


def test_hostile_names_are_text(make_analyses, make_row):
    rows = [make_row(method=HOSTILE, left_dense=f'["{HOSTILE}: why"]')]
    picture = make_picture(make_analyses(rows)[0])
    assert "<img" not in hover_text(picture.marks[0])
    assert "&lt;img" in hover_text(picture.marks[0])
    assert "<img" not in str([annotation.text for annotation in make_figure(picture).layout.annotations])


def test_the_legend_explains_what_occurs(picture):
    legend = legend_html(picture)
    for words in ("Rank: colour and size", "Dim: shape", "Tables compressed: shade", "uncompressed", "never trained"):
        assert words in legend
    assert legend.count("<li>") == 4 + 3 + 3 + 5
