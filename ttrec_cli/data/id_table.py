"""Ids of a column's values in first-seen order, for any number of values in bounded memory of our own.

Arrays above `FILE_BACKED_BYTES` are files of the work folder mapped into memory: the system writes them out
when it needs the room.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.errors import DataError

FILE_BACKED_BYTES = 192 << 20
FIRST_SLOTS = 1 << 12
MAX_IDS = 2**31 - 1


@dataclass
class IdTable:
    """Numbers values: `values` and `counts` have one entry per id, `used` ids so far.

    `stem` is where arrays too large for memory are put; `close` deletes them.
    """

    key_type: np.dtype[np.unsignedinteger]
    stem: Path
    used: int = 0
    _slots: int = FIRST_SLOTS
    _files: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._allocate()

    def number(self, keys: NDArray[np.unsignedinteger]) -> NDArray[np.int32]:
        """The id of each key; unknown ones get the next.

        Raises:
            DataError: there are more values than 32-bit ids.
        """
        from ttrec_cli.data.numbering_loops import number_keys

        ids = np.empty(len(keys), dtype=np.int32)
        place = 0
        while True:
            place, self.used = number_keys(
                keys, place, ids, self._slot_keys, self._slot_ids, self._values, self._counts, self.used
            )
            if place == len(keys):
                return ids
            self._grow()

    def look_up(self, keys: NDArray[np.unsignedinteger]) -> NDArray[np.int32]:
        """The id of each key, −1 where there is none."""
        from ttrec_cli.data.numbering_loops import look_up

        return look_up(keys, self._slot_keys, self._slot_ids)

    @property
    def values(self) -> NDArray[np.unsignedinteger]:
        """The key of each id."""
        return self._values[: self.used]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each id was given."""
        return self._counts[: self.used]

    def close(self) -> None:
        """Delete the files behind large arrays."""
        for path in self._files:
            path.unlink(missing_ok=True)

    def _allocate(self) -> None:
        most = min(self._slots * 2 // 3, MAX_IDS)
        self._slot_keys: NDArray[Any] = self.array("slot-keys", self.key_type, self._slots)
        self._slot_ids: NDArray[Any] = self.array("slot-ids", np.dtype(np.int32), self._slots)
        self._values: NDArray[Any] = self.array("values", self.key_type, most)
        self._counts: NDArray[Any] = self.array("counts", np.dtype(np.int64), most)

    def _grow(self) -> None:
        from ttrec_cli.data.numbering_loops import insert_all

        if self.used >= MAX_IDS:
            raise DataError(f"a column must have at most {MAX_IDS} values; limit them with --index-range")
        values, counts = self.values, self.counts
        self._slots *= 4
        self._allocate()
        self._values[: self.used] = values
        self._counts[: self.used] = counts
        insert_all(self.values, self._slot_keys, self._slot_ids)

    def array(self, name: str, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
        """Zeros, in memory or in a file."""
        if size * dtype.itemsize <= FILE_BACKED_BYTES:
            return np.zeros(size, dtype=dtype)
        path = self.stem.with_name(f"{self.stem.name}.{name}-{size}")
        with path.open("wb") as file:
            os.posix_fallocate(
                file.fileno(), 0, size * dtype.itemsize
            )  # a full disk is an error here, not a crash later
        self._files.append(path)
        return np.asarray(np.memmap(path, dtype=dtype, mode="r+", shape=(size,)))
