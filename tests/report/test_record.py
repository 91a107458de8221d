"""What the page says: the record, before any HTML."""

import json

import pytest

from ttrec_cli.pareto import Metric
from ttrec_cli.report.picture import make_picture
from ttrec_cli.report.tables import ON_FRONTIER, format_seconds, frontier_table


def test_a_mark_holds_the_facts(make_analyses, make_row):
    rows = [
        make_row(method="dense", rank=None, tables=0, val_accuracy=0.79, model_bytes=2_160_000_000),
        make_row(val_accuracy=0.7897, left_dense=json.dumps(["C9: 20 rows would need 384 numbers, has 320"])),
    ]
    mark = make_picture(make_analyses(rows)[0]).marks[0]
    assert mark.name == "7 tables at rank 32, dim 16"
    assert (mark.model_bytes, mark.value, mark.low, mark.high) == (20_300_000, 78.97, 78.97, 78.97)
    assert mark.facts == (
        ("Model", "20.3 MB, 106× smaller"),
        ("Embeddings", "18.4 MB, 117× smaller"),
        ("Validation", "accuracy 78.970 %, log-loss 0.45200, AUC 0.80100"),
        ("Test", "accuracy 78.800 %, log-loss 0.45300, AUC 0.80000"),
        ("To uncompressed", "−0.03 points of accuracy"),
        ("Seeds", "0"),
        ("Training", "100 s"),
        ("Cores moved since they were drawn", "20.0 %"),
        ("Left dense", "C9"),
        ("On the frontier", "yes"),
    )


def test_the_picture_of_the_kaggle_grid(make_analyses, kaggle_rows):
    picture = make_picture(make_analyses(kaggle_rows())[0])
    assert len(picture.marks) == 39
    assert (picture.ranks, picture.dims, picture.tables) == ((8, 16, 32, 64), (16, 32, 64), (3, 5, 7))
    assert picture.several_seeds
    assert picture.marks[picture.answer].on_frontier
    assert all(mark.low <= mark.value <= mark.high for mark in picture.marks)
    assert f"{len(picture.frontier)} of 39 configurations are on the frontier" in picture.summary


def test_points_without_the_metric_are_only_in_the_table(make_page, make_row):
    (section,) = make_page([make_row(rank=8, val_auc=None), make_row()], Metric.AUC).sections
    assert len(section.picture.marks) == 1
    assert len(section.tables[0].rows) == 2


def test_frontier_rows_are_marked_in_words(make_page, kaggle_rows):
    (section,) = make_page(kaggle_rows()).sections
    table = section.tables[0]
    assert {at for at, row in enumerate(table.rows) if row[0] == ON_FRONTIER} == table.strong
    assert len(table.strong) == len(section.picture.frontier)
    assert all(len(row) == len(table.columns) for row in table.rows)


@pytest.mark.parametrize(
    ("flags", "title", "warning"),
    [
        ({"synthetic": True, "stand_in": True}, "SYNTHETIC STAND-IN DATA", "Synthetic stand-in. The real"),
        ({"synthetic": True}, "SYNTHETIC DATA", "Synthetic data. These"),
        ({}, "", ""),
    ],
)
def test_made_up_data_is_said_loudly(make_page, make_row, flags, title, warning):
    page = make_page([make_row(**flags)])
    assert ("SYNTHETIC" in page.title) == bool(title)
    assert title in page.title
    assert page.sections[0].warning.startswith(warning)
    assert bool(page.sections[0].warning) == bool(warning)


def test_groups_become_sections_newest_first(make_page, make_row):
    page = make_page([make_row(ended_at="2026-01-01"), make_row(dataset_fingerprint="b", sweep="new", ended_at="2027")])
    assert page.title == "Memory–accuracy frontier: new"
    assert [section.heading for section in page.sections] == [
        "new on criteo-kaggle, seed 0",
        "kaggle on criteo-kaggle, seed 0",
    ]


def test_one_seed_is_admitted(make_page, make_row):
    assert "Single seed: no error bars." in make_page([make_row()]).sections[0].notes


def test_trained_against_frozen(make_page, kaggle_rows):
    (section,) = make_page(kaggle_rows(frozen=True)).sections
    assert len(section.tables) == 2
    effects = section.tables[1]
    assert len(effects.rows) == 36
    assert all(row[-2].startswith("yes: accuracy") for row in effects.rows)
    assert any(note.startswith("Trained cores beat frozen ones") for note in section.notes)


def test_a_single_seed_cannot_say_whether_training_helped(make_page, make_row):
    (section,) = make_page([make_row(), make_row(method="tt-frozen", val_accuracy=0.7)]).sections
    assert section.tables[1].rows[0][-2] == "single seed: cannot say"


def test_failed_trials_are_listed_with_reasons(make_page, make_row):
    page = make_page([make_row(), make_row(rank=512, status="out-of-memory", reason="needs 9 GB")])
    assert page.failures.caption == "1 trial without a result"
    assert page.failures.rows == (("kaggle", "tt", "512", "7", "16", "0", "out-of-memory", "needs 9 GB"),)
    assert make_page([make_row()]).failures is None


def test_where_it_came_from(make_page, make_row):
    facts = dict(make_page([make_row()]).sections[0].provenance)
    assert facts["Data"] == "criteo-kaggle (fingerprint 0f3a)"
    assert facts["Command line"] == "ttrec sweep sweeps/kaggle.yaml"
    assert facts["Settings of all points"] == "train.optimizer sgd, train.learning_rate 0.1"
    assert facts["Budget"] == "train_samples 1000"
    assert "GPU" not in facts


def test_unfinished_points_say_so(make_page, make_row):
    (section,) = make_page([make_row(), make_row(seed=1), make_row(rank=8)]).sections
    rows = {row[2]: row for row in section.tables[0].rows}
    assert (rows["8"][0], rows["8"][-1]) == ("unfinished", "0 (1 of 2)")
    assert "1 of 2 points lacks seeds: shown, but not competing." in section.notes


def test_one_accuracy_for_all_is_said_below_the_answer(make_page, make_row):
    rows = [make_row(rank=8, model_bytes=10**6), make_row()]
    said = "All models have the same accuracy, as when each always predicts no click"
    assert make_page(rows).sections[0].rule.startswith(said)
    assert said not in make_page([rows[0], make_row(val_accuracy=0.78)]).sections[0].rule


def test_the_terminals_table(make_analyses, kaggle_rows):
    table = frontier_table(make_analyses(kaggle_rows(synthetic=True))[0])
    assert "means of 3 seeds, SYNTHETIC DATA" in table.caption
    assert [column.title for column in table.columns] == [
        "Method", "Rank", "Tables", "Dim", "Model", "Smaller", "Accuracy", "To uncompressed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(4.211, "4.21 s"), (119, "119 s"), (720, "12.0 min"), (12_240, "3.40 h"), (float("nan"), "–")],
)
def test_durations(seconds, shown):
    assert format_seconds(seconds) == shown
