"""Which rows become points, and which points may be compared."""

import json
import math

import pandas as pd
import pytest

from ttrec_cli.pareto import failures, groups


def test_a_point_is_the_mean_over_seeds(make_row, make_frame):
    rows = [make_row(seed=seed, val_accuracy=value) for seed, value in ((2, 0.1), (0, 0.2), (1, 0.6))]
    (group,) = groups(make_frame(rows))
    (point,) = group.points
    assert point.seeds == group.seeds == (0, 1, 2)
    assert point.scores["val_accuracy"] == (0.2, 0.6, 0.1)
    assert point.mean("val_accuracy") == math.fsum((0.2, 0.6, 0.1)) / 3
    assert (point.method, point.rank, point.tables, point.dim) == ("tt", 32, 7, 16)


def test_the_uncompressed_model_has_no_rank(make_row, make_frame):
    (group,) = groups(make_frame([make_row(method="dense", rank=None, tables=0), make_row()]))
    assert [point.rank for point in group.points] == [None, 32]
    assert [point.is_dense for point in group.points] == [True, False]


@pytest.mark.parametrize("column", ["dataset_fingerprint", "budget"])
def test_other_data_or_budget_is_another_group(make_row, make_frame, column):
    rows = [make_row(ended_at="2026-11-01"), make_row(**{column: "other"}, ended_at="2026-11-02")]
    newest, older = groups(make_frame(rows))
    assert getattr(newest, column) == "other"
    assert len(newest.points) == len(older.points) == 1


def test_other_seeds_of_another_sweep_are_another_group(make_row, make_frame):
    rows = [make_row(sweep="a", seed=seed) for seed in (0, 1)] + [make_row(sweep="b", rank=8)]
    assert sorted(group.seeds for group in groups(make_frame(rows))) == [(0,), (0, 1)]


def test_neither_of_two_seed_sets_includes_the_other(make_row, make_frame):
    rows = [make_row(seed=seed) for seed in (0, 1)] + [make_row(rank=8, seed=seed) for seed in (1, 2)]
    assert sorted(group.seeds for group in groups(make_frame(rows))) == [(0, 1), (1, 2)]


def test_an_interrupted_configuration_stays_in_its_sweeps_group(make_row, make_frame):
    rows = [make_row(seed=seed) for seed in (0, 1, 2)] + [make_row(rank=8, seed=0, ended_at="2027-01-01")]
    (group,) = groups(make_frame(rows))
    assert group.seeds == (0, 1, 2)
    assert sorted((point.rank, group.is_complete(point)) for point in group.points) == [(8, False), (32, True)]


def test_a_failed_seed_does_not_split_the_group(make_row, make_frame):
    rows = [make_row(rank=rank, seed=seed) for rank in (8, 32) for seed in (0, 1)]
    rows[0] = make_row(rank=8, seed=0, status="diverged", reason="loss is NaN")
    frame = make_frame(rows)
    (group,) = groups(frame)
    assert [(point.rank, point.seeds) for point in group.points] == [(8, (1,)), (32, (0, 1))]
    (failure,) = failures(frame)
    assert (failure.rank, failure.seed, failure.status, failure.reason) == (8, 0, "diverged", "loss is NaN")


def test_only_finished_trials_count(make_row, make_frame):
    frame = make_frame([make_row(status="failed", reason="bad"), make_row(seed=1, model_bytes=math.nan)])
    assert groups(frame) == ()
    assert len(failures(frame)) == 1


def test_copies_of_a_trial_count_once_and_success_beats_failure(make_row, make_frame):
    rows = [
        make_row(val_accuracy=0.1, ended_at="2026-11-01"),
        make_row(val_accuracy=0.2, ended_at="2026-11-02"),
        make_row(status="failed", reason="later, but no result", ended_at="2026-11-03"),
    ]
    frame = make_frame(rows)
    (group,) = groups(frame)
    assert group.points[0].scores["val_accuracy"] == (0.2,)
    assert failures(frame) == ()


def test_settings_tell_points_apart(make_row, make_frame):
    rows = [make_row(settings=json.dumps({"init": {"scale": scale}})) for scale in ("paper", "calibrated")]
    (group,) = groups(make_frame(rows))
    assert len(group.points) == 2


def test_where_it_ran_is_collected(make_row, make_frame):
    rows = [make_row(host="b"), make_row(seed=1, host="a", started_at="2026-01-01"), make_row(seed=2, gpu=None)]
    (group,) = groups(make_frame(rows))
    assert group.provenance["host"] == ("a", "b", "workstation")
    assert group.provenance["gpu"] == ()
    assert group.started_at == "2026-01-01"


def test_the_order_of_rows_does_not_matter(kaggle_rows, make_frame):
    frame = make_frame(kaggle_rows(seeds=(0, 1)))
    assert groups(frame.sample(frac=1, random_state=3)) == groups(frame)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"status": ["ok"], "other": [1]})])
def test_rows_that_are_not_ours_give_nothing(frame):
    assert groups(frame) == ()


def test_what_a_search_gave_up_is_no_failure_and_no_point(make_row, make_frame) -> None:
    rows = [make_row(), make_row(rank=8, status="stopped", reason="halving: not near the frontier")]
    frame = make_frame(rows)
    assert failures(frame) == ()
    assert [point.rank for group in groups(frame) for point in group.points] == [32]
