"""The second step of a preparation: values to ids, one column at a time.

Ids are contiguous in the order of first appearance over all days, as in the DLRM script. Values that occur
less than `min_count` times share one id behind all others; "no value" with an id of its own never does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices, Missing
from ttrec_cli.data.chunks import Chunk, bags_name, read_keys, read_lengths
from ttrec_cli.data.click_log import PAD
from ttrec_cli.data.id_table import IdTable
from ttrec_cli.data.in_order import in_order
from ttrec_cli.data.progress import Progress
from ttrec_cli.data.raw_log import RawLog
from ttrec_cli.data.vocabulary import Numbered, write_vocabulary
from ttrec_cli.data.work_folder import WorkFolder
from ttrec_cli.errors import DataError

PADDED_NUMBERS = 1 << 22


@dataclass(frozen=True)
class ColumnIds:
    """Ids of a column: how many there are, that of "no value", and that of rare values, where there is one.

    `bag_width`: values of the longest bag, at least 1; 0 where each row holds one value.
    """

    cardinality: int
    missing_id: int | None
    rare_id: int | None
    bag_width: int = 0


def number_columns(
    log: RawLog, choices: Choices, chunks: Sequence[Chunk], work: WorkFolder, threads: int, progress: Progress
) -> list[ColumnIds]:
    """Ids of every column in files `column-….ids`, and their vocabularies; finished columns are not done again."""
    found: list[ColumnIds] = []
    if work.facts("numbered") is None:
        jobs: list[Callable[[], ColumnIds]] = [
            partial(_number_column, log, choices, chunks, work, column) for column in range(len(log.columns))
        ]
        before = numbered(log, work)
        for column in in_order(jobs, threads):
            found.append(column)
            if len(found) > before:
                progress(sum(chunk.rows for chunk in chunks))
        work.finish("numbered", {"columns": [asdict(column) for column in found]})
    for chunk in chunks:
        work.remove(f"{chunk.stem}.keys")
        for number in range(len(log.columns)):
            work.remove(f"{chunk.stem}.texts-{number:04}", bags_name(chunk, number))
    facts = work.facts("numbered") or {}
    return [ColumnIds(**column) for column in facts["columns"]]


def numbered(log: RawLog, work: WorkFolder) -> int:
    """Columns that are finished."""
    return sum(work.facts(f"column-{column:04}") is not None for column in range(len(log.columns)))


def ids_name(column: int) -> str:
    """File name of a column's ids (rows, slots), in the order of the log."""
    return f"column-{column:04}.ids"


def _number_column(log: RawLog, choices: Choices, chunks: Sequence[Chunk], work: WorkFolder, column: int) -> ColumnIds:
    step = f"column-{column:04}"
    facts = work.facts(step)
    if facts is not None:
        return ColumnIds(**facts)
    table = IdTable(log.key_type(choices), work.path(step))
    try:
        width = bag_width(log, chunks, work, column)
        used = _assign(log, chunks, work, column, table, width)
        if table.used == 0:
            raise DataError(f"{log.files[0]}: {log.columns[column]} has no values at all; leave it out")
        missing_key = log.missing_key(choices)
        missing = -1 if missing_key is None else int(table.look_up(np.array([missing_key], dtype=table.key_type))[0])
        remap, kept = _remap(table.counts, choices, missing)
        rare = kept if kept < table.used else None
        if remap is not None:
            _apply(work, column, remap)
            missing = int(remap[missing]) if missing >= 0 else missing
        null_key = missing_key if choices.missing is Missing.OWN_ID else None
        ids = Numbered(table, used, remap, rare, null_key, texts_share_ids=choices.index_range is not None)
        write_vocabulary(log, column, chunks, work, ids)
    finally:
        table.close()
    found = ColumnIds(kept + (rare is not None), missing if missing >= 0 else None, rare, width)
    work.finish(step, asdict(found))
    return found


def bag_width(log: RawLog, chunks: Sequence[Chunk], work: WorkFolder, column: int) -> int:
    """Values of a column's longest bag, at least 1; 0 where it holds no bags."""
    if not log.are_bags[column]:
        return 0
    return max(1, *(int(read_lengths(work, chunk, column).max(initial=0)) for chunk in chunks))


def _assign(
    log: RawLog, chunks: Sequence[Chunk], work: WorkFolder, column: int, table: IdTable, width: int
) -> list[int]:
    """Write the ids in first-seen order, bags padded to `width`; how many ids there are after each chunk."""
    used = []
    with work.path(ids_name(column)).open("wb") as file:
        for chunk in chunks:
            ids = table.number(read_keys(log, work, chunk, column, table.key_type))
            for part in [ids] if width == 0 else _padded(ids, read_lengths(work, chunk, column), width):
                file.write(part.tobytes())
            used.append(table.used)
    return used


def _padded(ids: NDArray[np.int32], lengths: NDArray[np.uint16], width: int) -> Iterator[NDArray[np.int32]]:
    """Rows (n, width) of bags that lie behind one another in `ids`, a few at a time."""
    ends = np.cumsum(lengths, dtype=np.int64)
    step, taken = max(1, PADDED_NUMBERS // width), 0
    for start in range(0, len(lengths), step):
        here = lengths[start : start + step]
        end = int(ends[start + len(here) - 1])
        rows = np.full((len(here), width), PAD, dtype=np.int32)
        rows[np.arange(width) < here[:, None]] = ids[taken:end]
        taken = end
        yield rows


def _remap(counts: NDArray[np.int64], choices: Choices, missing: int) -> tuple[NDArray[np.int32] | None, int]:
    """New id of each id, or None where all stay; and how many values keep one of their own."""
    if choices.min_count == 1:
        return None, len(counts)
    keep = counts >= choices.min_count
    if missing >= 0 and choices.missing is Missing.OWN_ID:
        keep[missing] = True
    kept = int(keep.sum())
    remap = np.where(keep, np.cumsum(keep) - 1, kept).astype(np.int32)
    return remap, kept


def _apply(work: WorkFolder, column: int, remap: NDArray[np.int32]) -> None:
    ids = np.memmap(work.path(ids_name(column)), dtype=np.int32, mode="r+")
    for start in range(0, len(ids), 1 << 20):
        here = ids[start : start + (1 << 20)]
        here[:] = np.where(here == PAD, PAD, remap[here])
