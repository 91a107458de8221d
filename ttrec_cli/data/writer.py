"""Writes a dataset folder so that it is either whole and in place, or not there at all."""

import glob
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.manifest import (
    ARRAY_FILES,
    DAY_FILE,
    DENSE_FILE,
    LABEL_FILE,
    MANIFEST_FILE,
    SPARSE_FILE,
    VOCABULARY_FOLDER,
    Manifest,
    content_fingerprint,
)
from ttrec_cli.data.work_folder import lock
from ttrec_cli.errors import DataError


@dataclass(frozen=True)
class Header:
    """What is known of a dataset apart from its rows; see `Manifest`."""

    name: str
    synthetic: bool
    dense_columns: tuple[str, ...]
    columns: tuple[str, ...]
    cardinalities: tuple[int, ...]
    missing_ids: tuple[int | None, ...]
    splits: Mapping[str, range]
    choices: Mapping[str, Any]
    fingerprint: str | None = None
    """None: that of the content."""
    days: int = 0
    vocabulary: tuple[str, ...] = ()
    bag_widths: tuple[int, ...] = ()


class ArrayWriter:
    """Appends rows to the three array files of a folder and digests them on the way."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        self._files = {name: self._stack.enter_context((folder / name).open("xb")) for name in ARRAY_FILES}
        self._digests = {name: hashlib.sha256() for name in ARRAY_FILES}
        self._folder = folder
        self.rows = 0

    def append(self, dense: NDArray[np.float32], sparse: NDArray[np.int32], label: NDArray[np.uint8]) -> None:
        """Append (n, features), (n, slots) and (n,) rows."""
        arrays = {DENSE_FILE: (dense, "<f4"), SPARSE_FILE: (sparse, "<i4"), LABEL_FILE: (label, "u1")}
        for name, (array, dtype) in arrays.items():
            block = np.ascontiguousarray(array, dtype=dtype).data
            self._files[name].write(block)
            self._digests[name].update(block)
        self.rows += len(label)

    def finish(self, header: Header) -> None:
        """Write everything through to the disk, meta.json last: without it the folder is no dataset."""
        for file in self._files.values():
            flush(file)
        self._stack.close()
        digests = {name: digest.hexdigest() for name, digest in self._digests.items()}
        write_manifest(self._folder, header, self.rows, digests)

    def __enter__(self) -> "ArrayWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()


def write_manifest(folder: Path, header: Header, rows: int, digests: Mapping[str, str]) -> None:
    """Write meta.json through to the disk; with it the folder becomes a dataset."""
    splits = {name: (bounds.start, bounds.stop) for name, bounds in header.splits.items()}
    content = content_fingerprint(header.columns, header.cardinalities, splits, digests, header.bag_widths)
    manifest = Manifest(
        name=header.name,
        synthetic=header.synthetic,
        rows=rows,
        dense_columns=header.dense_columns,
        columns=header.columns,
        cardinalities=header.cardinalities,
        missing_ids=header.missing_ids,
        splits=splits,
        choices=header.choices,
        digests=digests,
        fingerprint=header.fingerprint or content,
        days=header.days,
        vocabulary=header.vocabulary,
        bag_widths=header.bag_widths,
    )
    with (folder / MANIFEST_FILE).open("xb") as page:
        page.write(manifest.to_json().encode())
        flush(page)


def check_target(out: Path, overwrite: bool) -> Path:
    """The folder to write, with links resolved; refuses one that holds anything but a dataset to overwrite.

    Raises:
        DataError: `out` exists and must not, or cannot, be replaced.
    """
    target = Path(os.path.realpath(out))
    try:
        names = set(os.listdir(target))
    except FileNotFoundError:
        return target
    except NotADirectoryError:
        raise DataError(f"{out}: must be a folder, is, or lies below, a file; choose another --out") from None
    except OSError as error:
        raise DataError(f"{out}: cannot be read: {error.strerror}") from None
    if not names:
        return target
    if MANIFEST_FILE not in names or names - {*ARRAY_FILES, DAY_FILE, VOCABULARY_FOLDER, MANIFEST_FILE}:
        raise DataError(f"{out}: exists and holds other files than a dataset; choose another --out")
    if not overwrite:
        raise DataError(f"{out}: already holds a dataset; pass --overwrite to replace it, or choose another --out")
    return target


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target` that takes its place when the block succeeds and vanishes when it fails.

    What was at `target` is replaced (see `check_target`). A killed process leaves a hidden folder
    `.NAME.partial-…`, which no later run takes for a dataset; the next one for the same target removes it.

    Raises:
        DataError: the disk is full, the folder cannot be written, …
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target)
        folder = _hidden_sibling(target)
        folder.mkdir()
        held = os.open(folder, os.O_RDONLY)
        lock(held)
    except OSError as error:
        raise _unwritable(target, error) from None
    try:
        yield folder
        sync(folder)
        replace(folder, target)
        sync(target.parent)
    except OSError as error:
        raise _unwritable(target, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def replace(folder: Path, target: Path) -> None:
    """Put a finished folder in the place of what is at `target`."""
    if target.is_dir() and os.listdir(target):
        old = _hidden_sibling(target)
        os.replace(target, old)
        os.replace(folder, target)
        shutil.rmtree(old)
    else:
        os.replace(folder, target)


def _unwritable(target: Path, error: OSError) -> DataError:
    return DataError(f"{target}: cannot be written: {error.strerror or error}; nothing was left there")


def _remove_stale(target: Path) -> None:
    """Remove what killed processes left; the folders of living ones are locked."""
    for folder in target.parent.glob(f".{glob.escape(target.name)}.partial-*"):
        held = os.open(folder, os.O_RDONLY)
        if lock(held):
            shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _hidden_sibling(target: Path) -> Path:
    return target.parent / f".{target.name}.partial-{uuid.uuid4().hex[:12]}"


def flush(file: BinaryIO) -> None:
    """Force what was written through to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Force a folder's list of names through to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
