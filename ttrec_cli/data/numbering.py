"""The second step of a preparation: values to ids, one column at a time.

Ids are contiguous in the order of first appearance over all days, as in the DLRM script. Values that occur
less than `min_count` times share one id behind all others; "no value" with an id of its own never does.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices, Missing
from ttrec_cli.data.chunks import Chunk
from ttrec_cli.data.id_table import IdTable
from ttrec_cli.data.in_order import in_order
from ttrec_cli.data.progress import Progress
from ttrec_cli.data.raw_log import RawLog
from ttrec_cli.data.vocabulary import Numbered, write_vocabulary
from ttrec_cli.data.work_folder import WorkFolder


@dataclass(frozen=True)
class ColumnIds:
    """Ids of a column: how many there are, that of "no value", and that of rare values, where there is one."""

    cardinality: int
    missing_id: int | None
    rare_id: int | None


def number_columns(
    log: RawLog, choices: Choices, chunks: Sequence[Chunk], work: WorkFolder, threads: int, progress: Progress
) -> list[ColumnIds]:
    """Ids of every column in files `column-….ids`, and their vocabularies; finished columns are not done again."""
    found: list[ColumnIds] = []
    if work.facts("numbered") is None:
        jobs: list[Callable[[], ColumnIds]] = [
            partial(_number_column, log, choices, chunks, work, column) for column in range(len(log.columns))
        ]
        for column in in_order(jobs, threads):
            progress(sum(chunk.rows for chunk in chunks))
            found.append(column)
        work.finish("numbered", {"columns": [asdict(column) for column in found]})
    for chunk in chunks:
        work.remove(f"{chunk.stem}.keys", *(f"{chunk.stem}.texts-{column:04}" for column in range(len(log.columns))))
    facts = work.facts("numbered") or {}
    return [ColumnIds(**column) for column in facts["columns"]]


def ids_name(column: int) -> str:
    """File name of a column's ids, in the order of the log."""
    return f"column-{column:04}.ids"


def _number_column(log: RawLog, choices: Choices, chunks: Sequence[Chunk], work: WorkFolder, column: int) -> ColumnIds:
    step = f"column-{column:04}"
    facts = work.facts(step)
    if facts is not None:
        return ColumnIds(**facts)
    table = IdTable(log.key_type(choices), work.path(step))
    try:
        used = _assign(chunks, work, column, table)
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
    found = ColumnIds(kept + (rare is not None), missing if missing >= 0 else None, rare)
    work.finish(step, asdict(found))
    return found


def _assign(chunks: Sequence[Chunk], work: WorkFolder, column: int, table: IdTable) -> list[int]:
    """Write the ids in first-seen order; how many there are after each chunk."""
    width = table.key_type.itemsize
    used = []
    with work.path(ids_name(column)).open("wb") as file:
        for chunk in chunks:
            keys: NDArray[np.unsignedinteger] = np.fromfile(
                work.path(f"{chunk.stem}.keys"), table.key_type, chunk.rows, offset=column * chunk.rows * width
            )
            file.write(table.number(keys).tobytes())
            used.append(table.used)
    return used


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
        ids[start : start + (1 << 20)] = remap[ids[start : start + (1 << 20)]]
