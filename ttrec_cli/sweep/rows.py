"""A trial's outcome as a row of the store."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from ttrec_cli.config import Method
from ttrec_cli.store import TRIAL_SCHEMA, Status
from ttrec_cli.store.provenance import provenance
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.grid import Trial, identity
from ttrec_cli.sweep.messages import Machine, Outcome

CELL_COLUMNS = ("key", "method", "rank", "tables", "dim", "seed", "settings", "tuned", "config", "left_dense")
"""Columns that tell cells apart which share one training."""


TAIL_CHARACTERS = 4000
LINE_CHARACTERS = 200


def planned_columns(trial: Trial, dataset: Dataset, sweep: str, stand_in: bool) -> dict[str, Any]:
    """All that is known of a trial before it is trained."""
    config = trial.config
    train = config.train
    compressed = config.method != Method.DENSE
    return {
        "key": trial.key,
        "trained_as": trial.trained_as,
        "sweep": sweep,
        "method": config.method.value,
        "rank": config.largest_rank,
        "tables": config.table_count,
        "dim": config.dim,
        "seed": config.seed,
        "settings": _json(_settings(trial)),
        "tuned": _json(trial.tuned) if trial.tuned else None,
        "budget": _json({"train_samples": trial.train_samples}),
        "dataset": dataset.name,
        "dataset_fingerprint": dataset.fingerprint,
        "synthetic": dataset.synthetic,
        "stand_in": stand_in,
        "optimizer": train.optimizer.value,
        "learning_rate": train.learning_rate,
        "embedding_learning_rate": train.embedding_learning_rate or train.learning_rate,
        "batch_size": train.batch_size,
        "precision": train.precision.value,
        "init_distribution": config.init.distribution.value if compressed else None,
        "init_scale": config.init.scale.value if compressed else None,
        "dense_distribution": config.init.dense_distribution.value,
        **_cache_columns(trial),
        "plan": _json([plan.to_dict() for plan in trial.plans]),
        "left_dense": _json([f"{plan.name}: {plan.reason}" for plan in trial.plans if plan.reason]),
        "config": config.model_dump_json(),
        **{name: getattr(trial.costs, name) for name in COST_COLUMNS},
    }


def _cache_columns(trial: Trial) -> dict[str, Any]:
    cache = trial.config.cache
    on = trial.costs.cache_bytes > 0
    return {
        "cache_rows_fraction": cache.rows_fraction if on else 0.0,
        "cache_warmup_fraction": cache.warmup_fraction if on else None,
    }


COST_COLUMNS = (
    "embedding_bytes",
    "model_bytes",
    "optimizer_bytes",
    "training_bytes",
    "dense_embedding_bytes",
    "dense_model_bytes",
    "cache_bytes",
    "compression",
    "model_compression",
)


def result_row(
    planned: Mapping[str, Any], outcome: Outcome, machine: Machine, started_at: str, ended_at: str
) -> dict[str, Any]:
    """The whole row of a trial that ended; numbers that are not finite become null."""
    measured = {name: _finite(value) for name, value in outcome.columns.items()}
    return {
        **planned,
        **measured,
        **provenance(),
        "status": outcome.status,
        "reason": outcome.reason,
        "device": machine.device,
        "backend": machine.backend,
        "gpu": machine.gpu,
        "driver": machine.driver,
        "parallel": machine.parallel,
        "processes": machine.processes,
        "threads": machine.threads,
        **{name: value for name, value in (("host", machine.host), ("cpu", machine.cpu)) if value is not None},
        "log_tail": None if outcome.status == Status.OK else log_tail(outcome.log) or None,
        "started_at": started_at,
        "ended_at": ended_at,
    }


def log_tail(log: str) -> str:
    """The last lines of a log, cut to LINE_CHARACTERS each, that fit into TAIL_CHARACTERS."""
    kept: list[str] = []
    room = TAIL_CHARACTERS
    for line in reversed(log.rstrip().splitlines()):
        room -= len(line[:LINE_CHARACTERS]) + 1
        if room < 0:
            break
        kept.append(line[:LINE_CHARACTERS])
    return "\n".join(reversed(kept))


def shared_row(planned: Mapping[str, Any], trained: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a cell whose plan was already trained for another: its own cell, the other's results."""
    row = {name: trained.get(name) for name in TRIAL_SCHEMA.names}
    return row | {name: planned[name] for name in (*CELL_COLUMNS, "sweep", "stand_in")}


def _settings(trial: Trial) -> dict[str, Any]:
    """All that tells configurations apart beside method, rank, number of tables and dim."""
    values = identity(trial.config)
    if isinstance(trial.config.rank, tuple):
        values["ranks"] = list(trial.config.rank)
    if isinstance(trial.config.tables, tuple):
        values["table_names"] = list(trial.config.tables)
    for name in ("method", "rank", "tables", "dim"):
        del values[name]
    return values


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
