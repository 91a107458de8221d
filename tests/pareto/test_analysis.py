"""Frontier, baselines and the answer of whole groups."""

import json
import math

import pytest

from ttrec_cli.pareto import Metric, analyse, groups
from ttrec_cli.pareto.sentence import sameness_sentence, training_sentence, unfinished_sentence
from ttrec_cli.pareto.settings import flat_settings, split_settings


@pytest.fixture
def analysed(make_frame):
    def build(rows, metric=Metric.ACCURACY):
        return analyse(groups(make_frame(rows))[0], metric)

    return build


@pytest.fixture
def dense(make_row):
    def build(**changes):
        sizes = {"model_bytes": 2_160_000_000, "compression": 1.0, "model_compression": 1.0}
        return make_row(**({"method": "dense", "rank": None, "tables": 0, "val_accuracy": 0.79} | sizes | changes))

    return build


def test_the_answer_is_the_smallest_close_enough_to_the_best_uncompressed_model(analysed, dense, make_row):
    rows = [
        dense(),
        make_row(rank=8, model_bytes=10_000_000, val_accuracy=0.7889),
        make_row(rank=32, model_bytes=20_300_000, val_accuracy=0.7897),
        make_row(rank=64, model_bytes=40_000_000, val_accuracy=0.7899),
    ]
    analysis = analysed(rows)
    assert analysis.answer.sentence == (
        "7 tables at rank 32, dim 16: 20.3 MB, 106× smaller, −0.03 points of accuracy against the uncompressed "
        "model (single seed: no error bars)."
    )
    assert analysis.answer.rule == (
        "the smallest on the frontier within 0.1 points of accuracy of the best uncompressed model (dim 16)"
    )
    assert [assessed.point.rank for assessed in analysis.frontier] == [8, 32, 64, None]
    assert analysis.baseline.is_dense


def test_exactly_the_tolerance_is_within_it(analysed, dense, make_row):
    assert analysed([dense(), make_row(val_accuracy=0.79 - 0.001)]).answer.rule.startswith("the smallest")
    assert analysed([dense(), make_row(val_accuracy=0.79 - 0.00101)]).answer.rule.startswith("the knee")


def test_with_several_seeds_the_sentence_has_an_interval(analysed, dense, make_row):
    rows = [dense(seed=0), dense(seed=1, val_accuracy=0.791), make_row(seed=0), make_row(seed=1, val_accuracy=0.792)]
    assert "−0.00 (" not in analysed(rows).answer.sentence
    assert analysed(rows).answer.sentence.endswith(
        "±0.00 points of accuracy against the uncompressed model (95 % interval −1.27 … +1.27 over 2 seeds)."
    )


def test_a_better_uncompressed_model_of_another_dim_is_named(analysed, dense, make_row):
    rows = [dense(), dense(dim=64, model_bytes=8_600_000_000, val_accuracy=0.7905), make_row(val_accuracy=0.7899)]
    analysis = analysed(rows)
    assert analysis.baseline.dim == 64
    assert "−0.01 points of accuracy against the uncompressed model; −0.06 against the best one (dim 64)" in (
        analysis.answer.sentence
    )


@pytest.mark.parametrize(
    ("flags", "opening"),
    [
        ({"synthetic": True, "stand_in": True}, "On synthetic data (a stand-in): 7 tables"),
        ({"synthetic": True}, "On synthetic data: 7 tables"),
        ({}, "7 tables"),
    ],
)
def test_made_up_data_is_said_first(analysed, dense, make_row, flags, opening):
    assert analysed([dense(**flags), make_row(**flags)]).answer.sentence.startswith(opening)


def test_without_an_uncompressed_model_the_knee_is_the_answer(analysed, make_row):
    rows = [
        make_row(rank=8, model_bytes=10**7, val_accuracy=0.70),
        make_row(rank=16, model_bytes=2 * 10**7, val_accuracy=0.78),
        make_row(rank=32, model_bytes=10**9, val_accuracy=0.79),
    ]
    analysis = analysed(rows)
    assert analysis.answer.point.rank == 16
    assert analysis.answer.rule == "the knee of the frontier, as there is no uncompressed model to compare with"
    assert analysis.answer.sentence.endswith("20.0 MB, 106× smaller.")
    assert analysis.baseline is None
    assert analysis.reference.model_bytes == 10**9


def test_nothing_compressed_on_the_frontier(analysed, dense, make_row):
    analysis = analysed([dense(), make_row(model_bytes=3 * 10**9, val_accuracy=0.7)])
    assert analysis.answer.point is None
    assert analysis.answer.sentence == "No compressed model is on the frontier."


def test_unfinished_points_do_not_compete(analysed, make_row):
    rows = [make_row(seed=0), make_row(seed=1), make_row(rank=8, seed=0, val_accuracy=0.99, model_bytes=1)]
    analysis = analysed(rows)
    assert [(assessed.complete, assessed.on_frontier) for assessed in analysis.points] == [(False, False), (True, True)]


