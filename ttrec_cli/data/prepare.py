"""From a raw click log to a dataset: parsed once, numbered, shuffled, in bounded memory, resumable at any point.

Steps: rows are parsed and parked in chunks (`chunks`), values of each column become ids (`numbering`), rows
go to their buckets, buckets in order into the arrays (`placing`), meta.json is written, and the folder is
renamed into place. Each remembers what it has finished; threads and interruptions do not change a byte.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace as changed
from pathlib import Path

from ttrec_cli.data.choices import Choices, Missing, SplitBy
from ttrec_cli.data.chunks import Chunk, lines_read, park
from ttrec_cli.data.click_log import ClickLog, file_digest, open_click_log
from ttrec_cli.data.days import SPLIT_NAMES
from ttrec_cli.data.manifest import array_files, vocabulary_file
from ttrec_cli.data.numbering import ColumnIds, bag_width, number_columns, numbered
from ttrec_cli.data.placement import Placement
from ttrec_cli.data.placing import rows_placed, scatter, write_arrays
from ttrec_cli.data.progress import Progress, no_progress
from ttrec_cli.data.raw_log import Kind, RawLog
from ttrec_cli.data.synthetic_mark import is_marked
from ttrec_cli.data.work_folder import DATASET, WorkFolder, partial_path, work_folder
from ttrec_cli.data.writer import Header, check_target, replace, sync, write_manifest
from ttrec_cli.errors import DataError

PREPARE_VERSION = 1
"""Raised whenever the same log and choices give other bytes."""

Stages = Callable[[str, float, float], AbstractContextManager[Progress]]
"""Is told the name of each step, its rows and those that a run before has done; what it gives is told more."""


@contextmanager
def no_stages(step: str, total: float, done: float) -> Iterator[Progress]:  # noqa: ARG001
    """Tells nobody."""
    yield no_progress


def prepare(
    log: RawLog,
    out: Path,
    choices: Choices,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    stages: Stages = no_stages,
) -> ClickLog:
    """Make the dataset `out`, going on where an interrupted run of the same job stopped.

    Args:
        overwrite: replace a dataset that is at `out`.
        threads: that parse and number; default: one per processor of this process.

    Raises:
        DataError: a line breaks a rule (`file:line: rule, value, what to do`), the log cannot be read, has too
            few rows, or `out` cannot be written. There is never half a dataset at `out`.
    """
    threads = threads or len(os.sched_getaffinity(0))
    if any(kind is not Kind.HEX for kind in log.kinds):
        choices = changed(choices, missing=Missing.OWN_ID)  # any number or text may be a value there
    target = check_target(Path(out), overwrite)
    synthetic, estimate = any(is_marked(path) for path in log.files), log.estimate_rows()
    job = {"log": log.identity(), "choices": choices.recorded(), "version": PREPARE_VERSION}
    _check_room(log, target, choices, estimate, len(log.columns))
    with work_folder(target, job) as work:
        with stages("reading", estimate, lines_read(work)) as progress:
            chunks = park(log, choices, work, threads, progress)
        rows = _check_rows(log, chunks, choices)
        work.path(DATASET).mkdir(exist_ok=True)
        if any(log.are_bags):
            _check_room(log, target, choices, rows, _slots(log, chunks, work))
        with stages("numbering", rows * len(log.columns), rows * numbered(log, work)) as progress:
            columns = number_columns(log, choices, chunks, work, threads, progress)
        placement = Placement(log, choices, chunks, work, tuple(column.bag_width for column in columns))
        with stages("ordering", 2 * rows, rows_placed(placement, work)) as progress:
            scatter(placement, work, threads, progress)
            write_arrays(placement, work, work.path(DATASET), threads, progress)
        _finish(log, choices, chunks, columns, work, target, synthetic)
    return open_click_log(target)


def _check_rows(log: RawLog, chunks: list[Chunk], choices: Choices) -> int:
    rows, seen = sum(chunk.rows for chunk in chunks), sum(chunk.seen for chunk in chunks)
    if choices.split is SplitBy.DAY and seen < 2 * log.days:
        raise DataError(
            f"{log.files[0]}: at least {2 * log.days} rows are needed to make {log.days} days, has {seen} good ones"
        )
    return rows


def _slots(log: RawLog, chunks: list[Chunk], work: WorkFolder) -> int:
    """Numbers in a row of ids. Those of a log that is numbered already do not matter: its room is taken."""
    if work.facts("numbered") is not None:
        return len(log.columns)
    return sum(max(1, bag_width(log, chunks, work, column)) for column in range(len(log.columns)))


def _check_room(log: RawLog, target: Path, choices: Choices, rows: int, slots: int) -> None:
    """Raises `DataError` when the disk has clearly too little room; estimates are not exact."""
    features, columns = 4 * len(log.dense_columns), 4 * slots
    parked = 6 + features + log.key_type(choices).itemsize * len(log.columns)
    final = features + columns + 2
    needed = rows * max(parked + columns, features + columns + final, 2 * final)
    place = target
    while not place.is_dir():
        place = place.parent
    partial = partial_path(target)
    used = WorkFolder(partial).used_bytes() if partial.is_dir() else 0
    free = shutil.disk_usage(place).free + used
    if needed > free:
        raise DataError(
            f"{target}: about {rows:,} rows need {needed / 1e9:,.1f} GB on the way to {rows * final / 1e9:,.1f} GB, "
            f"but only {free / 1e9:,.1f} GB are free; choose another --out"
        )


def _finish(
    log: RawLog,
    choices: Choices,
    chunks: list[Chunk],
    columns: list[ColumnIds],
    work: WorkFolder,
    target: Path,
    synthetic: bool,
) -> None:
    """Digest, describe, force to the disk, and put into place."""
    folder = work.path(DATASET)
    splits = (work.facts("scattered") or {})["splits"]
    empty = [name for name, rows in zip(SPLIT_NAMES, splits, strict=True) if rows == 0]
    if empty:
        raise DataError(f"{log.files[0]}: the {empty[0]} split has no rows; choose another split")
    arrays = [folder / name for name in array_files(log.days)]
    vocabularies = [vocabulary_file(folder, column, name) for column, name in enumerate(log.columns)]
    with ThreadPoolExecutor(len(arrays)) as pool:
        digests = list(pool.map(file_digest, [*arrays, *vocabularies]))
    header = changed(_header(log, choices, chunks, columns, splits), vocabulary=tuple(digests[len(arrays) :]))
    if synthetic:
        header = changed(header, synthetic=True, name=f"synthetic-{log.name}")
    for path in (*arrays, *vocabularies):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    (folder / "meta.json").unlink(missing_ok=True)
    write_manifest(
        folder, header, sum(splits), {path.name: digest for path, digest in zip(arrays, digests, strict=False)}
    )
    sync(folder)
    replace(folder, target)
    sync(target.parent)


def _header(
    log: RawLog, choices: Choices, chunks: list[Chunk], columns: list[ColumnIds], splits: tuple[int, int, int]
) -> Header:
    train, test, validation = splits
    widths = tuple(column.bag_width for column in columns)
    return Header(
        name=log.name,
        synthetic=False,
        dense_columns=log.dense_columns,
        columns=log.columns,
        cardinalities=tuple(column.cardinality for column in columns),
        missing_ids=tuple(column.missing_id for column in columns),
        splits={
            "train": range(train),
            "test": range(train, train + test),
            "validation": range(train + test, train + test + validation),
        },
        choices={
            "source": ", ".join(path.name for path in log.files),
            "source_bytes": sum(path.stat().st_size for path in log.files),
            **choices.recorded(),
            "rows_read": sum(chunk.seen for chunk in chunks),
            "skipped_lines": sum(chunk.bad for chunk in chunks),
            "rare_ids": [column.rare_id for column in columns],
            "prepare_version": PREPARE_VERSION,
        },
        days=log.days,
        bag_widths=widths if any(widths) else (),
    )
