"""Synthetic click logs, made up after Criteo's or after any dataset, with clicks from a planted model."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog, open_click_log
from ttrec_cli.data.drift import Drift
from ttrec_cli.data.in_order import in_order
from ttrec_cli.data.progress import Progress, no_progress
from ttrec_cli.data.synthetic_rows import BLOCK_ROWS, RowSource
from ttrec_cli.data.synthetic_spec import SyntheticSpec
from ttrec_cli.data.writer import ArrayWriter, Header, check_target, new_folder
from ttrec_cli.errors import DataError

AHEAD_BLOCKS = 16
"""Blocks that may wait to be written: disks stop and go."""

Rows = tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8]]


def synthesize(
    spec: SyntheticSpec,
    path: Path,
    progress: Progress = no_progress,
    *,
    overwrite: bool = False,
) -> ClickLog:
    """Make the log in the folder `path`; returns at once if it is there already.

    Args:
        progress: is told the rows made since it was last told.
        overwrite: replace another dataset that is at `path`.

    Raises:
        DataError: `path` holds something else, or cannot be written. It is whole or not there then.
    """
    path = Path(path)
    existing = _existing(spec, path)
    if existing is not None:
        return existing
    target = check_target(path, overwrite)
    source = row_source(spec)
    widths = tuple(0 if column.lengths is None else column.width for column in spec.law().columns)
    header = Header(
        name=spec.name,
        synthetic=True,
        dense_columns=spec.dense_columns,
        columns=spec.columns,
        cardinalities=spec.cardinalities,
        missing_ids=source.missing_ids,
        splits=spec.splits,
        choices=spec.choices(),
        fingerprint=spec.fingerprint,
        bag_widths=widths if any(widths) else (),
    )
    with new_folder(target) as folder, ArrayWriter(folder) as writer:
        for dense, sparse, label in _rows(source, spec.rows):
            writer.append(dense, sparse, label)
            progress(len(label))
        writer.finish(header)
    return open_click_log(path)


def row_source(spec: SyntheticSpec) -> RowSource:
    """What makes the log's rows; its `model` knows the true logits."""
    return RowSource(spec.law(), spec.seed, Drift(spec.drift, spec.rows) if spec.drift else None)


def _existing(spec: SyntheticSpec, path: Path) -> ClickLog | None:
    try:
        log = open_click_log(path)
    except DataError:
        return None
    return log if log.fingerprint == spec.fingerprint else None


def _rows(source: RowSource, rows: int) -> Iterator[Rows]:
    """Dense (n, features), sparse (n, slots) and label (n,) of all blocks in order, made by several threads."""
    blocks = range(-(-rows // BLOCK_ROWS))
    jobs = (partial(_block, source, number, min(BLOCK_ROWS, rows - number * BLOCK_ROWS)) for number in blocks)
    return in_order(jobs, os.cpu_count() or 1, AHEAD_BLOCKS)


def _block(source: RowSource, number: int, rows: int) -> Rows:
    block = source.block(number, rows)
    return np.ascontiguousarray(block.dense.T), source.ids(block.ranks), block.label
