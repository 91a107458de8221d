"""The columns of a trial's row and of a learning curve; units are in the names."""

from enum import StrEnum

import pyarrow as pa

SCHEMA_VERSION = "1"
SCHEMA_KEY = b"ttrec_schema"


class Status(StrEnum):
    """How a trial ended."""

    OK = "ok"
    FAILED = "failed"
    OUT_OF_MEMORY = "out-of-memory"
    DIVERGED = "diverged"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    """By the search: it trained on a share of the data, and its point was not worth more."""


METRICS = ("accuracy", "logloss", "auc", "ne")

_TEXT = (
    "key",
    "trained_as",
    "sweep",
    "status",
    "reason",
    "method",
    "settings",
    "tuned",
    "budget",
    "dataset",
    "dataset_fingerprint",
    "optimizer",
    "precision",
    "init_distribution",
    "init_scale",
    "dense_distribution",
    "cache_hit_rates",
    "plan",
    "left_dense",
    "config",
    "device",
    "backend",
    "ttrec_version",
    "git_commit",
    "torch_version",
    "cupy_version",
    "numpy_version",
    "numba_version",
    "python_version",
    "platform",
    "cpu",
    "gpu",
    "driver",
    "command_line",
    "host",
    "started_at",
    "ended_at",
    "log_tail",
)
_WHOLE = (
    "rank",
    "tables",
    "dim",
    "seed",
    "embedding_bytes",
    "model_bytes",
    "optimizer_bytes",
    "training_bytes",
    "peak_training_bytes",
    "dense_embedding_bytes",
    "dense_model_bytes",
    "cache_bytes",
    "train_samples",
    "batch_size",
    "parallel",
    "processes",
    "threads",
    "resumed_samples",
)
_REAL = (
    "compression",
    "model_compression",
    *(f"{split}_{metric}" for split in ("val", "test") for metric in METRICS),
    "best_val_accuracy",
    "best_test_accuracy",
    "train_logloss",
    "tt_core_change",
    "train_seconds",
    "evaluate_seconds",
    "samples_per_second",
    "learning_rate",
    "embedding_learning_rate",
    "cache_rows_fraction",
    "cache_warmup_fraction",
    "cache_hit_rate",
)
_FLAGS = ("synthetic", "stand_in")


def _schema(fields: list[tuple[str, pa.DataType]]) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in fields], metadata={SCHEMA_KEY: SCHEMA_VERSION})


TRIAL_SCHEMA = _schema(
    [(name, pa.string()) for name in _TEXT]
    + [(name, pa.int64()) for name in _WHOLE]
    + [(name, pa.float64()) for name in _REAL]
    + [(name, pa.bool_()) for name in _FLAGS]
)
"""One row: a trial, that is one cell of the grid with one seed. Metrics are null unless status is ok.

`cache_bytes` (cached rows and their index) is part of `embedding_bytes`. `cache_hit_rate` is the share of lookups in
tensor trains that the cache served once it was filled; `cache_hit_rates` gives it by table as JSON.

`parallel` trials trained on the machine at once: above 1 the times are shared. `resumed_samples` is where the last
run went on from a checkpoint. `log_tail` are the last lines of the log of a trial that did not succeed.
"""

REQUIRED_COLUMNS = frozenset(("key", "trained_as", "status"))
"""A file without these is no file of trials; other columns may be missing: those that came with later versions."""

CURVE_SCHEMA = _schema(
    [("samples", pa.int64()), ("train_logloss", pa.float64())]
    + [(f"{split}_{metric}", pa.float64()) for split in ("val", "test") for metric in METRICS]
    + [("train_seconds", pa.float64()), ("evaluate_seconds", pa.float64())]
    + [("cache_hit_rate", pa.float64()), ("cache_hit_rates", pa.string())]
)
"""One row per evaluation of a trial; hit rates are those since the evaluation before."""