def test_a_missing_metric_never_wins(analysed, make_row):
    rows = [make_row(rank=8, model_bytes=1, val_auc=math.nan), make_row()]
    assert [assessed.point.rank for assessed in analysed(rows, Metric.AUC).frontier] == [32]
    assert [assessed.point.rank for assessed in analysed(rows, Metric.ACCURACY).frontier] == [8]


def test_equal_cells_stay_separate_points(analysed, make_row):
    assert [a.point.tables for a in analysed([make_row(tables=7), make_row(tables=8)]).frontier] == [7, 8]


def test_less_log_loss_is_better(analysed, dense, make_row):
    rows = [dense(val_logloss=0.45), make_row(val_logloss=0.4504), make_row(rank=8, model_bytes=1, val_logloss=0.5)]
    analysis = analysed(rows, Metric.LOGLOSS)
    assert analysis.answer.point.rank == 32
    assert "+0.0004 log-loss against" in analysis.answer.sentence
    assert analysis.reference.value == 0.5


def test_each_point_is_compared_with_its_own_dim_and_settings(analysed, dense, make_row):
    slow, fast = (json.dumps({"train": {"learning_rate": rate}}) for rate in (0.1, 1.0))
    rows = [
        dense(settings=slow, val_accuracy=0.5),
        dense(settings=fast, val_accuracy=0.7),
        dense(settings=fast, dim=64, val_accuracy=0.9),
        make_row(settings=slow, val_accuracy=0.6),
    ]
    gaps = {a.point.settings: a.to_baseline for a in analysed(rows).points if not a.point.is_dense}
    assert gaps[slow].mean == pytest.approx(0.1)
    assert all(a.to_baseline is None for a in analysed(rows).points if a.point.is_dense)


def test_the_whole_kaggle_grid(analysed, kaggle_rows):
    analysis = analysed(kaggle_rows())
    assert len(analysis.points) == 39
    sizes = [a.point.model_bytes for a in analysis.frontier]
    values = [a.point.mean("val_accuracy") for a in analysis.frontier]
    assert sizes == sorted(sizes)
    assert values == sorted(values)
    assert analysis.hypervolume > 0
    assert analysis.reference.model_bytes == max(a.point.model_bytes for a in analysis.points)


def test_training_pays_is_said_with_its_certainty(analysed, make_row):
    rows = [
        make_row(rank=rank, method=method, seed=seed, val_accuracy=0.7 + gain + 0.01 * seed + 0.001 * seed * gain)
        for rank, advantage in ((8, 0.02), (32, -0.02))
        for method, gain in (("tt", advantage), ("tt-frozen", 0.0))
        for seed in (0, 1, 2)
    ]
    analysis = analysed(rows)
    assert training_sentence(analysis.effects, Metric.ACCURACY) == (
        "Trained cores beat frozen ones (tt-frozen) in accuracy at 1 of 2 plans, "
        "at 1 with a 95 % interval that excludes 0."
    )
    assert training_sentence((), Metric.ACCURACY) == ""


def test_settings_as_dotted_keys():
    assert flat_settings('{"a": {"b": 1, "c": [1, 2]}, "d": "x"}') == {"a.b": "1", "a.c": "[1, 2]", "d": "x"}
    assert flat_settings("") == {}
    assert flat_settings("{broken") == {"settings": "{broken"}


def test_settings_that_vary(analysed, dense, make_row):
    def written(**init):
        return json.dumps({"train": {"epochs": 1}, **({"init": init} if init else {})})

    rows = [dense(settings=written()), make_row(settings=written(scale="paper", distribution="uniform"))]
    points = [assessed.point for assessed in analysed(rows).points]
    assert split_settings(points) == (
        {"train.epochs": "1", "init.scale": "paper", "init.distribution": "uniform"},
        (),
    )
    rows.append(make_row(settings=written(scale="calibrated", distribution="uniform"), val_accuracy=0.7901))
    analysis = analysed(rows)
    assert split_settings([assessed.point for assessed in analysis.points])[1] == ("init.scale",)
    assert "dim 16 (init.scale calibrated):" in analysis.answer.sentence


def test_one_accuracy_for_all_in_each_seed(make_frame, make_row):
    def said(rows, metric=Metric.ACCURACY):
        return sameness_sentence(groups(make_frame(rows))[0], metric)

    rows = [make_row(rank=rank, seed=seed, val_accuracy=0.7 + seed / 10) for rank in (8, 32) for seed in (0, 1)]
    assert said(rows).startswith("All models have the same accuracy, as when each always predicts no click: try")
    assert said(rows, Metric.LOGLOSS) == ""
    assert said(rows[:2]) == ""
    # Equal means do not count: in each seed the models differ.
    assert said([*rows[:2], make_row(seed=0, val_accuracy=0.8), make_row(seed=1, val_accuracy=0.7)]) == ""
    assert said([*rows[:2], make_row(seed=0, val_accuracy=math.nan), rows[3]]) == ""


def test_points_that_lack_seeds_are_counted(make_frame, make_row):
    rows = [make_row(), make_row(seed=1), make_row(rank=8), make_row(rank=16)]
    assert unfinished_sentence(groups(make_frame(rows))[0]) == "2 of 3 points lack seeds: shown, but not competing."
    assert unfinished_sentence(groups(make_frame(rows[:2]))[0]) == ""
