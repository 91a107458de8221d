"""Synthetic click logs with Criteo's columns: skewed, partly missing, with clicks from a planted model."""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog, open_click_log
from ttrec_cli.data.criteo_lines import CATEGORY_COLUMNS, DENSE_COLUMNS
from ttrec_cli.data.days import MIN_ROWS, split_rows
from ttrec_cli.data.progress import Progress, no_progress
from ttrec_cli.data.synthetic_columns import Like, category_shapes, scaled_rows
from ttrec_cli.data.synthetic_rows import BLOCK_ROWS, RowSource
from ttrec_cli.data.writer import ArrayWriter, Header, check_target, new_folder
from ttrec_cli.errors import ConfigError, DataError

GENERATOR_VERSION = 1
"""Part of every fingerprint: raised whenever the same specification gives other rows."""

MAX_SEED = 2**63 - 1
WAVE_BLOCKS = 16
"""Blocks handed to the threads at once; bounds what waits to be written."""


@dataclass(frozen=True, kw_only=True)
class SyntheticSpec:
    """What a synthetic log is: everything known of it before it is made.

    Attributes:
        like: the public log whose tables are imitated; their rows are multiplied by `table_scale`.

    Raises:
        ConfigError: a value is outside its range.
    """

    like: Like = "kaggle"
    rows: int
    table_scale: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.like not in get_args(Like):
            raise ConfigError(f"like must be one of {', '.join(get_args(Like))}, is {self.like!r}")
        if self.rows < MIN_ROWS:
            raise ConfigError(f"rows must be at least {MIN_ROWS}, to make seven days, is {self.rows}")
        if not (math.isfinite(self.table_scale) and 0 < self.table_scale <= 1):
            raise ConfigError(f"table_scale must be above 0 and at most 1, is {self.table_scale}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(f"seed must be from 0 to {MAX_SEED}, is {self.seed}")

    @property
    def name(self) -> str:
        """The dataset's name: never that of the real log."""
        return f"synthetic-{self.like}"

    @property
    def columns(self) -> tuple[str, ...]:
        """C1 … C26."""
        return CATEGORY_COLUMNS

    @cached_property
    def cardinalities(self) -> tuple[int, ...]:
        """Rows of each column's table."""
        return scaled_rows(self.like, self.table_scale)

    @property
    def splits(self) -> Mapping[str, range]:
        """Rows of "train", "test" and "validation"."""
        return split_rows(self.rows)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the specification and the generator's version, in hex."""
        return hashlib.sha256(json.dumps(self.choices(), sort_keys=True).encode()).hexdigest()

    def choices(self) -> dict[str, Any]:
        """The specification as plain values."""
        return asdict(self) | {"table_scale": float(self.table_scale), "generator_version": GENERATOR_VERSION}


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
    header = Header(
        name=spec.name,
        synthetic=True,
        dense_columns=DENSE_COLUMNS,
        columns=spec.columns,
        cardinalities=spec.cardinalities,
        missing_ids=source.missing_ids,
        splits=spec.splits,
        choices=spec.choices(),
        fingerprint=spec.fingerprint,
    )
    with new_folder(target) as folder, ArrayWriter(folder) as writer:
        for dense, sparse, label in _rows(source, spec.rows):
            writer.append(dense, sparse, label)
            progress(len(label))
        writer.finish(header)
    return open_click_log(path)


def row_source(spec: SyntheticSpec) -> RowSource:
    """What makes the log's rows; its `model` knows the true logits."""
    return RowSource(spec.cardinalities, category_shapes(spec.like), spec.seed)


def _existing(spec: SyntheticSpec, path: Path) -> ClickLog | None:
    try:
        log = open_click_log(path)
    except DataError:
        return None
    return log if log.fingerprint == spec.fingerprint else None


def _rows(source: RowSource, rows: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8]]]:
    """Dense (n, 13), sparse (n, 26) and label (n,) of all blocks in order, made by several threads."""

    def make(number: int) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8]]:
        block = source.block(number, min(BLOCK_ROWS, rows - number * BLOCK_ROWS))
        return np.ascontiguousarray(block.dense.T), source.ids(block.ranks), block.label

    blocks = -(-rows // BLOCK_ROWS)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, blocks, WAVE_BLOCKS):
            yield from pool.map(make, range(start, min(start + WAVE_BLOCKS, blocks)))
