"""From a sweep's settings to its trials, each with a key, table plans and exact bytes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ttrec_cli.config import Method, Precision, SweepConfig, TrialConfig
from ttrec_cli.config.axes import trial_config
from ttrec_cli.config.cells import Cell, cells, tuned
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import ShapeSettings
from ttrec_cli.planning.model_plan import compressed_or_dense, largest_tables
from ttrec_cli.planning.rivals import MATCHES, rival_plans
from ttrec_cli.sweep.costs import Costs, costs
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.given_plan import described, given_plans
from ttrec_kernels import DenseDistribution, TablePlan

KEY_LENGTH = 16
MAX_SAMPLES = 2**53


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
    tuned: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The settings among them of which the best value is to be taken: {"train.learning_rate": 0.1}."""

    @property
    def label(self) -> str:
        """The cell in words: `tt rank 32, 7 tables, dim 16, seed 0`."""
        config = self.config
        tail = f"dim {config.dim}, seed {config.seed}" + (f", {self.other_axes}" if self.other_axes else "")
        if config.method == Method.DENSE:
            return f"dense, {tail}"
        return f"{config.method} rank {shown_rank(config)}, {shown_tables(config)}, {tail}"


def shown_rank(config: TrialConfig) -> str:
    """`32`, of uneven ranks `16-32`, none `–`."""
    if isinstance(config.rank, tuple):
        return "-".join(str(rank) for rank in config.rank)
    return "–" if config.rank is None else str(config.rank)


def shown_tables(config: TrialConfig) -> str:
    """`7 tables`, or `tables C3+C12` by name."""
    count = config.table_count
    if isinstance(config.tables, tuple):
        return "tables " + "+".join(config.tables[:4]) + (f"+{count - 4} more" if count > 4 else "")
    return f"{count} table{'s' * (count != 1)}"


def expand(config: SweepConfig, dataset: Dataset) -> tuple[Trial, ...]:
    """All trials of a sweep in order: uncompressed models first, seeds innermost, no trial twice."""
    found = [(cell, *_planned(trial_config(config, cell, 0), dataset)) for cell in cells(config)]
    if config.baseline:
        dims = dict.fromkeys(planned.dim for _, planned, _ in found)
        dense: list[Cell] = [{"method": Method.DENSE.value, "dim": dim} for dim in dims]
        found = [*((cell, *_planned(trial_config(config, cell, 0), dataset)) for cell in dense), *found]
    trials: dict[str, Trial] = {}
    for cell, _, _ in found:
        for best in tuned(config):
            planned, plans = _planned(trial_config(config, {**cell, **best}, 0), dataset)
            for seed in config.seeds:
                trial = _trial(planned.model_copy(update={"seed": seed}), plans, dataset, {**cell, **best}, best)
                trials.setdefault(trial.key, trial)
    return tuple(trials.values())


def _trial(config: TrialConfig, plans: tuple[TablePlan, ...], dataset: Dataset, cell: Cell, best: Cell) -> Trial:
    samples = config.train.samples or dataset.train_samples * config.train.epochs
    if samples > MAX_SAMPLES:
        raise ConfigError(f"a trial trains on at most {MAX_SAMPLES:,} samples, but train.epochs comes to {samples:.3g}")
    return Trial(
        key=_hash({"dataset": dataset.fingerprint, "config": identity(config), "seed": config.seed}),
        trained_as=_hash({"dataset": dataset.fingerprint, "training": _training(config, plans), "seed": config.seed}),
        config=config,
        plans=plans,
        costs=costs(config, plans, dataset.dense_features),
        train_samples=samples,
        other_axes=", ".join(f"{axis}={value}" for axis, value in cell.items() if "." in axis),
        tuned=dict(best),
    )


def _planned(config: TrialConfig, dataset: Dataset) -> tuple[TrialConfig, tuple[TablePlan, ...]]:
    """The trial and its table plans: those of its file, or what rank, tables and dim come to."""
    if config.plan is not None:
        plans = given_plans(config.plan, dataset)
        return described(config, plans), plans
    shape = config.shape
    settings = ShapeSettings(rule=shape.rule, max_skew=shape.max_skew, cores=shape.cores, dim_factors=shape.dim_factors)
    chosen = _chosen_tables(config, dataset)
    if isinstance(config.tables, tuple):  # the order in which they were written is no difference
        config = config.model_copy(update={"tables": tuple(name for name in dataset.columns if name in config.tables)})
    plans = tuple(
        compressed_or_dense(name, settings.shape(rows, config.dim, config.rank or 1))
        if table in chosen
        else TablePlan(name, rows, config.dim)
        for table, (name, rows) in enumerate(zip(dataset.columns, dataset.cardinalities, strict=True))
    )
    return config, rival_plans(plans, config.method, settings) if config.method in MATCHES else plans


def _chosen_tables(config: TrialConfig, dataset: Dataset) -> frozenset[int]:
    """Indices of the tables that a trial asks to become tensor trains."""
    if isinstance(config.tables, tuple):
        unknown = [name for name in config.tables if name not in dataset.columns]
        if unknown:
            raise ConfigError(
                f"{dataset.name} has no table {unknown[0]!r}; its tables: {', '.join(dataset.columns[:100])}"
            )
        return frozenset(dataset.columns.index(name) for name in config.tables)
    largest = 0 if config.method == Method.DENSE else config.tables
    if largest > len(dataset.columns):
        raise ConfigError(
            f"tables is {largest} (7 where the file does not say), but {dataset.name} has {len(dataset.columns)}; "
            f"add `tables: [{len(dataset.columns)}]` to `grid:`"
        )
    return largest_tables(dataset.cardinalities, largest)


def identity(config: TrialConfig) -> dict[str, Any]:
    """The configuration without its seed and without what makes no difference.

    That is: of the uncompressed model TT shape, TT initialisation and cache; a cache of no rows; an initial
    distribution of uncompressed rows that is DLRM's own.
    """
    values = _dump(config)
    del values["seed"]
    dense = config.method == Method.DENSE
    if config.plan is None:
        del values["plan"]
    if config.plan is not None or dense:
        del values["shape"]
    values |= _starting(config, compressed=not dense)
    return {name: value for name, value in values.items() if name not in ("init", "cache") or value is not None}


def _training(config: TrialConfig, plans: tuple[TablePlan, ...]) -> dict[str, Any]:
    """What decides the trained weights: plans instead of the rank and number of tables that led to them."""
    compressed = any(plan.shape is not None for plan in plans)
    values = _dump(config)
    starting = _starting(config, compressed)
    if starting["cache"] is None:
        del starting["cache"]
    return {
        "plans": [plan.to_dict() for plan in plans],
        "frozen": compressed and config.method == Method.TT_FROZEN,
        "model": values["model"],
        "train": values["train"],
        **starting,
    }


def _starting(config: TrialConfig, compressed: bool) -> dict[str, Any]:
    """Initial values and cache as far as they make a difference, else None."""
    values = _dump(config)
    init = values["init"] if compressed else {"dense_distribution": config.init.dense_distribution.value}
    if config.init.dense_distribution == DenseDistribution.UNIFORM:
        del init["dense_distribution"]
    return {"init": init or None, "cache": values["cache"] if compressed and config.cache.rows_fraction else None}


def _dump(config: TrialConfig) -> dict[str, Any]:
    """Plain JSON values; infinity as text. Without the precision that all trials had before there was a choice."""
    values: dict[str, Any] = json.loads(config.model_dump_json())
    if config.train.precision == Precision.FP32:
        del values["train"]["precision"]
    return values


def _hash(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]
