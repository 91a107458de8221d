"""Criteo's Kaggle log, `train.txt`, made into a dataset by the rules of the DLRM script.

Ids are contiguous in the order of first appearance in the file, counted over all days, test included.
A missing category is hex 0. Dense features become log(max(x, 0) + 1). The rows of days 1 to 6 are shuffled
once, with a seed, across days; day 7 keeps its order and is halved into test and validation.

The file is read once, in blocks. Columns are parked on disk and turned into ids one at a time, so that
memory holds one column, not the log.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.click_log import ClickLog, open_click_log
from ttrec_cli.data.criteo_lines import CATEGORY_COLUMNS, DENSE_COLUMNS, RawRows, parse_block
from ttrec_cli.data.days import DAYS, MIN_ROWS, split_rows
from ttrec_cli.data.progress import Progress, no_progress
from ttrec_cli.data.raw_lines import check_source, read_lines
from ttrec_cli.data.writer import ArrayWriter, Header, check_target, new_folder
from ttrec_cli.errors import DataError

NAME = "criteo-kaggle"
WRITE_ROWS = 1 << 16
MISSING = 0
"""The category a missing one counts as: hex 0."""


class Order(StrEnum):
    """Order of the training rows on disk."""

    SHUFFLED = "shuffled"
    TIME = "time"


@dataclass(frozen=True)
class _Counts:
    rows: int
    skipped_lines: int


def prepare_criteo_kaggle(
    source: Path,
    out: Path,
    *,
    order: Order = Order.SHUFFLED,
    seed: int = 0,
    skip_bad_lines: bool = False,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> ClickLog:
    """Prepare `train.txt`, plain or gzipped, into the folder `out`.

    Args:
        order: of the training rows; `seed` is that of the shuffle.
        skip_bad_lines: leave out lines that break a rule; `choices["skipped_lines"]` counts them.
        overwrite: replace a dataset that is at `out`.
        progress: is told the rows read since it was last told.

    Raises:
        DataError: a line breaks a rule (`file:line: rule, value, what to do`), the source cannot be read,
            has too few rows, or `out` cannot be written. Nothing is left at `out` then.
    """
    order = Order(order)
    source = Path(source)
    check_source(source)
    target = check_target(Path(out), overwrite)
    with new_folder(target) as folder:
        parked = folder / "columns"
        parked.mkdir()
        counts = _park(source, parked, skip_bad_lines, progress)
        if counts.rows < MIN_ROWS:
            raise DataError(
                f"{source}: at least {MIN_ROWS} rows are needed to make {DAYS} days, has {counts.rows} good ones"
            )
        cardinalities, missing_ids = _number_columns(parked)
        header = Header(
            name=NAME,
            synthetic=False,
            dense_columns=DENSE_COLUMNS,
            columns=CATEGORY_COLUMNS,
            cardinalities=cardinalities,
            missing_ids=missing_ids,
            splits=split_rows(counts.rows),
            choices={
                "source": source.name,
                "source_bytes": source.stat().st_size,
                "order": order.value,
                "seed": seed,
                "missing": "hex 0",
                "dense": "log(max(x, 0) + 1)",
                "skipped_lines": counts.skipped_lines,
            },
        )
        _write_rows(folder, parked, header, order, seed)
        for path in parked.iterdir():
            path.unlink()
        parked.rmdir()
    return open_click_log(target)


def dense_features(integers: NDArray[np.int64]) -> NDArray[np.float32]:
    """log(max(x, 0) + 1) of raw integers, of any shape."""
    return np.log1p(np.maximum(integers, 0).astype(np.float64)).astype(np.float32)


def _column_path(parked: Path, column: int) -> Path:
    return parked / f"{column}.u32"


def _park(source: Path, parked: Path, skip_bad_lines: bool, progress: Progress) -> _Counts:
    """Read the source; write labels, dense features and one file per column of raw categories."""
    rows = skipped = 0
    first_bad: tuple[int, str] | None = None
    with ExitStack() as stack:
        columns = [
            stack.enter_context(_column_path(parked, column).open("xb")) for column in range(len(CATEGORY_COLUMNS))
        ]
        dense = stack.enter_context((parked / "dense").open("xb"))
        label = stack.enter_context((parked / "label").open("xb"))
        for block in _parsed(source):
            first_bad = first_bad or block.first_bad
            if first_bad and not skip_bad_lines:
                break
            dense.write(dense_features(block.integers).tobytes())
            label.write(block.label.tobytes())
            for file, values in zip(columns, block.categories, strict=True):
                file.write(values.tobytes())
            rows += len(block.label)
            skipped += block.bad_lines
            progress(block.lines)
    if first_bad and (rows == 0 or not skip_bad_lines):
        raise DataError(f"{source}:{first_bad[0]}: {first_bad[1]}")
    return _Counts(rows, skipped)


def _parsed(source: Path) -> Iterator[RawRows]:
    for block in read_lines(source):
        yield parse_block(block)


def _number_columns(parked: Path) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
    """Replace raw categories by ids in first-seen order; the number of ids, and the id of "missing"."""
    import pandas as pd  # half a second that only a preparation has to pay

    cardinalities: list[int] = []
    missing_ids: list[int | None] = []
    for column in range(len(CATEGORY_COLUMNS)):
        path = _column_path(parked, column)
        ids, values = pd.factorize(np.fromfile(path, dtype=np.uint32))
        ids.astype(np.int32).tofile(path)
        missing = np.flatnonzero(values == MISSING)
        cardinalities.append(len(values))
        missing_ids.append(int(missing[0]) if len(missing) else None)
    return tuple(cardinalities), tuple(missing_ids)


def _write_rows(folder: Path, parked: Path, header: Header, order: Order, seed: int) -> None:
    """Write the final arrays, training rows in their order."""
    rows = header.splits["validation"].stop
    places = np.arange(rows)
    if order is Order.SHUFFLED:
        train = len(header.splits["train"])
        # Of NumPy's two generators the one whose numbers are promised never to change.
        random = np.random.RandomState(np.random.PCG64(seed))
        random.shuffle(places[:train])
    label = np.memmap(parked / "label", dtype=np.uint8, mode="r")
    dense = np.memmap(parked / "dense", dtype=np.float32, mode="r", shape=(rows, len(DENSE_COLUMNS)))
    columns = [
        np.memmap(_column_path(parked, column), dtype=np.int32, mode="r") for column in range(len(CATEGORY_COLUMNS))
    ]
    with ArrayWriter(folder) as writer:
        for start in range(0, rows, WRITE_ROWS):
            here = places[start : start + WRITE_ROWS]
            sparse = np.stack([column[here] for column in columns], axis=1)
            writer.append(dense[here], sparse, label[here])
        writer.finish(header)
