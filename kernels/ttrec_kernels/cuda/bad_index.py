"""Bad indices on a GPU: recorded by the kernels that meet them, raised by the host when it looks."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from ttrec_kernels.cuda.tables import DeviceTables
from ttrec_kernels.errors import BagError, IndexRangeError

BAD_INDEX, BAD_OFFSET = 1, 2
"""Codes, as tables.cuh has them."""

_names: WeakKeyDictionary[DeviceTables, Sequence[str]] = WeakKeyDictionary()


def remember_names(tables: DeviceTables, names: Sequence[str]) -> None:
    """Watch tables that are looked up, under these names."""
    _names[tables] = names


def check_indices() -> None:
    """Wait for the devices; raise the first bad index that a lookup met since the last check, and forget it."""
    for tables, names in tuple(_names.items()):
        raise_bad_index(tables, names)


def raise_bad_index(tables: DeviceTables, names: Sequence[str]) -> None:
    """The same for the tables of one layout: `IndexRangeError` names table and index, `BagError` table and bag."""
    code, table, index = tables.bad.tolist()
    if code == 0:
        return
    tables.bad.zero_()
    name, rows = names[table], tables.rows[table]
    if code == BAD_OFFSET:
        raise BagError(f"offsets of table {name} must rise within the indices given, but do not at bag {index}")
    raise IndexRangeError(f"index {index} lies outside table {name}, which has {rows} rows (0 … {rows - 1})")
