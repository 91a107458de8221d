"""The tables of a model, from plain values: a list or mapping of name and rows, CSV text, a dataset's own words.

Whoever hands over the file may have written anything into it: types, sizes and names are checked, and every
refusal is one line that says where.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.tables import TABLE_NAMES, table_rows
from ttrec_kernels.errors import TTRecError
from ttrec_kernels.shape_checks import MAX_SEARCH_ROWS
from ttrec_kernels.table_plan import check_table_name

MAX_TABLES = 10_000
FORMS = (
    "a CSV with the header name,rows; a YAML list or mapping of name and rows; a table plan; or a dataset's meta.json"
)


@dataclass(frozen=True)
class ModelTable:
    """Name and rows of one embedding table."""

    name: str
    rows: int


def named_tables(name: str) -> tuple[ModelTable, ...]:
    """The tables of a public click log: kaggle, terabyte or terabyte-40m."""
    return tuple(ModelTable(column, rows) for column, rows in zip(TABLE_NAMES, table_rows(name), strict=True))


def tables_from_csv(text: str, source: str) -> tuple[ModelTable, ...]:
    """The columns `name` and `rows` of a CSV with a header; other columns are not read. Raises `ConfigError`."""
    records = csv_records(text, ("name", "rows"), source)
    return _checked([(where, record["name"], _whole(record["rows"])) for where, record in records], source)


def tables_from_values(values: Any, source: str) -> tuple[ModelTable, ...]:
    """Tables from what a YAML or JSON file holds; raises `ConfigError`.

    A list of {name, rows}, one such list below the key `tables`, a mapping of names to rows, the meta.json of a
    prepared dataset, or what `data describe --json` prints.
    """
    if isinstance(values, Mapping) and isinstance(values.get("tables"), list):
        values = values["tables"]
    if isinstance(values, list):
        return _checked([_listed(value, f"{source}: table {at}") for at, value in enumerate(values, 1)], source)
    if not isinstance(values, Mapping):
        raise ConfigError(f"{source}: holds no tables; give {FORMS}")
    columns = described_columns(values)
    if columns is not None:
        return _checked([_described(column, f"{source}: column {at}") for at, column in enumerate(columns, 1)], source)
    if "cardinalities" in values or "columns" in values:
        return _checked(_of_dataset(values, source), source)
    return _checked([(f"{source}: {str(name)[:40]!r}", name, rows) for name, rows in values.items()], source)


def described_columns(values: Any) -> list[Any] | None:
    """The columns of what `data describe --json` printed; None if it is something else."""
    result = values.get("result") if isinstance(values, Mapping) else None
    columns = result.get("columns") if isinstance(result, Mapping) else None
    return columns if isinstance(columns, list) else None


def weights_from_csv(text: str, tables: Iterable[ModelTable], source: str) -> tuple[float, ...]:
    """How often each table is looked up, from a CSV with the header name,lookups; raises `ConfigError`."""
    records = csv_records(text, ("name", "lookups"), source)
    return _weights({record["name"].strip(): _number(record["lookups"]) for _, record in records}, tables, source)


def weights_from_values(values: Any, tables: Iterable[ModelTable], source: str) -> tuple[float, ...]:
    """How often a sample looks up a value in each table; raises `ConfigError`.

    From a mapping of names to numbers, or from `data describe --json`: there 1 − missing_fraction, because a
    missing value tells nothing apart, whatever the row it looks up.
    """
    columns = described_columns(values)
    if columns is not None:
        values = {
            str(column.get("name")): 1 - _number(column.get("missing_fraction", 0))
            for column in columns
            if isinstance(column, Mapping)
        }
    if not isinstance(values, Mapping):
        raise ConfigError(
            f"{source}: holds no weights; give a CSV with the header name,lookups, a mapping of names to "
            "numbers, or what `ttrec data describe --json` prints"
        )
    return _weights({str(name): _number(value) for name, value in values.items()}, tables, source)


def csv_records(text: str, columns: tuple[str, ...], source: str) -> list[tuple[str, dict[str, str]]]:
    """The rows of a CSV that has these columns, each with its place `source:line`."""
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(), skipinitialspace=True, strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        if not set(columns) <= set(header):
            shown = ",".join(header)[:60]
            raise ConfigError(f"{source}:1: needs a header with {','.join(columns)}, but has {shown!r}")
        reader.fieldnames = header
        records = []
        for record in reader:
            where = f"{source}:{reader.line_num}"
            if any(record[name] is None for name in columns):
                raise ConfigError(f"{where}: needs {','.join(columns)}, but has too few fields")
            records.append((where, record))
    except csv.Error as error:
        raise ConfigError(f"{source}:{reader.line_num}: not readable as CSV: {error}") from None
    return records


def _listed(value: Any, where: str) -> tuple[str, Any, Any]:
    if not isinstance(value, Mapping) or not {"name", "rows"} <= set(value):
        raise ConfigError(f"{where}: must be {{name: …, rows: …}}, but is {str(value)[:60]!r}")
    unknown = [str(key) for key in value if key not in ("name", "rows")]
    if unknown:
        raise ConfigError(f"{where}: has name and rows, and a plan also kind and dim, but here is {unknown[0][:40]!r}")
    return where, value["name"], value["rows"]


def _described(column: Any, where: str) -> tuple[str, Any, Any]:
    if not isinstance(column, Mapping) or not {"name", "cardinality"} <= set(column):
        raise ConfigError(f"{where}: needs name and cardinality; print it again with: ttrec data describe --json")
    return where, column["name"], column["cardinality"]


def _of_dataset(values: Mapping[Any, Any], source: str) -> list[tuple[str, Any, Any]]:
    names, rows = values.get("columns"), values.get("cardinalities")
    if not isinstance(names, list) or not isinstance(rows, list) or len(names) != len(rows):
        raise ConfigError(f"{source}: needs as many columns as cardinalities; prepare the dataset again")
    return [
        (f"{source}: column {at}", name, count) for at, (name, count) in enumerate(zip(names, rows, strict=True), 1)
    ]


def _checked(found: list[tuple[str, Any, Any]], source: str) -> tuple[ModelTable, ...]:
    """Tables with names and rows that can be; no name twice."""
    if not 1 <= len(found) <= MAX_TABLES:
        raise ConfigError(f"{source}: a model has 1 … {MAX_TABLES} tables, but here are {len(found)}; give {FORMS}")
    tables: dict[str, ModelTable] = {}
    for where, given, rows in found:
        try:
            name = check_table_name(given.strip() if isinstance(given, str) else given)
        except TTRecError as error:
            raise ConfigError(f"{where}: {error}") from None
        if not isinstance(rows, int) or isinstance(rows, bool) or not 1 <= rows <= MAX_SEARCH_ROWS:
            shown = str(rows)[:40]
            raise ConfigError(f"{where}: rows of {name!r} must be whole, 1 … {MAX_SEARCH_ROWS}, but are {shown!r}")
        if name in tables:
            raise ConfigError(f"{where}: names must differ, but {name!r} occurs twice")
        tables[name] = ModelTable(name, rows)
    return tuple(tables.values())


def _weights(given: Mapping[str, float], tables: Iterable[ModelTable], source: str) -> tuple[float, ...]:
    names = [table.name for table in tables]
    missing = [name for name in names if name not in given]
    if missing:
        raise ConfigError(f"{source}: must weigh every table, but lacks {missing[0]!r} ({len(missing)} in all)")
    weights = tuple(given[name] for name in names)
    for name, weight in zip(names, weights, strict=True):
        if not (isfinite(weight) and weight >= 0):
            raise ConfigError(f"{source}: the weight of {name!r} must be a number of at least 0, but is {weight}")
    if sum(weights) <= 0:
        raise ConfigError(f"{source}: some table must be looked up, but all weights are 0")
    return weights


def _whole(text: str) -> Any:
    """A whole number, or the text as it is, for the refusal to show."""
    return int(text) if text.strip().isascii() and text.strip().isdigit() and len(text) <= 40 else text


def _number(value: Any) -> float:
    """A number; NaN, which is refused, for anything else."""
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else float("nan")
    except (ValueError, OverflowError):
        return float("nan")
