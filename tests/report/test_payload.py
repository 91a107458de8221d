"""The JSON that scripts read."""

import json
import math

from ttrec_cli.report import make_payload

CONTRACT = {
    "rank", "tables", "dim", "method", "model_bytes", "embedding_bytes", "compression", "val_accuracy", "val_logloss",
    "val_auc", "seeds",
}  # fmt: skip


def test_points_have_the_documented_keys(make_analyses, kaggle_rows):
    analyses = make_analyses(kaggle_rows())
    payload = make_payload(analyses, [], [], "/somewhere/pareto.html")
    assert {"points", "frontier", "baseline", "hypervolume", "report", "groups", "paired"} <= set(payload)
    assert len(payload["points"]) == 39
    for point in (*payload["points"], payload["baseline"]):
        assert set(point) >= CONTRACT
    assert payload["frontier"] == [point for point in payload["points"] if point["on_frontier"]]
    assert payload["report"] == "/somewhere/pareto.html"
    assert payload["answer"]["point"] in payload["frontier"]


def test_means_are_not_rounded_and_rank_of_dense_is_null(make_analyses, make_row):
    rows = [make_row(seed=seed, val_auc=value) for seed, value in ((0, 0.1), (1, 0.2), (2, 0.4))]
    rows += [make_row(method="dense", rank=None, tables=0, seed=seed, model_bytes=10**9) for seed in (0, 1, 2)]
    payload = make_payload(make_analyses(rows), [], [], "")
    by_method = {point["method"]: point for point in payload["points"]}
    assert by_method["tt"]["val_auc"] == math.fsum((0.1, 0.2, 0.4)) / 3
    assert by_method["tt"]["seeds"] == [0, 1, 2]
    assert by_method["dense"]["rank"] is None
    assert payload["baseline"] == by_method["dense"]


def test_everything_is_strict_json(make_analyses, make_row):
    rows = [make_row(val_auc=math.nan, compression=math.inf, settings="{broken", left_dense=None)]
    payload = make_payload(make_analyses(rows), [], ["a: torn"], "")
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    assert payload["points"][0]["val_auc"] is None
    assert payload["points"][0]["settings"] == "{broken"
    assert payload["problems"] == ["a: torn"]


def test_other_groups_are_apart(make_analyses, make_row):
    rows = [make_row(ended_at="2026"), make_row(budget='{"train_samples": 5}', ended_at="2027", synthetic=True)]
    payload = make_payload(make_analyses(rows), [], [], "")
    assert payload["budget"] == {"train_samples": 5}
    assert payload["synthetic"]
    (older,) = payload["groups"]
    assert older["budget"] == {"train_samples": 1000}
    assert not older["synthetic"]
    assert len(older["points"]) == len(payload["points"]) == 1


def test_trained_against_frozen_has_intervals(make_analyses, kaggle_rows):
    payload = make_payload(make_analyses(kaggle_rows(frozen=True)), [], [], "")
    assert len(payload["paired"]) == 36
    for pair in payload["paired"]:
        gap = pair["val_accuracy"]
        assert 0 < gap["low"] < gap["mean"] < gap["high"]
        assert gap["seeds"] == pair["seeds"] == [0, 1, 2]
        assert pair["val_logloss"]["mean"] < 0
