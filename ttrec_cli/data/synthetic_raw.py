"""A synthetic log as one file in Criteo's raw layout, to try the whole way in."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from ttrec_cli.data.in_order import in_order
from ttrec_cli.data.progress import Progress, no_progress
from ttrec_cli.data.synthetic import row_source
from ttrec_cli.data.synthetic_mark import SUFFIX, write_mark
from ttrec_cli.data.synthetic_rows import BLOCK_ROWS, RowSource
from ttrec_cli.data.synthetic_spec import SyntheticSpec
from ttrec_cli.errors import ConfigError, DataError


def synthesize_raw(spec: SyntheticSpec, path: Path, progress: Progress = no_progress) -> int:
    """Write the rows of `synthesize` as `train.txt` would hold them, marked as synthetic; the bytes written.

    Raises:
        ConfigError: the specification is of another layout than Criteo's.
        DataError: the file exists, or cannot be written; a file that could not be finished is removed.
    """
    if not spec.is_criteo:
        raise ConfigError("--raw writes Criteo's layout, which --like DATASET and --multi-hot do not fit")
    source = row_source(spec)
    jobs = (
        partial(raw_block, source, number, min(BLOCK_ROWS, spec.rows - number * BLOCK_ROWS))
        for number in range(-(-spec.rows // BLOCK_ROWS))
    )
    draft = path.with_name(f".{path.name}.partial")
    mark = draft.with_name(draft.name + SUFFIX)
    if path.exists():
        raise DataError(f"{path}: exists; choose another --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            for text in in_order(jobs, len(os.sched_getaffinity(0))):
                file.write(text)
                progress(text.count(b"\n"))
            written = file.tell()
        write_mark(draft, spec.choices())
        os.replace(mark, path.with_name(path.name + SUFFIX))  # first: no file is ever there without its mark
        os.replace(draft, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}; nothing was left there") from None
    finally:
        draft.unlink(missing_ok=True)
        mark.unlink(missing_ok=True)
    return written


def raw_block(source: RowSource, number: int, rows: int) -> bytes:
    """The first `rows` rows of block `number` as text."""
    from ttrec_cli.data.raw_format import MISSING_COUNT, WIDEST_ROW, format_rows

    block, counts = source.block(number, rows), source.raw_counts(number, rows)
    ids = source.ids(block.ranks)
    for column, missing in enumerate(source.missing_ids):
        if missing is not None:
            ids[ids[:, column] == missing, column] = -1
    text = np.empty(rows * WIDEST_ROW, dtype=np.uint8)
    whole = np.where(np.isnan(counts), MISSING_COUNT, counts).astype(np.int64)
    return text[: format_rows(block.label, whole, ids, text)].tobytes()
