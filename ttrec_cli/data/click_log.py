"""A click log prepared for training: three memory-mapped arrays and what is known of them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.days import DAYS
from ttrec_cli.data.manifest import (
    DAY_FILE,
    DENSE_FILE,
    LABEL_FILE,
    SPARSE_FILE,
    Manifest,
    read_manifest,
    vocabulary_file,
)
from ttrec_cli.errors import DataError

READ_BYTES = 1 << 20
CHECK_IDS = 1 << 23
PAD = -1
"""Stands behind the end of a bag."""


@dataclass(frozen=True)
class Batch:
    """Rows of a click log: dense (n, features) float32, sparse (n, slots) int32, label (n,) uint8.

    `bag_widths`: see `ClickLog`.
    """

    dense: NDArray[np.float32]
    sparse: NDArray[np.int32]
    label: NDArray[np.uint8]
    bag_widths: tuple[int, ...] = ()


@dataclass(frozen=True)
class ClickLog:
    """A dataset on disk, opened read-only; all processes of a machine share its pages.

    Attributes:
        cardinalities: rows of each column's embedding table; ids lie in [0, cardinality).
        missing_ids: per column, the id of "no value", or None.
        fingerprint: of the content; of a synthetic set, of its specification.
        splits: rows of "train", "test" and "validation".
        dense: (N, features), already transformed: log(max(x, 0) + 1) unless chosen otherwise, 0 where missing.
        sparse: (N, slots) ids. A column has one slot, or as many as its longest bag has values, and −1 behind the
            end of shorter bags.
        bag_widths: per column, the slots of its bags; 0 where each row holds one value.
        label: (N,), 1 for a click.
        day: (N,) the day of each row, from 0; None where the rows lie in the order of time.
        days: how many days the log has.
    """

    path: Path
    name: str
    synthetic: bool
    columns: tuple[str, ...]
    cardinalities: tuple[int, ...]
    missing_ids: tuple[int | None, ...]
    fingerprint: str
    splits: Mapping[str, range]
    choices: Mapping[str, Any]
    dense: NDArray[np.float32]
    sparse: NDArray[np.int32]
    label: NDArray[np.uint8]
    day: NDArray[np.uint8] | None = None
    days: int = DAYS
    dense_columns: tuple[str, ...] = ()
    has_vocabulary: bool = False
    bag_widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.bag_widths:
            object.__setattr__(self, "bag_widths", (0,) * len(self.columns))

    @cached_property
    def has_bags(self) -> bool:
        """Whether a column holds bags."""
        return any(self.bag_widths)

    def ids(self, column: int) -> NDArray[np.int32]:
        """(N, slots of the column) ids, a view; −1 behind the end of a bag."""
        start = sum(max(1, width) for width in self.bag_widths[:column])
        return self.sparse[:, start : start + max(1, self.bag_widths[column])]

    def batches(self, split: str, batch_size: int) -> Iterator[Batch]:
        """The split's rows in order, as views without copies; the last batch may be short.

        Raises:
            ValueError: no such split, or a batch size below 1.
        """
        if split not in self.splits:
            raise ValueError(f"split must be one of {', '.join(self.splits)}, is {split!r}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, is {batch_size}")
        rows, widths = self.splits[split], self.bag_widths if self.has_bags else ()
        for start in range(rows.start, rows.stop, batch_size):
            here = slice(start, min(start + batch_size, rows.stop))
            yield Batch(self.dense[here], self.sparse[here], self.label[here], widths)


def open_click_log(path: Path, *, verify: bool = False) -> ClickLog:
    """Map a prepared dataset.

    Sizes and meta.json are always checked; `verify` also reads every byte, to find edited arrays.

    Raises:
        DataError: the folder is not a whole dataset of this version, or was edited.
    """
    path = Path(path)
    manifest = read_manifest(path)
    rows = manifest.rows
    log = ClickLog(
        path=path,
        name=manifest.name,
        synthetic=manifest.synthetic,
        columns=manifest.columns,
        cardinalities=manifest.cardinalities,
        missing_ids=manifest.missing_ids,
        fingerprint=manifest.fingerprint,
        splits={name: range(*bounds) for name, bounds in manifest.splits.items()},
        choices=manifest.choices,
        dense=_mapped(path / DENSE_FILE, np.float32, (rows, len(manifest.dense_columns))),
        sparse=_mapped(path / SPARSE_FILE, np.int32, (rows, manifest.slots)),
        label=_mapped(path / LABEL_FILE, np.uint8, (rows,)),
        day=_mapped(path / DAY_FILE, np.uint8, (rows,)) if manifest.days else None,
        days=manifest.days or DAYS,
        dense_columns=manifest.dense_columns,
        has_vocabulary=bool(manifest.vocabulary),
        bag_widths=manifest.bag_widths,
    )
    if verify:
        _verify(log, manifest)
    return log


def _mapped(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        # A plain array over the map: slicing np.memmap itself costs microseconds a batch.
        return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=shape))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _verify(log: ClickLog, manifest: Manifest) -> None:
    files = {log.path / name: digest for name, digest in manifest.digests.items()}
    for column, (name, digest) in enumerate(zip(manifest.columns, manifest.vocabulary, strict=False)):
        files[vocabulary_file(log.path, column, name)] = digest
    for path, digest in files.items():
        if file_digest(path) != digest:
            raise DataError(f"{path}: was edited or damaged after it was written; prepare it again")
    slots = [max(1, width) for width in log.bag_widths]
    columns = np.repeat(np.arange(len(slots)), slots)
    sizes, least = np.array(log.cardinalities)[columns], np.where(np.array(log.bag_widths)[columns] > 0, PAD, 0)
    step = max(1, CHECK_IDS // len(columns))
    for start in range(0, len(log.sparse), step):
        ids = log.sparse[start : start + step]
        wrong = (ids < least) | (ids >= sizes)
        if wrong.any():
            row, slot = (int(place) for place in np.argwhere(wrong)[0])
            raise DataError(
                f"{log.path / SPARSE_FILE}: row {start + row}: an id of {log.columns[columns[slot]]} must be in "
                f"[0, {sizes[slot]}), is {ids[row, slot]}; prepare the dataset again"
            )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises `DataError` when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; prepare the dataset again") from None
    return digest.hexdigest()
