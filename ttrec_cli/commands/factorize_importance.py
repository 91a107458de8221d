"""How often each row of a trained table is looked up, for `ttrec factorize --importance`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data import open_click_log
from ttrec_cli.errors import ConfigError, DataError


def read_counts(place: str, rows: int) -> NDArray[np.float64]:
    """How often each row is looked up in the training split of a prepared dataset: `folder:column`.

    (rows,). Raises `ConfigError` for a place that does not fit, `DataError` for a damaged dataset.
    """
    folder, _, column = place.rpartition(":")
    if not folder:
        raise ConfigError(f"--importance takes a prepared dataset and a column, data/mine:user, but is {place!r}")
    log = open_click_log(Path(folder))
    if column not in log.columns:
        known = ", ".join(log.columns[:30]) + (" …" if len(log.columns) > 30 else "")
        raise ConfigError(f"--importance {place}: {log.name} has no column {column!r}; its columns: {known}")
    number = log.columns.index(column)
    if log.cardinalities[number] != rows:
        raise ConfigError(
            f"--importance {place}: the column has {log.cardinalities[number]} ids, but the table {rows} rows"
        )
    train = log.splits["train"]
    ids = np.ascontiguousarray(log.sparse[train.start : train.stop, number])
    if len(ids) and (ids.min() < 0 or ids.max() >= rows):
        raise DataError(f"{folder}: ids of {column} must be in [0, {rows}); prepare the dataset again")
    return np.bincount(ids, minlength=rows).astype(np.float64)
