"""Vocabularies: one Parquet file per column, from raw value to id and count.

Columns `value` (null for "no value", and for the one row of rare values), `id` and `count`, in the order of
ids. Values of Criteo's columns are the number that their hex digits are, after the index range.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.chunks import Chunk
from ttrec_cli.data.id_table import IdTable
from ttrec_cli.data.manifest import vocabulary_file
from ttrec_cli.data.raw_log import Kind, RawLog
from ttrec_cli.data.text_values import read_texts
from ttrec_cli.data.work_folder import DATASET, WorkFolder
from ttrec_cli.errors import DataError

GROUP_ROWS = 1 << 20


@dataclass(frozen=True)
class Numbered:
    """A numbered column: its table, ids used after each chunk, final ids, and what is no value."""

    table: IdTable
    used: Sequence[int]
    remap: NDArray[np.int32] | None
    rare: int | None
    null_key: int | None
    texts_share_ids: bool = False


def write_vocabulary(log: RawLog, column: int, chunks: Sequence[Chunk], work: WorkFolder, ids: Numbered) -> None:
    """Write the vocabulary of a column into the dataset that is being made."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = log.kinds[column]
    types = {Kind.HEX: pa.uint32(), Kind.INTEGER: pa.int64(), Kind.TEXT: pa.string()}
    schema = pa.schema([("value", types[kind]), ("id", pa.int32()), ("count", pa.int64())])
    path = vocabulary_file(work.path(DATASET), column, log.columns[column])
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind is Kind.TEXT:
        groups = _text_groups(log.columns[column], column, chunks, work, ids)
    else:
        groups = _number_groups(kind, ids)
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for start, values in groups:
            stop = start + len(values)
            new = np.arange(start, stop) if ids.remap is None else ids.remap[start:stop]
            kept = np.ones(len(new), dtype=np.bool_) if ids.rare is None else new != ids.rare
            arrays = [
                values.filter(pa.array(kept)),
                pa.array(new[kept], pa.int32()),
                pa.array(ids.table.counts[start:stop][kept]),
            ]
            writer.write_table(pa.table(arrays, schema=schema))
        if ids.rare is not None and ids.remap is not None:
            count = int(ids.table.counts[ids.remap == ids.rare].sum())
            writer.write_table(pa.table({"value": [None], "id": [ids.rare], "count": [count]}, schema=schema))


def _number_groups(kind: Kind, ids: Numbered) -> Iterator[tuple[int, Any]]:
    import pyarrow as pa

    keys = ids.table.values
    for start in range(0, len(keys), GROUP_ROWS):
        here = keys[start : start + GROUP_ROWS]
        mask = None if ids.null_key is None else here == ids.null_key
        if kind is Kind.HEX:
            yield start, pa.array(here.astype(np.uint32), mask=mask)
        else:
            yield start, pa.array(here.view(np.int64), mask=mask)


def _text_groups(
    name: str, column: int, chunks: Sequence[Chunk], work: WorkFolder, ids: Numbered
) -> Iterator[tuple[int, Any]]:
    """The texts of the ids that each chunk brought; every text is held against the second hash of its id."""
    import pyarrow as pa

    checks = ids.table.array("checks", np.dtype(np.uint64), ids.table.used)
    start = 0
    for chunk, stop in zip(chunks, ids.used, strict=True):
        texts = read_texts(work.path(f"{chunk.stem}.texts-{column:04}"))
        found = ids.table.look_up(texts.keys)
        there = (found >= 0) & (found < stop)  # rows left out by sub-sampling may hold what only a later chunk brings
        new = np.flatnonzero(there & (found >= start))
        checks[found[new]] = texts.checks[new]
        if not ids.texts_share_ids and not np.array_equal(checks[found[there]], texts.checks[there]):
            raise DataError(f"two texts of {name} have the same 64-bit hash; this cannot be mended but by renaming one")
        places = np.full(stop - start, -1)
        places[found[new] - start] = new
        yield start, texts.texts.take(pa.array(places, mask=places < 0))
        start = stop
