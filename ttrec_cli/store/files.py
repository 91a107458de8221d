"""Parquet files of results: written beside, fsynced and renamed, so that what is there is whole."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ttrec_cli.errors import DataError
from ttrec_cli.store.schema import CURVE_SCHEMA, SCHEMA_KEY, SCHEMA_VERSION, TRIAL_SCHEMA


def write_trial(directory: Path, row: Mapping[str, Any]) -> Path:
    """Write one trial's row as `directory`/trials/<key>.parquet; absent columns are null.

    Raises `DataError` when the folder cannot be written (full disk, no permission), and `KeyError` for a
    column that the schema does not know.
    """
    unknown = set(row) - set(TRIAL_SCHEMA.names)
    if unknown:
        raise KeyError(f"columns unknown to the schema: {sorted(unknown)}")
    path = directory / "trials" / f"{row['key']}.parquet"
    _write(pa.Table.from_pylist([dict(row)], schema=TRIAL_SCHEMA), path)
    return path


def write_curve(directory: Path, key: str, points: Sequence[Mapping[str, Any]]) -> Path:
    """Write a trial's learning curve as `directory`/curves/<key>.parquet."""
    path = directory / "curves" / f"{key}.parquet"
    _write(pa.Table.from_pylist([dict(point) for point in points], schema=CURVE_SCHEMA), path)
    return path


def read(path: Path | str) -> pd.DataFrame:
    """All trials below a folder, one row each (columns: `TRIAL_SCHEMA`); damaged files are left out."""
    return read_with_problems(Path(path))[0]


def read_with_problems(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """All trials below a folder and a line for each file that could not be read."""
    tables, problems = [], []
    for file in sorted(path.rglob("trials/*.parquet")):
        try:
            tables.append(_read(file, TRIAL_SCHEMA))
        except DataError as error:
            problems.append(str(error))
    whole = pa.concat_tables(tables) if tables else TRIAL_SCHEMA.empty_table()
    return _to_pandas(whole), tuple(problems)


def read_curve(directory: Path, key: str) -> pd.DataFrame:
    """The learning curve of one trial (columns: `CURVE_SCHEMA`)."""
    return _to_pandas(_read(directory / "curves" / f"{key}.parquet", CURVE_SCHEMA))


def _write(table: pa.Table, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            try:
                pq.write_table(table, file)
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        _sync_folder(path.parent)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}; free space or choose --out") from None


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.ParquetFile(file).read()
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{file}: not readable as Parquet ({reason}); delete it and run the sweep again") from None
    version = (table.schema.metadata or {}).get(SCHEMA_KEY)
    if version != SCHEMA_VERSION.encode():
        found = "none" if version is None else version.decode(errors="replace")[:20]
        raise DataError(f"{file}: results have ttrec_schema {SCHEMA_VERSION}, but this has {found}; move it elsewhere")
    if table.schema.names != schema.names or table.num_rows == 0:
        raise DataError(f"{file}: columns or rows are missing; delete it and run the sweep again")
    try:
        return table.cast(schema)
    except pa.ArrowException:
        raise DataError(f"{file}: columns have other types; delete it and run the sweep again") from None


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    """Whole numbers keep their nulls as pandas `Int64`; text stays `object` or `str`."""
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame
