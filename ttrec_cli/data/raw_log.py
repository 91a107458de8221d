"""What every raw click log is to the preparation: rows in order, in pieces, from any place on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices


class Kind(StrEnum):
    """What the values of a categorical column are."""

    HEX = "hex"
    INTEGER = "integer"
    TEXT = "text"


@dataclass(frozen=True)
class Place:
    """Where reading goes on: a file of the log, bytes of its text (or rows) before, number of the next line."""

    file: int = 0
    offset: int = 0
    line: int = 1


@dataclass(frozen=True)
class Texts:
    """Different texts of a column of one piece: their keys, second hashes to tell collisions, themselves."""

    keys: NDArray[np.uint64]
    checks: NDArray[np.uint64]
    texts: Any
    """A PyArrow string array."""


@dataclass(frozen=True)
class Piece:
    """Parsed rows of one file, in order.

    Attributes:
        label: (n,) uint8. dense: (n, D) as stored.
        keys: per column (n,) unsigned, what stands for the values; of a column of bags those of all bags.
        lengths: per column of bags (n,) uint16, the values of each bag.
        splits: (n,) 0 train, 1 test, 2 validation, where a column says so.
        texts: per text column, what its keys stand for.
        lines: lines or rows seen, bad ones included; first_bad: `file:line: rule` of the first one.
        next: where the next piece begins.
    """

    label: NDArray[np.uint8]
    dense: NDArray[np.float32]
    keys: Sequence[NDArray[np.unsignedinteger]] | NDArray[np.unsignedinteger]
    splits: NDArray[np.uint8] | None
    texts: Mapping[int, Texts]
    lines: int
    first_bad: str | None
    file: int
    next: Place
    lengths: Mapping[int, NDArray[np.uint16]] = field(default_factory=dict)


class RawLog(Protocol):
    """A raw click log whose format is known."""

    @property
    def name(self) -> str: ...
    @property
    def files(self) -> tuple[Path, ...]: ...
    @property
    def dense_columns(self) -> tuple[str, ...]: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def kinds(self) -> tuple[Kind, ...]: ...
    @property
    def are_bags(self) -> tuple[bool, ...]: ...
    @property
    def files_are_days(self) -> bool: ...
    @property
    def days(self) -> int: ...
    def key_type(self, choices: Choices) -> np.dtype[np.unsignedinteger]:
        """uint32 or uint64: what holds every value."""

    def missing_key(self, choices: Choices) -> int | None:
        """The key of "no value"; None where the log has none."""

    def identity(self) -> dict[str, Any]:
        """What tells this log from another: names, sizes, times, columns."""

    def estimate_rows(self) -> int:
        """About how many rows there are, at least 1."""

    def pieces(self, place: Place, choices: Choices) -> Iterator[Callable[[], Piece]]:
        """Rows from `place` on; the calls do the work and may run in several threads."""


def file_identity(files: tuple[Path, ...]) -> list[list[Any]]:
    """Name, size and time of change of each file."""
    return [[str(path.resolve()), (facts := path.stat()).st_size, facts.st_mtime_ns] for path in files]
