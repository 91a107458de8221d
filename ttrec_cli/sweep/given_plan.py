"""A table plan from a file as a cell of the grid: `plan: chosen.yaml`."""

import hashlib
import json
from functools import cache
from pathlib import Path

from ttrec_cli.config import Method, TrialConfig
from ttrec_cli.config.yaml_document import read_values
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.plan_file import plan_from_values
from ttrec_cli.sweep.dataset import Dataset
from ttrec_kernels import TableKind, TablePlan

HASH_LENGTH = 8


def given_plans(path: str, dataset: Dataset) -> tuple[TablePlan, ...]:
    """The plans in a file for each table of the dataset; a table that the file leaves out stays dense.

    Raises `ConfigError` when the file is no plan, or is one of other tables.
    """
    plans = _read(path)
    by_name = {plan.name: plan for plan in plans}
    unknown = [name for name in by_name if name not in dataset.columns]
    if unknown:
        raise ConfigError(
            f"{path}: {dataset.name} has no table {unknown[0]!r}; its tables: {', '.join(dataset.columns)}"
        )
    rows = dict(zip(dataset.columns, dataset.cardinalities, strict=True))
    for plan in plans:
        if plan.rows != rows[plan.name]:
            raise ConfigError(
                f"{path}: table {plan.name!r} has {plan.rows} rows in the plan, but {rows[plan.name]} in "
                f"{dataset.name}; make a plan of its tables"
            )
        if plan.dim != plans[0].dim:
            raise ConfigError(
                f"{path}: all tables of a model have one dim, but {plans[0].name!r} has {plans[0].dim} and "
                f"{plan.name!r} has {plan.dim}"
            )
    return tuple(by_name.get(name) or TablePlan(name, rows[name], plans[0].dim) for name in dataset.columns)


def described(config: TrialConfig, plans: tuple[TablePlan, ...]) -> TrialConfig:
    """The trial with what its plan says instead of the file's path.

    `plan` becomes a hash of its contents, so that a renamed file is the same trial; `rank` is the largest one.
    """
    text = json.dumps([plan.to_dict() for plan in plans], sort_keys=True)
    shapes = [plan.shape for plan in plans if plan.shape is not None]
    kinds = {f"{plan.kind}+int8" if plan.int8 else plan.kind for plan in plans} - {TableKind.DENSE}
    method = {"dense+int8": Method.INT8}.get(min(kinds, default=""), min(kinds, default="")) if len(kinds) == 1 else ""
    values = config.model_dump() | {
        "plan": hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH],
        "dim": plans[0].dim,
        "tables": sum(plan.kind != TableKind.DENSE or plan.int8 for plan in plans),
        "rank": max((max(shape.ranks) for shape in shapes), default=None),
    }
    if method and config.method == Method.TT:
        values["method"] = method
    return TrialConfig.model_validate(values)


@cache
def _read(path: str) -> tuple[TablePlan, ...]:
    return plan_from_values(read_values(Path(path), "a table plan"), path)
