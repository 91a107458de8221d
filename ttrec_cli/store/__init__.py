"""Results as Parquet: one file a trial, written atomically; `read` gives them as a pandas DataFrame."""

from ttrec_cli.store.compaction import compact
from ttrec_cli.store.files import RowReader, read, read_curve, read_rows, read_with_problems, write_curve, write_trial
from ttrec_cli.store.schema import CURVE_SCHEMA, SCHEMA_VERSION, TRIAL_SCHEMA, Status

__all__ = [
    "CURVE_SCHEMA",
    "SCHEMA_VERSION",
    "TRIAL_SCHEMA",
    "RowReader",
    "Status",
    "compact",
    "read",
    "read_curve",
    "read_rows",
    "read_with_problems",
    "write_curve",
    "write_trial",
]
