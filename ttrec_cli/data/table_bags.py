"""Columns of lists: bags of values, of bounded length."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.columns import CategoryColumn

MOST_VALUES = 256
"""Of a list whose column does not say how many to keep: each row takes the room of the longest."""

TOO_LONG = (
    f"hold at most {MOST_VALUES} values; say how many of the last ones to keep, as {{column: …, at_most: 50}}, "
    "in the columns file"
)


@dataclass(frozen=True)
class Bags:
    """Values of all rows behind one another, how many each row has, and (n,) where a list was too long to be kept."""

    values: Any
    lengths: NDArray[np.uint16]
    too_long: NDArray[np.bool_]


def is_list(type_: Any) -> bool:
    """Whether a PyArrow type is one of lists."""
    import pyarrow as pa

    return any(check(type_) for check in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def read_bags(column: Any, category: CategoryColumn) -> Bags:
    """The bags of a PyArrow column of lists, or of texts with a separator; null and empty ones have no values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if category.separator is not None:
        column = _split(column, category.separator)
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    values = pc.list_flatten(column)
    most = category.at_most or MOST_VALUES
    kept = np.minimum(lengths, most)
    if (lengths > most).any():
        places = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        values = values.filter(pa.array(places >= np.repeat(lengths - kept, lengths)))
    too_long = np.zeros(len(lengths), dtype=np.bool_) if category.at_most else lengths > most
    return Bags(values, kept.astype(np.uint16), too_long)


def _split(column: Any, separator: str) -> Any:
    """Texts cut into lists; empty ones have no values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pc.split_pattern(pc.if_else(pc.equal(column, ""), None, column), separator)
