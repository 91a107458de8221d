"""Files that `ttrec factorize` reads: lists of tables, table plans, weights. Nothing in them is trusted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import ROWS_BY_NAME, table_rows
from ttrec_cli.planning.plan_file import is_plan, plan_from_values
from ttrec_cli.planning.table_list import (
    ModelTable,
    named_tables,
    tables_from_csv,
    tables_from_values,
    weights_from_csv,
    weights_from_values,
)
from ttrec_kernels.table_plan import TablePlan

DATASET_FILE = "meta.json"
LIST = "a list of tables"
WEIGHTS = "a list of weights"


def read_tables(name: str) -> tuple[ModelTable, ...] | tuple[TablePlan, ...]:
    """The tables of a known list or of a file; plans if the file is a table plan. Raises `ConfigError`."""
    if name in ROWS_BY_NAME:
        return named_tables(name)
    path = _file_of(name)
    if path.suffix.lower() == ".csv":
        return tables_from_csv(_text(path, LIST), str(path))
    values = _values(path, LIST)
    return plan_from_values(values, str(path)) if is_plan(values) else tables_from_values(values, str(path))


def read_weights(path: Path, tables: Sequence[ModelTable]) -> tuple[float, ...]:
    """How often each table is looked up, from a CSV or from `data describe --json`. Raises `ConfigError`."""
    if path.suffix.lower() == ".csv":
        return weights_from_csv(_text(path, WEIGHTS), tables, str(path))
    return weights_from_values(_values(path, WEIGHTS), tables, str(path))


def _file_of(name: str) -> Path:
    """The file meant: the meta.json of a dataset's folder; `ConfigError` where there is neither file nor known list."""
    path = Path(name)
    try:
        if path.is_dir():
            return path / DATASET_FILE
        if not path.exists() and not path.suffix and len(path.parts) == 1:
            table_rows(name)  # says which lists there are and which is nearest
    except ValueError:  # a NUL in the path, which reading it says
        pass
    return path


def _values(path: Path, what: str) -> Any:
    """What a JSON or YAML file holds, as plain values."""
    if path.suffix.lower() != ".json":
        from ttrec_cli.config.yaml_document import read_values

        return read_values(path, what)
    try:
        return json.loads(_text(path, what))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not readable as JSON: {str(error)[:200]}") from None


def _text(path: Path, what: str) -> str:
    from ttrec_cli.config.yaml_document import read_text

    return read_text(path, what)
