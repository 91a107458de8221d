"""The first step of a preparation: raw rows, parsed and parked on disk in chunks.

A chunk is two files, and a marker once it is whole: `.rows` holds label, dense features and what decides
day and split, `.keys` the categories column by column. Each column of bags has a file of its own: the values
of each bag, then all their keys. How the log is cut into chunks changes nothing in
the dataset.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices, SplitBy
from ttrec_cli.data.in_order import in_order
from ttrec_cli.data.progress import Progress
from ttrec_cli.data.random_streams import Stream, uniform
from ttrec_cli.data.raw_log import Kind, Piece, Place, RawLog
from ttrec_cli.data.text_values import write_texts
from ttrec_cli.data.work_folder import WorkFolder
from ttrec_cli.errors import DataError

CHUNK_ROWS = 1 << 18


@dataclass(frozen=True)
class Chunk:
    """A parked chunk of `rows`, before sub-sampling `seen`, whose first one is row `first` of the log.

    Rows count good ones only, as `first` does; `bad` lines were left out. `origin` is where a row stood.
    """

    number: int
    file: int
    rows: int
    seen: int
    first: int
    bad: int
    next: Place

    @property
    def stem(self) -> str:
        """What its file names begin with."""
        return f"chunk-{self.number:06}"


@dataclass(frozen=True)
class ChunkRows:
    """Rows of a chunk as parked: `origin` is each one's row in the log, `split` 0, 1, 2 or nothing."""

    label: NDArray[np.uint8]
    dense: NDArray[np.float32]
    origin: NDArray[np.int64]
    split: NDArray[np.uint8] | None


def park(log: RawLog, choices: Choices, work: WorkFolder, threads: int, progress: Progress) -> list[Chunk]:
    """Read the log from where the last run stopped; all its chunks.

    Raises:
        DataError: a line breaks a rule and bad ones may not be left out, or no line is good.
    """
    done = parked(work)
    chunks = list(done)
    if work.facts("parked") is None:
        for chunk in _new_chunks(log, choices, work, chunks, threads, progress):
            chunks.append(chunk)
            work.finish(chunk.stem, asdict(chunk))
        work.finish("parked", {"chunks": len(chunks)})
    return chunks


def lines_read(work: WorkFolder) -> int:
    """Lines of the log in the chunks that are finished."""
    return sum(chunk.seen + chunk.bad for chunk in parked(work))


def parked(work: WorkFolder) -> Iterator[Chunk]:
    """The chunks that are finished, from the first on."""
    number = 0
    while (facts := work.facts(f"chunk-{number:06}")) is not None:
        yield Chunk(**(facts | {"next": Place(**facts["next"])}))
        number += 1


def _new_chunks(
    log: RawLog, choices: Choices, work: WorkFolder, before: list[Chunk], threads: int, progress: Progress
) -> Iterator[Chunk]:
    number, place = len(before), before[-1].next if before else Place()
    first = sum(chunk.seen for chunk in before)
    waiting: list[Piece] = []
    first_bad: str | None = None
    for piece in in_order(log.pieces(place, choices), threads):
        first_bad = first_bad or piece.first_bad
        if first_bad and not choices.skip_bad_lines:
            raise DataError(first_bad)
        if waiting and waiting[0].file != piece.file:
            yield _park_chunk(log, choices, work, number, first, waiting)
            number, first, waiting = number + 1, first + _rows(waiting), []
        waiting.append(piece)
        progress(piece.lines)
        if _rows(waiting) >= CHUNK_ROWS:
            yield _park_chunk(log, choices, work, number, first, waiting)
            number, first, waiting = number + 1, first + _rows(waiting), []
    if waiting:
        yield _park_chunk(log, choices, work, number, first, waiting)
    if first_bad and first + _rows(waiting) == 0:
        raise DataError(first_bad)


def _rows(pieces: list[Piece]) -> int:
    return sum(len(piece.label) for piece in pieces)


