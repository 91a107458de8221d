"""Result rows as the store gives them, made up: for all tests of what reads results."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

# Before torch is loaded: threads that spin while they wait make tests on shared cores many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

KAGGLE_ROWS = (
    10131227, 8351593, 7046547, 5461306, 2202608, 286181, 142572, 93145, 14992, 12517, 5683, 5652, 3194,
    2173, 1460, 633, 583, 305, 105, 27, 24, 18, 15, 10, 4, 3,
)  # fmt: skip

Row = dict[str, Any]


def _row(**changes: Any) -> Row:
    """A finished trial of 7 tables at rank 32, dim 16, with any column changed."""
    row: Row = {
        "sweep": "kaggle",
        "status": "ok",
        "reason": "",
        "method": "tt",
        "rank": 32,
        "tables": 7,
        "dim": 16,
        "seed": 0,
        "settings": json.dumps({"train": {"optimizer": "sgd", "learning_rate": 0.1}}),
        "budget": json.dumps({"train_samples": 1000}),
        "dataset": "criteo-kaggle",
        "dataset_fingerprint": "0f3a",
        "synthetic": False,
        "stand_in": False,
        "embedding_bytes": 18_410_000,
        "model_bytes": 20_300_000,
        "optimizer_bytes": 0,
        "training_bytes": 25_000_000,
        "peak_training_bytes": 400_000_000,
        "compression": 117.36,
        "model_compression": 106.5,
        "val_accuracy": 0.789,
        "val_logloss": 0.452,
        "val_auc": 0.801,
        "val_ne": 0.79,
        "test_accuracy": 0.788,
        "test_logloss": 0.453,
        "test_auc": 0.800,
        "test_ne": 0.79,
        "best_test_accuracy": 0.788,
        "train_logloss": 0.45,
        "tt_core_change": 0.2,
        "train_seconds": 100.0,
        "samples_per_second": 10_000.0,
        "left_dense": "[]",
        "ttrec_version": "0.0.1",
        "git_commit": "abcdef0",
        "torch_version": "2.13.0",
        "cupy_version": None,
        "numpy_version": "2.4.6",
        "python_version": "3.11.9",
        "platform": "Linux x86_64",
        "cpu": "Some CPU, 2 cores",
        "gpu": None,
        "driver": None,
        "device": "cpu",
        "backend": "reference",
        "host": "workstation",
        "command_line": "ttrec sweep sweeps/kaggle.yaml",
        "started_at": "2026-11-01T10:00:00Z",
        "ended_at": "2026-11-01T10:01:40Z",
    }
    row |= changes
    scored = ("val_", "test_", "best_")
    if row["status"] != "ok":
        row |= {name: None for name in row if name.startswith(scored)}
    row["key"] = row.get("key") or "-".join(str(row[name]) for name in ("method", "rank", "tables", "dim", "seed"))
    return row


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows))
    frame["rank"] = frame["rank"].astype("Int64")
    return frame


def _sizes(method: str, rank: int | None, tables: int, dim: int) -> Row:
    """Bytes near those of the real model: dense rows, three equal TT cores, MLPerf's MLPs."""
    head = [] if method == "dense" else KAGGLE_ROWS[:tables]
    cores = [3 * (rows * dim * (rank or 0) ** 4) ** (1 / 3) * 1.03 for rows in head]
    dense = sum(KAGGLE_ROWS) * dim
    parameters = round(sum(cores) + sum(KAGGLE_ROWS[len(head) :]) * dim)
    mlps = 475_000 + dim * 600
    return {
        "embedding_bytes": 4 * parameters,
        "model_bytes": 4 * (parameters + mlps),
        "compression": dense / parameters,
        "model_compression": (dense + mlps) / (parameters + mlps),
    }


def _scores(method: str, rank: int | None, tables: int, dim: int, noise: np.random.Generator) -> Row:
    """Scores that look like the paper's: a gain for regularising, a price for tables, rank and dim."""
    accuracy = 0.7885 + 0.0004 * np.log2(dim / 16)
    if method != "dense":
        accuracy += 0.0006 - 0.0005 * (tables - 3) / 2 + 0.0003 * np.log2((rank or 1) / 16) * (tables - 2) / 5
    if method == "tt-frozen":
        accuracy -= 0.0021 + 0.0006 * tables
    accuracy += noise.normal(0, 0.00015)
    return {
        "val_accuracy": accuracy,
        "val_logloss": 0.4525 - 2 * (accuracy - 0.7885) + noise.normal(0, 0.0001),
        "val_auc": 0.8010 + 1.5 * (accuracy - 0.7885) + noise.normal(0, 0.0001),
        "test_accuracy": accuracy - 0.0004 + noise.normal(0, 0.0001),
        "test_logloss": 0.4531 - 2 * (accuracy - 0.7885),
        "test_auc": 0.8004 + 1.5 * (accuracy - 0.7885),
        "train_seconds": 3600 * (1 + 0.01 * tables + 0.0005 * (rank or 0)) * noise.uniform(0.98, 1.02),
        "tt_core_change": None if method == "dense" else 0.0 if method == "tt-frozen" else 0.3,
    }


def _kaggle_rows(seeds: Iterable[int] = (0, 1, 2), frozen: bool = False, **changes: Any) -> list[Row]:
    """The grid of the Kaggle sweep: 36 TT points and 3 uncompressed ones, for each seed."""
    grid: list[tuple[str, int | None, int, int]] = [("dense", None, 0, dim) for dim in (16, 32, 64)]
    methods = ("tt", "tt-frozen") if frozen else ("tt",)
    grid += [
        (method, rank, tables, dim)
        for method in methods
        for rank in (8, 16, 32, 64)
        for tables in (3, 5, 7)
        for dim in (16, 32, 64)
    ]
    noise = np.random.default_rng(20261101)
    return [
        _row(method=method, rank=rank, tables=tables, dim=dim, seed=seed)
        | _sizes(method, rank, tables, dim)
        | _scores(method, rank, tables, dim, noise)
        | changes
        for method, rank, tables, dim in grid
        for seed in seeds
    ]


@pytest.fixture
def make_row() -> Callable[..., Row]:
    return _row


@pytest.fixture
def make_frame() -> Callable[[Iterable[Mapping[str, Any]]], pd.DataFrame]:
    return _frame


@pytest.fixture
def kaggle_rows() -> Callable[..., list[Row]]:
    return _kaggle_rows
