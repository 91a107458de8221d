"""CSV files with a header, in batches of rows; lines with too few or too many fields are left out and told of."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.columns import Columns
from ttrec_cli.data.raw_lines import GZIP_MAGIC, ZSTD_MAGIC, opened
from ttrec_cli.data.raw_log import Place
from ttrec_cli.errors import DataError

CSV_BLOCK_BYTES = 4 << 20
REMEDY = "repair the line, or leave such lines out with --skip-bad-lines"


@dataclass(frozen=True)
class Malformed:
    """A record without the header's number of fields: `record` counts from 0, `before` are the good ones before."""

    record: int
    before: int
    fields: int
    expected: int


@dataclass(frozen=True)
class TableBatch:
    """Rows `first_row`, … of a file, as a PyArrow record batch.

    Attributes:
        malformed: lines among them that have no row.
        malformed_before: how many such lines came before.
        shifts: (m,) for each malformed line up to here, the rows before it.
    """

    batch: Any
    first_row: int
    malformed: tuple[Malformed, ...] = ()
    malformed_before: int = 0
    shifts: NDArray[np.int64] | None = None

    def record(self, row: int) -> int:
        """Which record of the file a row of the batch is, malformed ones counted."""
        row += self.first_row
        return row if self.shifts is None else row + int(np.searchsorted(self.shifts, row, side="right"))

    def next(self, file: int) -> Place:
        """Where reading goes on; its line counts records, malformed ones too, from 1."""
        rows = self.first_row + self.batch.num_rows
        return Place(file, rows, 1 + rows + self.malformed_before + len(self.malformed))


def open_table(path: Path, columns: Columns, malformed: list[Malformed], *, only: bool) -> Any:
    """A PyArrow reader in which everything is text; `only` leaves out columns without a role.

    Raises:
        DataError: the file has no header, or its first block cannot be read.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    def leave_out(row: Any) -> str:
        record = row.number - 2  # 1 is the header
        malformed.append(Malformed(record, record - len(malformed), row.actual_columns, row.expected_columns))
        return "skip"

    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(columns.all, pa.string()),
        strings_can_be_null=True,
        null_values=[""],
        include_columns=list(columns.all) if only else None,
    )
    try:
        return arrow_csv.open_csv(
            _unpacked(path),
            arrow_csv.ReadOptions(block_size=CSV_BLOCK_BYTES, use_threads=False),
            arrow_csv.ParseOptions(invalid_row_handler=leave_out),
            convert,
        )
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None


def _unpacked(path: Path) -> Any:
    """The file's text; how it is packed is read from its first bytes, not from its name."""
    import pyarrow as pa

    with path.open("rb") as file:
        start = file.read(4)
    packing = "gzip" if start.startswith(GZIP_MAGIC) else "zstd" if start.startswith(ZSTD_MAGIC) else None
    return pa.input_stream(str(path), compression=packing)


def csv_batches(path: Path, columns: Columns, place: Place) -> Iterator[TableBatch]:
    """Batches from row `place.offset` on; each has the malformed lines that were not given before."""
    malformed: list[Malformed] = []
    reader = open_table(path, columns, malformed, only=True)
    first, told = 0, place.line - 1 - place.offset
    for batch in reader:
        end = first + batch.num_rows
        if end > place.offset:
            start = max(first, place.offset)
            upto = max([told, *(i + 1 for i in range(told, len(malformed)) if malformed[i].before <= end)])
            shifts = np.array([line.before for line in malformed], dtype=np.int64)
            yield TableBatch(batch.slice(start - first), start, tuple(malformed[told:upto]), told, shifts)
            told = upto
        first = end
    if told < len(malformed):  # after the last row
        nothing = reader.schema.empty_table().combine_chunks().to_batches()
        rows = nothing[0] if nothing else _no_rows(reader.schema)
        yield TableBatch(rows, first, tuple(malformed[told:]), told)


def _no_rows(schema: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=schema)


def line_of(path: Path, record: int) -> int:
    """The line, from 1, at which a record begins: the header, empty lines and line ends in quotes counted."""
    return next((line for number, (line, _) in enumerate(_records(path), -1) if number == record), record + 2)


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of the header and of each record, as far as they can be read."""
    try:
        with opened(path) as (file, _):
            text = io.TextIOWrapper(cast("Any", file), encoding="utf-8-sig", errors="replace", newline="")
            reader, before = csv.reader(text), 0
            for row in reader:
                if row:
                    yield before + 1, row
                before = reader.line_num
    except (csv.Error, EOFError, OSError):
        return


def unreadable(path: Path, error: Exception) -> DataError:
    """PyArrow's error with the line as an editor counts it, and the column's name, where it says them."""
    text = " ".join(str(error).split())[:200]
    found = re.match(r"In CSV column #(\d+): (?:Row #(\d+): )?(.*)", text)
    if not found:
        return DataError(f"{path}: cannot be read as CSV with a header: {text}")
    number, row, rule = found.groups()
    names = next(_records(path), (1, []))[1]
    name = names[int(number)] if int(number) < len(names) else f"column {int(number) + 1}"
    line = f":{line_of(path, int(row) - 2)}" if row else ""
    return DataError(f"{path}{line}: {name} must be UTF-8 text ({rule}); repair the line")