def _park_chunk(log: RawLog, choices: Choices, work: WorkFolder, number: int, first: int, pieces: list[Piece]) -> Chunk:
    seen = _rows(pieces)
    label = np.concatenate([piece.label for piece in pieces])
    kept: Any = slice(None)
    if choices.drop_negatives:
        draws = uniform(choices.seed, Stream.NEGATIVES, first, first + seen)
        kept = np.flatnonzero((label == 1) | (draws >= choices.drop_negatives))
    chunk = Chunk(
        number,
        pieces[0].file,
        len(label[kept]),
        seen,
        first,
        sum(piece.lines for piece in pieces) - seen,
        pieces[-1].next,
    )
    with work.path(f"{chunk.stem}.rows").open("wb") as file:
        file.write(label[kept].tobytes())
        file.write(np.concatenate([piece.dense for piece in pieces])[kept].tobytes())
        if choices.drop_negatives:
            file.write(kept.astype(np.uint32).tobytes())
        if choices.split == SplitBy.COLUMN:
            file.write(np.concatenate([piece.splits for piece in pieces if piece.splits is not None])[kept].tobytes())
    with work.path(f"{chunk.stem}.keys").open("wb") as file:
        for column in _single_columns(log):
            file.write(np.concatenate([piece.keys[column] for piece in pieces])[kept].tobytes())
    for column in set(range(len(log.columns))) - set(_single_columns(log)):
        _park_bags(work.path(bags_name(chunk, column)), column, kept, pieces)
    for column, kind in enumerate(log.kinds):
        if kind is Kind.TEXT:
            write_texts(work.path(f"{chunk.stem}.texts-{column:04}"), [piece.texts[column] for piece in pieces])
    return chunk


def _single_columns(log: RawLog) -> list[int]:
    return [column for column, is_bags in enumerate(log.are_bags) if not is_bags]


def bags_name(chunk: Chunk, column: int) -> str:
    """File name of the parked bags of a column."""
    return f"{chunk.stem}.bags-{column:04}"


def _park_bags(path: Path, column: int, kept: Any, pieces: list[Piece]) -> None:
    lengths = np.concatenate([piece.lengths[column] for piece in pieces])
    keys = np.concatenate([piece.keys[column] for piece in pieces])
    is_kept = np.zeros(len(lengths), dtype=np.bool_)
    is_kept[kept] = True
    with path.open("wb") as file:
        file.write(lengths[is_kept].tobytes())
        file.write(keys[np.repeat(is_kept, lengths)].tobytes())


def read_keys(
    log: RawLog, work: WorkFolder, chunk: Chunk, column: int, key_type: np.dtype[np.unsignedinteger]
) -> NDArray[np.unsignedinteger]:
    """What was parked of a column: (n,) keys, or those of all bags."""
    if log.are_bags[column]:
        return np.fromfile(work.path(bags_name(chunk, column)), key_type, offset=2 * chunk.rows)
    before = _single_columns(log).index(column) * chunk.rows * key_type.itemsize
    return np.fromfile(work.path(f"{chunk.stem}.keys"), key_type, chunk.rows, offset=before)


def read_lengths(work: WorkFolder, chunk: Chunk, column: int) -> NDArray[np.uint16]:
    """(n,) values of each bag of a column."""
    return np.fromfile(work.path(bags_name(chunk, column)), np.uint16, chunk.rows)


def read_rows(work: WorkFolder, chunk: Chunk, features: int, choices: Choices, facts_only: bool = False) -> ChunkRows:
    """What was parked of a chunk's rows; `facts_only` leaves out the dense features."""
    rows = chunk.rows
    with work.path(f"{chunk.stem}.rows").open("rb") as file:
        label = np.fromfile(file, dtype=np.uint8, count=rows)
        if facts_only:
            file.seek(4 * rows * features, 1)
            dense = np.empty((rows, 0), dtype=np.float32)
        else:
            dense = np.fromfile(file, dtype=np.float32, count=rows * features).reshape(rows, features)
        origin = np.arange(chunk.first, chunk.first + rows)
        if choices.drop_negatives:
            origin = chunk.first + np.fromfile(file, dtype=np.uint32, count=rows).astype(np.int64)
        split = np.fromfile(file, dtype=np.uint8, count=rows) if choices.split == SplitBy.COLUMN else None
    return ChunkRows(label, dense, origin, split)
