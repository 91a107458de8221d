"""Parquet files of results: written beside, fsynced and renamed, so that what is there is whole."""

import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ttrec_cli.errors import DataError
from ttrec_cli.store.schema import CURVE_SCHEMA, REQUIRED_COLUMNS, SCHEMA_KEY, SCHEMA_VERSION, TRIAL_SCHEMA

if TYPE_CHECKING:  # a third of a second to import, which a sweep with nothing to do need not take
    import pandas as pd

COMPACTED = "trials.parquet"
"""Beside the folder `trials`: the rows of many finished trials in one file."""


def write_trial(directory: Path, row: Mapping[str, Any]) -> Path:
    """Write one trial's row as `directory`/trials/<key>.parquet; absent columns are null.

    Raises `DataError` when the folder cannot be written (full disk, no permission), and `KeyError` for a
    column that the schema does not know.
    """
    unknown = set(row) - set(TRIAL_SCHEMA.names)
    if unknown:
        raise KeyError(f"columns unknown to the schema: {sorted(unknown)}")
    path = directory / "trials" / f"{row['key']}.parquet"
    write_table(pa.Table.from_pylist([dict(row)], schema=TRIAL_SCHEMA), path)
    return path


def write_curve(directory: Path, key: str, points: Sequence[Mapping[str, Any]]) -> Path:
    """Write a trial's learning curve as `directory`/curves/<key>.parquet."""
    path = directory / "curves" / f"{key}.parquet"
    write_table(pa.Table.from_pylist([dict(point) for point in points], schema=CURVE_SCHEMA), path)
    return path


def read(path: Path | str) -> "pd.DataFrame":
    """All trials below a folder, one row each (columns: `TRIAL_SCHEMA`); damaged files are left out."""
    return read_with_problems(Path(path))[0]


def read_with_problems(path: Path) -> tuple["pd.DataFrame", tuple[str, ...]]:
    """All trials below a folder and a line for each file that could not be read.

    A trial in a file of its own wins over the row of the same key in the `trials.parquet` beside.
    """
    table, problems = _read_all(path)
    return _to_pandas(table), problems


def read_rows(path: Path) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    """The same as plain dicts with None for null and for what is no number, so that they can be written again."""
    table, problems = _read_all(path)
    return tuple({name: _plain(value) for name, value in row.items()} for row in table.to_pylist()), problems


def _read_all(path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    files = sorted(path.rglob("trials/*.parquet"))
    folders = sorted({file.parent.parent for file in files} | {file.parent for file in path.rglob(COMPACTED)})
    singles: dict[Path, list[pa.Table]] = {folder: [] for folder in folders}
    tables, problems = [], []
    for file in files:
        try:
            singles[file.parent.parent].append(read_trials(file))
        except DataError as error:
            if file.exists():  # a running sweep may have merged it into `trials.parquet`, which is read below
                problems.append(str(error))
    for folder in folders:
        newer = pa.concat_tables(singles[folder]) if singles[folder] else None
        try:
            older = read_trials(folder / COMPACTED) if _has_compacted(folder) else None
        except DataError as error:
            problems.append(str(error))
            older = None
        tables += [merge_trials(older, newer)]
    return pa.concat_tables(tables) if tables else TRIAL_SCHEMA.empty_table(), tuple(problems)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


class RowReader:
    """Reads single rows of a folder that others write to at the same time; the merged file only when it changed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stamp: tuple[int, int] | None = None
        self._merged: dict[str, dict[str, Any]] = {}

    def row(self, key: str) -> dict[str, Any] | None:
        """The row of one trial as it is now, with None for null; None where there is none or its file is damaged."""
        try:
            return dict(read_trials(self._directory / "trials" / f"{key}.parquet").to_pylist()[0])
        except DataError:
            return self._merged_rows().get(key)

    def _merged_rows(self) -> dict[str, dict[str, Any]]:
        file = self._directory / COMPACTED
        try:
            stamp = file.stat().st_ino, file.stat().st_mtime_ns
            if stamp != self._stamp:
                self._merged = {str(row["key"]): row for row in read_trials(file).to_pylist()}
                self._stamp = stamp
        except (OSError, DataError):
            self._merged = {}
        return self._merged


def read_trials(file: Path) -> pa.Table:
    """The rows of one file of trials; raises `DataError` if it is damaged or foreign."""
    return _read(file, TRIAL_SCHEMA)


def merge_trials(older: pa.Table | None, newer: pa.Table | None) -> pa.Table:
    """Rows of both, sorted by key; where both have a key, the newer row."""
    if older is not None and newer is not None:
        stale = pc.is_in(older["key"], value_set=newer["key"].combine_chunks())
        older = older.filter(pc.invert(stale))
    found = [table for table in (older, newer) if table is not None]
    return pa.concat_tables(found or [TRIAL_SCHEMA.empty_table()]).sort_by("key")


def read_curve(directory: Path, key: str) -> "pd.DataFrame":
    """The learning curve of one trial (columns: `CURVE_SCHEMA`)."""
    return _to_pandas(_read(directory / "curves" / f"{key}.parquet", CURVE_SCHEMA))


def _has_compacted(folder: Path) -> bool:
    return folder.name != "trials" and (folder / COMPACTED).exists()


def write_table(table: pa.Table, path: Path) -> None:
    """Write a file whole or not at all: beside, fsynced, renamed; raises `DataError` when it cannot be."""
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
        sync_folder(path.parent)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}; free space or choose --out") from None


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder survive a power cut."""
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
    required = REQUIRED_COLUMNS if schema is TRIAL_SCHEMA else {"samples"}
    if not required <= set(table.schema.names) or table.num_rows == 0:
        raise DataError(f"{file}: columns or rows are missing; delete it and run the sweep again")
    try:
        # Columns that this version does not know are left out, those that it added are null.
        columns = [
            table[name].cast(kind) if name in table.schema.names else pa.nulls(len(table), kind)
            for name, kind in zip(schema.names, schema.types, strict=True)
        ]
        return pa.table(columns, schema=schema)
    except pa.ArrowException:
        raise DataError(f"{file}: columns have other types; delete it and run the sweep again") from None


def _to_pandas(table: pa.Table) -> "pd.DataFrame":
    """Whole numbers keep their nulls as pandas `Int64`; text stays `object` or `str`."""
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame
