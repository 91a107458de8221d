"""Criteo's raw logs: Kaggle's `train.txt`, Terabyte's `day_0` … `day_23`, plain or compressed.

By the rules of the DLRM script: ids are contiguous in the order of first appearance over all days, test
included; a missing category is hex 0; dense features become log(max(x, 0) + 1); a log in one file is cut
into 7 days; all but the last day are trained on, shuffled across days, and the last is halved.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices, Missing, Order, SplitBy, transform
from ttrec_cli.data.click_log import ClickLog
from ttrec_cli.data.criteo_lines import CATEGORY_COLUMNS, DENSE_COLUMNS, RawRows, parse_block
from ttrec_cli.data.days import DAYS
from ttrec_cli.data.manifest import MAX_DAYS
from ttrec_cli.data.prepare import Stages, no_stages, prepare
from ttrec_cli.data.raw_lines import LineBlock, check_source, estimate_lines, read_lines
from ttrec_cli.data.raw_log import Kind, Piece, Place, file_identity
from ttrec_cli.errors import ConfigError, DataError

KAGGLE, TERABYTE = "criteo-kaggle", "criteo-terabyte"
DAY_NAME = re.compile(r"day_(\d+)(\.txt|\.tsv)?(\.gz|\.zst)?")
OWN_KEY = 2**32
"""Key of "no value" where it has an id of its own: no 8 hex digits make it."""


@dataclass(frozen=True)
class CriteoLog:
    """Text files of Criteo's layout; several are days, one is cut into days."""

    name: str
    files: tuple[Path, ...]

    @property
    def dense_columns(self) -> tuple[str, ...]:
        """I1 … I13."""
        return DENSE_COLUMNS

    @property
    def columns(self) -> tuple[str, ...]:
        """C1 … C26."""
        return CATEGORY_COLUMNS

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All are hex digits."""
        return (Kind.HEX,) * len(CATEGORY_COLUMNS)

    @property
    def are_bags(self) -> tuple[bool, ...]:
        """None is."""
        return (False,) * len(CATEGORY_COLUMNS)

    @property
    def files_are_days(self) -> bool:
        """Whether each file is a day."""
        return len(self.files) > 1

    @property
    def days(self) -> int:
        """How many there are."""
        return len(self.files) if self.files_are_days else DAYS

    def key_type(self, choices: Choices) -> np.dtype[np.unsignedinteger]:
        """32 bits hold every value, but not "no value" besides."""
        return np.dtype(np.uint32 if choices.missing is Missing.ZERO else np.uint64)

    def missing_key(self, choices: Choices) -> int:
        """Hex 0, or a key of its own."""
        return 0 if choices.missing is Missing.ZERO else OWN_KEY

    def identity(self) -> dict[str, Any]:
        """The format and its files."""
        return {"name": self.name, "files": file_identity(self.files)}

    def estimate_rows(self) -> int:
        """From the length of the first lines of each file."""
        return sum(estimate_lines(path) for path in self.files)

    def pieces(self, place: Place, choices: Choices) -> Iterator[Callable[[], Piece]]:
        """Blocks of lines, parsed when called."""
        if choices.split is SplitBy.COLUMN:
            raise ConfigError("Criteo's logs have no column that says the split; use --split day or random")
        for number in range(place.file, len(self.files)):
            here = place if number == place.file else Place(number)
            for block in read_lines(self.files[number], offset=here.offset, first_line=here.line):
                yield partial(_parse, self.files[number], number, block, choices)


def _parse(path: Path, file: int, block: LineBlock, choices: Choices) -> Piece:
    rows = parse_block(block)
    bad = rows.first_bad
    return Piece(
        label=rows.label,
        dense=transform(rows.integers.astype(np.float64), choices.dense),
        keys=_keys(rows, choices),
        splits=None,
        texts={},
        lines=rows.lines,
        first_bad=None if bad is None else f"{path}:{bad[0]}: {bad[1]}",
        file=file,
        next=Place(file, block.end, block.first_line + rows.lines),
    )


def _keys(rows: RawRows, choices: Choices) -> NDArray[np.unsignedinteger]:
    keys: NDArray[np.unsignedinteger] = rows.categories
    if choices.index_range is not None:
        keys = keys % np.uint32(choices.index_range)
    if choices.missing is Missing.ZERO:
        return keys
    bits = np.arange(len(CATEGORY_COLUMNS), dtype=np.uint32)[:, None]
    return np.where(rows.missing >> bits & np.uint32(1), np.uint64(OWN_KEY), keys.astype(np.uint64))


def kaggle_log(source: Path) -> CriteoLog:
    """`train.txt`. Raises `DataError` when it is not there or of another kind."""
    check_source(source)
    return CriteoLog(KAGGLE, (source,))


def terabyte_log(source: Path) -> CriteoLog:
    """A folder with `day_0` … `day_N`, or a pattern such as `logs/day_*.gz`.

    Raises:
        DataError: there are fewer than two days, one is missing in the middle, is there twice, or cannot be read.
    """
    paths = sorted(source.iterdir()) if source.is_dir() else sorted(source.parent.glob(source.name))
    days: dict[int, Path] = {}
    for path in paths:
        match = DAY_NAME.fullmatch(path.name)
        if match and path.is_file():
            day = int(match[1])
            if day in days:
                raise DataError(f"{path}: day {day} is there twice, also as {days[day].name}; keep one of them")
            days[day] = path
    if len(days) < 2:
        raise DataError(f"{source}: must hold at least two days, named day_0, day_1, …; has {len(days)}")
    if len(days) > MAX_DAYS:
        raise DataError(f"{source}: must hold at most {MAX_DAYS} days, has {len(days)}")
    for day in range(min(days), max(days)):
        if day not in days:
            raise DataError(f"{source}: day_{day} is missing between day_{min(days)} and day_{max(days)}; fetch it")
    files = tuple(days[day] for day in sorted(days))
    for path in files:
        check_source(path)
    return CriteoLog(TERABYTE, files)


def prepare_criteo_kaggle(
    source: Path,
    out: Path,
    *,
    order: Order = Order.SHUFFLED,
    seed: int = 0,
    skip_bad_lines: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    stages: Stages = no_stages,
) -> ClickLog:
    """Prepare `train.txt` with the DLRM script's choices; see `prepare`."""
    choices = Choices(order=Order(order), seed=seed, skip_bad_lines=skip_bad_lines)
    return prepare(kaggle_log(Path(source)), out, choices, overwrite=overwrite, threads=threads, stages=stages)
