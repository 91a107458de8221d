"""Which format a raw log has, from its first bytes."""

from pathlib import Path

from ttrec_cli.data.columns import criteo_columns, read_columns
from ttrec_cli.data.criteo import KAGGLE, TERABYTE, kaggle_log, terabyte_log
from ttrec_cli.data.criteo_lines import FIELDS
from ttrec_cli.data.raw_lines import read_lines
from ttrec_cli.data.raw_log import RawLog
from ttrec_cli.data.table_log import is_parquet, table_log
from ttrec_cli.errors import ConfigError, DataError

AUTO = "auto"
CSV_NAME = "a CSV file with Criteo's column names"
PARQUET_NAME = "a Parquet file with Criteo's column names"


def open_raw_log(format_: str, source: Path) -> tuple[RawLog, str]:
    """The log, and in words what it was taken for.

    Args:
        format_: "auto", "criteo-kaggle", "criteo-terabyte", or the path of a columns file (see `columns`).

    Raises:
        ConfigError: the format is none of these, or the columns file breaks a rule.
        DataError: the log cannot be read, or is of no known format.
    """
    if format_ == KAGGLE:
        return kaggle_log(source), KAGGLE
    if format_ == TERABYTE:
        return terabyte_log(source), TERABYTE
    if format_.endswith((".yaml", ".yml")):
        log = table_log(source, read_columns(Path(format_)))
        return log, f"{'Parquet' if log.parquet else 'CSV'} with the columns of {format_}"
    if format_ != AUTO:
        raise ConfigError(
            f"format must be {AUTO}, {KAGGLE}, {TERABYTE} or a columns file ending in .yaml; {format_!r} is not"
        )
    return _sniff(source)


def _sniff(source: Path) -> tuple[RawLog, str]:
    if source.is_dir() or not source.exists():
        if not source.is_dir() and not list(source.parent.glob(source.name)):
            raise DataError(f"{source}: cannot be read: No such file or directory")
        return terabyte_log(source), f"{TERABYTE}: a day per file"
    if is_parquet(source):
        import pyarrow.parquet as pq

        columns = criteo_columns(pq.ParquetFile(source).schema_arrow.names)
        if columns is not None:
            return table_log(source, columns), PARQUET_NAME
        raise DataError(f"{source}: is Parquet without Criteo's column names; name its columns in a file, see --help")
    line = next(read_lines(source)).text.split(b"\n", 1)[0].decode("utf-8", "replace")
    if line.count("\t") == FIELDS - 1:
        return kaggle_log(source), f"{KAGGLE}: {FIELDS} fields separated by TABs, no header"
    columns = criteo_columns(line.strip().split(","))
    if columns is not None:
        return table_log(source, columns), CSV_NAME
    raise DataError(
        f"{source}: its first line has {line.count(chr(9)) + 1} fields separated by TABs, {line.count(',') + 1} by "
        "commas, and no names of Criteo's; name its columns in a file, see --help"
    )
