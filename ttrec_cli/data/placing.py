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


@dataclass(frozen=True)
class _Layout:
    """Columns of each array file, and their type."""

    features: int
    columns: int

    def of(self, part: str) -> tuple[np.dtype[Any], int]:
        if part == DENSE_FILE:
            return np.dtype("<f4"), self.features
        return (np.dtype("<i4"), self.columns) if part == SPARSE_FILE else (np.dtype("u1"), 1)

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
            for number, (chunk, starts, counts, arrays) in enumerate(in_order(jobs, threads), done):
                for part, file in files.items():
                    _write_runs(file, arrays[part], starts, counts, layout.row_bytes(part))
                work.finish("scattering", {"chunks": number + 1})
                progress(chunk.rows)
        finally:
            for file in files.values():
                file.close()
        starts = [int(start) for start in placement.bucket_starts]
        work.finish("scattered", {"starts": starts, "buckets": placement.buckets, "splits": placement.split_rows})
    work.remove(*(f"{chunk.stem}.rows" for chunk in placement.chunks))
    work.remove(*(ids_name(column) for column in range(layout.columns)))


def _layout(placement: Placement) -> _Layout:
    return _Layout(len(placement.log.dense_columns), len(placement.log.columns))


def _bucket_file(part: str) -> str:
    return f"buckets-{part}"


def _scatter_jobs(placement: Placement, work: WorkFolder, done: int) -> Iterator[Any]:
    starts = placement.bucket_starts[:-1].copy()
    first = 0
    for number, (chunk, (buckets, days)) in enumerate(zip(placement.chunks, placement.of_chunks(), strict=True)):
        counts = np.bincount(buckets, minlength=len(starts))
        if number >= done:
            yield partial(_sorted_chunk, placement, work, chunk, first, (buckets, days), (starts.copy(), counts))
        starts += counts
        first += chunk.rows


def _sorted_chunk(
    placement: Placement,
    work: WorkFolder,
    chunk: Chunk,
    first: int,
    places: tuple[NDArray[np.uint16], NDArray[np.uint8]],
    runs: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[Chunk, NDArray[np.int64], NDArray[np.int64], dict[str, NDArray[Any]]]:
    """The chunk's rows by bucket, in order within each."""
    from ttrec_cli.data.numbering_loops import interleave

    layout = _layout(placement)
    order = np.argsort(places[0], kind="stable")
    rows = read_rows(work, chunk, layout.features, placement.choices)
    ids = np.stack(
        [
            np.fromfile(work.path(ids_name(column)), np.int32, chunk.rows, offset=4 * first)
            for column in range(layout.columns)
        ]
    )
    sparse = np.empty((chunk.rows, layout.columns), dtype=np.int32)
    interleave(ids, order, sparse)
    arrays: dict[str, NDArray[Any]] = {
        DENSE_FILE: rows.dense[order],
        SPARSE_FILE: sparse,
        LABEL_FILE: rows.label[order],
        DAY_FILE: places[1][order],
    }
    return chunk, *runs, arrays


def _write_runs(
    file: BinaryIO, array: NDArray[Any], starts: NDArray[np.int64], counts: NDArray[np.int64], row_bytes: int
) -> None:
    block = np.ascontiguousarray(array).data.cast("B")
    taken = 0
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
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
        step = max(1, stop - start) if shuffled else COPY_ROWS
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
