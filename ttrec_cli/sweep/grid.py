"""From a sweep's settings to its trials, each with a key, table plans and exact bytes."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from ttrec_cli.config import Method, SweepConfig, TrialConfig
from ttrec_cli.config.axes import trial_config
from ttrec_cli.config.models import AxisValue
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import ShapeSettings, plan_tables
from ttrec_cli.sweep.costs import Costs, costs
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.given_plan import described, given_plans
from ttrec_kernels import TablePlan

KEY_LENGTH = 16


@dataclass(frozen=True)
class Trial:
    """One cell of the grid with one seed.

    `key` names the trial; `trained_as` names what is trained: trials whose cells come to the same plan have
    it in common and are trained once.
    """

    key: str
    trained_as: str
    config: TrialConfig
    plans: tuple[TablePlan, ...]
    costs: Costs
    train_samples: int
    other_axes: str = ""
    """Axes of the cell beyond method, rank, tables, dim: `train.batch_size=64`."""

    @property
    def label(self) -> str:
        """The cell in words: `tt rank 32, 7 tables, dim 16, seed 0`."""
        config = self.config
        tail = f"dim {config.dim}, seed {config.seed}" + (f", {self.other_axes}" if self.other_axes else "")
        if config.method == Method.DENSE:
            return f"dense, {tail}"
        return f"{config.method} rank {config.rank}, {config.tables} table{'s' * (config.tables != 1)}, {tail}"


def expand(config: SweepConfig, dataset: Dataset) -> tuple[Trial, ...]:
    """All trials of a sweep in order: uncompressed models first, seeds innermost, no trial twice."""
    cells = list(_cells(config))
    dims = dict.fromkeys(_planned(trial_config(config, cell, 0), dataset)[0].dim for cell in cells)
    baselines: list[Mapping[str, AxisValue]] = [{"method": Method.DENSE.value, "dim": dim} for dim in dims]
    trials: dict[str, Trial] = {}
    for cell in [*(baselines if config.baseline else []), *cells]:
        for seed in config.seeds:
            other_axes = ", ".join(f"{axis}={value}" for axis, value in cell.items() if "." in axis)
            trial = _trial(*_planned(trial_config(config, cell, seed), dataset), dataset, other_axes)
            trials.setdefault(trial.key, trial)
    return tuple(trials.values())


def _cells(config: SweepConfig) -> Iterable[Mapping[str, AxisValue]]:
    if config.grid:
        for values in product(*config.grid.values()):
            yield dict(zip(config.grid, values, strict=True))
    yield from config.trials
    if config.plan is not None:
        yield {"plan": config.plan}


def _trial(config: TrialConfig, plans: tuple[TablePlan, ...], dataset: Dataset, other_axes: str) -> Trial:
    return Trial(
        key=_hash({"dataset": dataset.fingerprint, "config": identity(config), "seed": config.seed}),
        trained_as=_hash({"dataset": dataset.fingerprint, "training": _training(config, plans), "seed": config.seed}),
        config=config,
        plans=plans,
        costs=costs(config, plans, dataset.dense_features),
        train_samples=config.train.samples or dataset.train_samples * config.train.epochs,
        other_axes=other_axes,
    )


def _planned(config: TrialConfig, dataset: Dataset) -> tuple[TrialConfig, tuple[TablePlan, ...]]:
    """The trial and its table plans: those of its file, or what rank, number of tables and dim come to."""
    if config.plan is not None:
        plans = given_plans(config.plan, dataset)
        return described(config, plans), plans
    shape = config.shape
    settings = ShapeSettings(rule=shape.rule, max_skew=shape.max_skew, cores=shape.cores, dim_factors=shape.dim_factors)
    largest = 0 if config.method == Method.DENSE else config.tables
    if largest > len(dataset.columns):
        raise ConfigError(
            f"tables is {largest} (7 where the file does not say), but {dataset.name} has {len(dataset.columns)}; "
            f"add `tables: [{len(dataset.columns)}]` to `grid:`"
        )
    rank = config.rank or 1
    return config, plan_tables(dataset.columns, dataset.cardinalities, config.dim, rank, largest, shape=settings)


def identity(config: TrialConfig) -> dict[str, Any]:
    """The configuration without its seed; the uncompressed model has neither TT shape nor TT initialisation."""
    values = _dump(config)
    del values["seed"]
    if config.plan is None:
        del values["plan"]
    else:
        del values["shape"]
    if config.method == Method.DENSE:
        values = {name: value for name, value in values.items() if name not in ("init", "shape")}
    return values


def _training(config: TrialConfig, plans: tuple[TablePlan, ...]) -> dict[str, Any]:
    """What decides the trained weights: plans instead of the rank and number of tables that led to them."""
    compressed = any(plan.shape is not None for plan in plans)
    values = _dump(config)
    return {
        "plans": [plan.to_dict() for plan in plans],
        "frozen": compressed and config.method == Method.TT_FROZEN,
        "init": values["init"] if compressed else None,
        "model": values["model"],
        "train": values["train"],
    }


def _dump(model: Any) -> dict[str, Any]:
    """Plain JSON values; infinity as text."""
    values: dict[str, Any] = json.loads(model.model_dump_json())
    return values


def _hash(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]
