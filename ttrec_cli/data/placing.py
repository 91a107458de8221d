"""The last steps of a preparation: rows into buckets, buckets in order into the dataset's arrays."""

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Order
from ttrec_cli.data.chunks import Chunk, read_rows
from ttrec_cli.data.in_order import in_order
from ttrec_cli.data.manifest import DAY_FILE, DENSE_FILE, LABEL_FILE, SPARSE_FILE
from ttrec_cli.data.numbering import ids_name
from ttrec_cli.data.placement import Placement, order_within
from ttrec_cli.data.progress import Progress
from ttrec_cli.data.work_folder import WorkFolder

PARTS = (DENSE_FILE, SPARSE_FILE, LABEL_FILE, DAY_FILE)
COPY_ROWS = 1 << 18
PART_IDS = 1 << 24
"""Rows with many slots are handled fewer at a time."""


Runs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""First row and rows of a run in each bucket."""


@dataclass(frozen=True)
class _Layout:
    """Columns of each array file, and their type."""

    features: int
    slots: tuple[int, ...]
    """Of each column."""

    def of(self, part: str) -> tuple[np.dtype[Any], int]:
        if part == DENSE_FILE:
            return np.dtype("<f4"), self.features
        return (np.dtype("<i4"), sum(self.slots)) if part == SPARSE_FILE else (np.dtype("u1"), 1)

    def row_bytes(self, part: str) -> int:
        dtype, width = self.of(part)
        return dtype.itemsize * width


def scatter(placement: Placement, work: WorkFolder, threads: int, progress: Progress) -> None:
    """Put every row into its bucket; goes on after the last chunk that was done."""
    layout = _layout(placement)
    names = [_bucket_file(part) for part in PARTS]
    if work.facts("scattered") is None:
        done = (work.facts("scattering") or {"chunks": 0})["chunks"]
        for name in names:
            work.path(name).touch()
        files = {part: work.path(_bucket_file(part)).open("r+b", buffering=0) for part in PARTS}
        try:
            jobs = _scatter_jobs(placement, work, done)
            for chunk, runs, arrays, is_last in in_order(jobs, threads):
                for part, file in files.items():
                    _write_runs(file, arrays[part], runs, layout.row_bytes(part))
                if is_last:
                    work.finish("scattering", {"chunks": chunk.number + 1})
                progress(len(arrays[LABEL_FILE]))
        finally:
            for file in files.values():
                file.close()
        starts = [int(start) for start in placement.bucket_starts]
        work.finish("scattered", {"starts": starts, "buckets": placement.buckets, "splits": placement.split_rows})
    work.remove(*(f"{chunk.stem}.rows" for chunk in placement.chunks))
    work.remove(*(ids_name(column) for column in range(len(layout.slots))))


def rows_placed(placement: Placement, work: WorkFolder) -> int:
    """Rows that are in their buckets, and those that are in the dataset, together."""
    if work.facts("scattered") is None:
        done = (work.facts("scattering") or {"chunks": 0})["chunks"]
        return sum(chunk.rows for chunk in placement.chunks[:done])
    done = (work.facts("writing") or {"pieces": 0})["pieces"]
    return placement.rows + (_pieces(placement, work)[done - 1][2] if done else 0)


def _layout(placement: Placement) -> _Layout:
    return _Layout(len(placement.log.dense_columns), placement.slots)


def _bucket_file(part: str) -> str:
    return f"buckets-{part}"


def _scatter_jobs(placement: Placement, work: WorkFolder, done: int) -> Iterator[Any]:
    starts = placement.bucket_starts[:-1].copy()
    first, step = 0, max(1, PART_IDS // sum(placement.slots))
    for chunk, (buckets, days) in zip(placement.chunks, placement.of_chunks(), strict=True):
        for start in range(0, max(1, chunk.rows), step):
            here = slice(start, min(start + step, chunk.rows))
            counts = np.bincount(buckets[here], minlength=len(starts))
            if chunk.number >= done:
                places = (buckets[here], days[here])
                yield partial(_sorted_part, placement, work, chunk, first, here, places, (starts.copy(), counts))
            starts += counts
        first += chunk.rows


def _sorted_part(
    placement: Placement,
    work: WorkFolder,
    chunk: Chunk,
    first: int,
    part: slice,
    places: tuple[NDArray[np.uint16], NDArray[np.uint8]],
    runs: Runs,
) -> tuple[Chunk, Runs, dict[str, NDArray[Any]], bool]:
    """Rows of the chunk by bucket, in order within each; whether they are its last."""
    from ttrec_cli.data.numbering_loops import interleave

    layout = _layout(placement)
    order = np.argsort(places[0], kind="stable")
    rows = read_rows(work, chunk, layout.features, placement.choices)
    columns = []
    for column, slots in enumerate(layout.slots):
        count, offset = (part.stop - part.start) * slots, 4 * (first + part.start) * slots
        ids = np.fromfile(work.path(ids_name(column)), np.int32, count, offset=offset)
        columns.append(ids.reshape(-1, slots).T)
    sparse = np.empty((part.stop - part.start, sum(layout.slots)), dtype=np.int32)
    interleave(np.concatenate(columns), order, sparse)
    arrays: dict[str, NDArray[Any]] = {
        DENSE_FILE: rows.dense[part][order],
        SPARSE_FILE: sparse,
        LABEL_FILE: rows.label[part][order],
        DAY_FILE: places[1][order],
    }
    return chunk, runs, arrays, part.stop == chunk.rows


def _write_runs(file: BinaryIO, array: NDArray[Any], runs: Runs, row_bytes: int) -> None:
    block = np.ascontiguousarray(array).data.cast("B")
    taken = 0
    for start, count in zip(runs[0].tolist(), runs[1].tolist(), strict=True):
        if count:
            _write_at(file, block[taken * row_bytes : (taken + count) * row_bytes], start * row_bytes)
            taken += count


def _write_at(file: BinaryIO, block: memoryview, offset: int) -> None:
    while len(block):
        written = os.pwrite(file.fileno(), block, offset)
        block, offset = block[written:], offset + written


def write_arrays(placement: Placement, work: WorkFolder, out: Path, threads: int, progress: Progress) -> None:
    """Write the dataset's arrays, bucket by bucket; goes on after the last one that was done."""
    layout = _layout(placement)
    pieces = _pieces(placement, work)
    done = (work.facts("writing") or {"pieces": 0})["pieces"]
    rows = pieces[done - 1][2] if done else 0
    files = {part: (out / part).open("ab") for part in PARTS}
    try:
        for part, file in files.items():
            file.truncate(rows * layout.row_bytes(part))
        jobs = [partial(_finished, placement, work, layout, *piece) for piece in pieces[done:]]
        for number, arrays in enumerate(in_order(jobs, threads), done + 1):
            for part, file in files.items():
                file.write(np.ascontiguousarray(arrays[part]).data)
                file.flush()
            work.finish("writing", {"pieces": number})
            progress(pieces[number - 1][2] - pieces[number - 1][1])
    finally:
        for file in files.values():
            file.close()


