"""How often the values of a dataset's column occur, counted in bounded memory."""

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog
from ttrec_cli.errors import DataError

COUNT_IDS = 1 << 22


def value_counts(log: ClickLog, column: int, rows: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """How often each id of a column is looked up, in all rows or in the chosen ones.

    Raises:
        DataError: an id lies outside its table.
    """
    from ttrec_cli.data.count_loops import ALL_INSIDE, add_counts

    ids, cardinality = log.ids(column), log.cardinalities[column]
    counts = np.zeros(cardinality, dtype=np.int64)
    step = max(1, COUNT_IDS // ids.shape[1])
    for start in range(0, len(ids), step):
        here = slice(start, start + step)
        chosen = ids[here] if rows is None else ids[here][rows[here]]
        wrong = add_counts(np.ascontiguousarray(chosen).ravel(), counts, log.bag_widths[column] > 0)
        if wrong != ALL_INSIDE:
            raise DataError(
                f"{log.path}: ids of {log.columns[column]} must be in [0, {cardinality}), one is {wrong}; "
                "prepare the dataset again"
            )
    return counts


def bag_sizes(log: ClickLog, column: int) -> NDArray[np.int64]:
    """How many bags of a column have no value, one, two, … as many as its longest."""
    ids, sizes = log.ids(column), np.zeros(log.bag_widths[column] + 1, dtype=np.int64)
    step = max(1, COUNT_IDS // ids.shape[1])
    for start in range(0, len(ids), step):
        sizes += np.bincount((ids[start : start + step] >= 0).sum(axis=1), minlength=len(sizes))
    return sizes


def missing_rows(log: ClickLog, column: int) -> int:
    """Rows without a value: those that hold "missing", or begin a bag with it, and empty bags."""
    first, missing_id = log.ids(column)[:, 0], log.missing_ids[column]
    return sum(
        int(((part < 0) | (part == missing_id)).sum() if missing_id is not None else (part < 0).sum())
        for part in (first[start : start + COUNT_IDS] for start in range(0, len(first), COUNT_IDS))
    )
