"""Sweeps with a row cache: hit rates by table and over time, and rows learned apart from the cores."""

import json
from pathlib import Path

import pandas as pd
import pytest

from ttrec_cli import store

CACHED = """\
name: cached
data: {format: synthetic, rows: 7000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 4}
cache: {warmup_fraction: 0.3}
grid: {rank: [2], tables: [3], dim: [4], cache.rows_fraction: [0, 0.02, 1.0]}
trials:
  - {rank: 2, tables: 3, dim: 4, cache.rows_fraction: 0.02, cache.refresh_every: 5}
  - {method: tt-frozen, rank: 2, tables: 3, dim: 4, cache.rows_fraction: 0.02}
  - {method: dense, dim: 4, init.dense_distribution: normal-1/8}
seeds: [0]
"""


@pytest.fixture
def rows(tmp_path: Path, ttrec) -> pd.DataFrame:
    (tmp_path / "cached.yaml").write_text(CACHED)
    done = ttrec("sweep", "cached.yaml", "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    return store.read(tmp_path / "results")


def test_hit_rates_bytes_and_keys(rows: pd.DataFrame, tmp_path: Path) -> None:
    assert len(rows) == 7
    assert (rows.status == "ok").all()
    trains = rows[rows.method == "tt"].sort_values(["cache_rows_fraction", "key"])
    plain, *some, every = trains.to_dict("records")
    assert plain["cache_bytes"] == 0
    assert pd.isna(plain["cache_hit_rate"])
    assert all(row["cache_bytes"] > 0 for row in (*some, every))
    refreshed, once = sorted(some, key=lambda row: '"refresh_every":null' in row["config"])
    for row in (refreshed, once):
        assert 0.02 < row["cache_hit_rate"] < every["cache_hit_rate"] <= 1
        assert row["embedding_bytes"] == plain["embedding_bytes"] + row["cache_bytes"]
    assert refreshed["cache_hit_rate"] >= once["cache_hit_rate"]
    assert every["val_logloss"] != plain["val_logloss"]
    rates = json.loads(once["cache_hit_rates"])
    assert len(rates) == 3
    assert min(rates.values()) <= once["cache_hit_rate"] <= max(rates.values())

    curve = store.read_curve(tmp_path / "results" / "cached", once["key"])
    assert curve.cache_hit_rate.isna().tolist() == [True, False, False, False]
    assert set(json.loads(curve.cache_hit_rates.iloc[-1])) == set(rates)

    frozen = rows[rows.method == "tt-frozen"].iloc[0]
    assert frozen.tt_core_change == 0
    assert frozen.cache_hit_rate == pytest.approx(once["cache_hit_rate"])
    dense = rows[rows.method == "dense"]
    assert set(dense.dense_distribution) == {"uniform", "normal-1/8"}
    assert dense.val_logloss.nunique() == 2