def _pieces(placement: Placement, work: WorkFolder) -> Sequence[tuple[int, int, int]]:
    """(bucket, first row, row after the last): whole buckets that are shuffled; −1 and short runs of the others."""
    pieces = []
    starts = (work.facts("scattered") or {})["starts"]
    for bucket, (start, stop) in enumerate(itertools.pairwise(starts)):
        shuffled = bucket < len(starts) - 3 and placement.choices.order is Order.SHUFFLED
        step = max(1, stop - start) if shuffled else min(COPY_ROWS, max(1, PART_IDS // sum(placement.slots)))
        pieces += [(bucket if shuffled else -1, row, min(row + step, stop)) for row in range(start, stop, step)]
    return pieces


def _finished(
    placement: Placement, work: WorkFolder, layout: _Layout, bucket: int, start: int, stop: int
) -> dict[str, NDArray[Any]]:
    order = order_within(placement.choices, bucket, stop - start) if bucket >= 0 else None
    arrays = {}
    for part in PARTS:
        dtype, width = layout.of(part)
        path, count, offset = work.path(_bucket_file(part)), (stop - start) * width, start * layout.row_bytes(part)
        rows = np.fromfile(path, dtype, count, offset=offset).reshape(-1, width)
        arrays[part] = rows if order is None else rows[order]
    return arrays
