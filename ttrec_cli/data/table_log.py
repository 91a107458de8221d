"""Logs in Parquet files, or in CSV files with a header, whose columns are named in a columns file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ttrec_cli.data.choices import Choices, Missing, SplitBy
from ttrec_cli.data.columns import Columns
from ttrec_cli.data.days import DAYS
from ttrec_cli.data.raw_log import Kind, Piece, Place, file_identity
from ttrec_cli.data.table_bags import is_list
from ttrec_cli.data.table_csv import TableBatch, csv_batches, open_table, unreadable
from ttrec_cli.data.table_values import HEX_MISSING, TableRows
from ttrec_cli.data.text_values import MISSING_KEY
from ttrec_cli.errors import ConfigError, DataError

BATCH_ROWS = 1 << 16
PARQUET_MAGIC = b"PAR1"
NO_DENSE = "(none)"
"""A model needs a dense feature: this one, always 0, stands in where a log has none."""


@dataclass(frozen=True)
class TableLog:
    """Tables with the same columns, in order; one log, cut into days by the order of its rows."""

    columns_file: Columns
    files: tuple[Path, ...]
    parquet: bool

    @property
    def name(self) -> str:
        """As the columns file says."""
        return self.columns_file.name

    @property
    def dense_columns(self) -> tuple[str, ...]:
        """Dense features; one of zeros where there are none."""
        return self.columns_file.dense or (NO_DENSE,)

    @property
    def columns(self) -> tuple[str, ...]:
        """Categorical columns."""
        return self.columns_file.categories

    @property
    def files_are_days(self) -> bool:
        """Days are cut by the order of rows."""
        return False

    @property
    def days(self) -> int:
        """Seven."""
        return DAYS

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """What each categorical column holds, from the first file's types; CSV holds texts.

        Raises:
            DataError: a column is not there, or of a type that cannot be a category.
        """
        import pyarrow as pa

        schema = self._schema(self.files[0])
        kinds = []
        for name in self.columns:
            type_ = pa.string() if not self.parquet else schema.field(name).type
            type_ = type_.value_type if is_list(type_) else type_
            if pa.types.is_dictionary(type_):
                type_ = type_.value_type
            if self.columns_file.hexadecimal:
                kinds.append(Kind.HEX)
            elif pa.types.is_string(type_) or pa.types.is_large_string(type_):
                kinds.append(Kind.TEXT)
            elif pa.types.is_integer(type_) or pa.types.is_boolean(type_) or pa.types.is_temporal(type_):
                kinds.append(Kind.INTEGER)
            else:
                raise DataError(f"{self.files[0]}: {name} must hold texts or whole numbers, holds {type_}")
        return tuple(kinds)

    @cached_property
    def are_bags(self) -> tuple[bool, ...]:
        """Lists, and texts that a separator makes lists of."""
        schema = self._schema(self.files[0]) if self.parquet else None
        return tuple(
            category.separator is not None or (schema is not None and is_list(schema.field(category.column).type))
            for category in self.columns_file.categorical
        )

    def key_type(self, choices: Choices) -> np.dtype[np.unsignedinteger]:
        """32 bits are enough for hex digits."""
        small = self.columns_file.hexadecimal and choices.missing is Missing.ZERO
        return np.dtype(np.uint32 if small else np.uint64)

    def missing_key(self, choices: Choices) -> int:
        """Hex 0, or a key of its own."""
        if not self.columns_file.hexadecimal:
            return MISSING_KEY
        return 0 if choices.missing is Missing.ZERO else HEX_MISSING

    def identity(self) -> dict[str, Any]:
        """Files and columns."""
        return {"columns": self.columns_file.model_dump(mode="json"), "files": file_identity(self.files)}

    def estimate_rows(self) -> int:
        """Exact for Parquet; for CSV from the length of the first lines."""
        from ttrec_cli.data.raw_lines import estimate_lines

        if self.parquet:
            rows: int = sum(self._open(path).metadata.num_rows for path in self.files)
            return max(1, rows)
        return sum(estimate_lines(path) for path in self.files)

    def pieces(self, place: Place, choices: Choices) -> Iterator[Callable[[], Piece]]:
        """Batches of rows, converted when called."""
        if choices.split is SplitBy.COLUMN and self.columns_file.split is None:
            raise ConfigError("--split column needs `split: {column: …, test: […], validation: […]}` in its file")
        for number in range(place.file, len(self.files)):
            start = place if number == place.file else Place(number)
            for batch in self._batches(self.files[number], start):
                yield partial(self._piece, number, batch, choices)

    def _piece(self, file: int, batch: TableBatch, choices: Choices) -> Piece:
        rows = TableRows(self.columns_file, self.kinds, self.are_bags, self.files[file], batch, not self.parquet)
        return rows.piece(choices, self.key_type(choices), file)

    def _schema(self, path: Path) -> Any:
        schema = self._open(path).schema_arrow if self.parquet else self._csv_schema(path)
        for name in self.columns_file.all:
            if schema.names.count(name) != 1:
                known = ", ".join(schema.names[:20])
                raise DataError(f"{path}: must have one column {name!r}; its columns are {known}")
        return schema

    def _open(self, path: Path) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(path)
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path}: cannot be read as Parquet: {_short(error)}") from None

    def _csv_schema(self, path: Path) -> Any:
        return open_table(path, self.columns_file, [], only=False).schema

    def _batches(self, path: Path, place: Place) -> Iterator[TableBatch]:
        """Batches of the columns that are read, from row `place.offset` on."""
        import pyarrow as pa

        self._schema(path)
        try:
            if not self.parquet:
                yield from csv_batches(path, self.columns_file, place)
                return
            yield from (batch for batch in self._parquet_batches(path, place.offset) if batch.batch.num_rows)
        except (OSError, pa.ArrowException) as error:
            if not self.parquet:
                raise unreadable(path, error) from None
            raise DataError(f"{path}: cannot be read: {_short(error)}") from None

    def _parquet_batches(self, path: Path, offset: int) -> Iterator[TableBatch]:
        file = self._open(path)
        before, groups = 0, list(range(file.num_row_groups))
        while groups and before + file.metadata.row_group(groups[0]).num_rows <= offset:
            before += file.metadata.row_group(groups.pop(0)).num_rows
        for group in groups:  # one by one: PyArrow cannot join the dictionaries of lists of several
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=list(self.columns_file.all)):
                skipped = max(0, min(offset - before, batch.num_rows))
                yield TableBatch(batch.slice(skipped), before + skipped)
                before += batch.num_rows


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def table_log(source: Path, columns: Columns) -> TableLog:
    """A file, the files of a folder, or of a pattern.

    Raises:
        DataError: there is none, or they are of different kinds.
    """
    from ttrec_cli.data.raw_lines import check_source

    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith((".", "_")))
    else:
        files = [source] if source.exists() else sorted(source.parent.glob(source.name))
    if not files:
        raise DataError(f"{source}: there is no such file")
    kinds = {is_parquet(path) for path in files}
    if len(kinds) > 1:
        raise DataError(f"{source}: its files must be of one kind, some are Parquet and some are not")
    parquet = kinds.pop()
    if not parquet:
        for path in files:
            check_source(path)
    log = TableLog(columns, tuple(files), parquet)
    _ = log.kinds  # a column that cannot be read is an error before anything is written
    for category, kind, is_bag in zip(columns.categorical, log.kinds, log.are_bags, strict=True):
        if category.separator is not None and kind is Kind.INTEGER:
            raise DataError(f"{files[0]}: {category.column} holds numbers, a separator is for texts; leave it out")
        if category.at_most is not None and not is_bag:
            raise DataError(f"{files[0]}: {category.column} holds no lists, at_most is for lists; leave it out")
    return log


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet does. Raises `DataError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
