"""Columns of a table made into labels, dense features and keys of categories, with every value checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices, Missing, SplitBy, transform
from ttrec_cli.data.columns import Columns
from ttrec_cli.data.raw_log import Kind, Piece, Place, Texts
from ttrec_cli.data.text_values import MISSING_KEY, encode_texts
from ttrec_cli.errors import DataError

HEX_MISSING = 2**32
"""Key of "no value" where it has an id of its own: no 8 hex digits make it."""


@dataclass(frozen=True)
class TableRows:
    """Rows `first_row`, … of a file, as a PyArrow record batch."""

    columns: Columns
    kinds: tuple[Kind, ...]
    path: Path
    first_row: int
    batch: Any

    def piece(self, choices: Choices, key_type: np.dtype[np.unsignedinteger], file: int) -> Piece:
        """The rows, ready to be parked.

        Raises:
            DataError: a value is not what its column must hold; says file, row, column and value.
        """
        keys, texts = [], {}
        for column, (name, kind) in enumerate(zip(self.columns.categorical, self.kinds, strict=True)):
            values, found = self._keys(name, kind, choices)
            keys.append(values.astype(key_type))
            if found is not None:
                texts[column] = found
        rows = self.batch.num_rows
        return Piece(
            label=self._label(),
            dense=self._dense(choices),
            keys=np.stack(keys),
            splits=self._splits() if choices.split is SplitBy.COLUMN else None,
            texts=texts,
            lines=rows,
            first_bad=None,
            file=file,
            next=Place(file, self.first_row + rows),
        )

    def _fail(self, wrong: NDArray[np.bool_], name: str, rule: str) -> None:
        """Raises for the first wrong row, if there is one."""
        if wrong.any():
            place = int(np.argmax(wrong))
            value = self.batch.column(name)[place].as_py()
            shown = ascii(value)[:60]
            raise DataError(f"{self.path}: row {self.first_row + place}: {name} must {rule}, is {shown}; mend the row")

    def _numbers(self, name: str) -> NDArray[np.float64]:
        """The column as float64, NaN where null."""
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            column = pc.cast(self.batch.column(name), pa.float64(), safe=False)
        except pa.ArrowException:
            type_ = self.batch.column(name).type
            raise DataError(f"{self.path}: {name} must hold numbers, holds {type_}") from None
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)

    def _label(self) -> NDArray[np.uint8]:
        label = self.columns.label
        values = self._numbers(label.column)
        if label.at_least is not None:
            self._fail(np.isnan(values), label.column, "be a number")
            return (values >= label.at_least).astype(np.uint8)
        self._fail((values != 0) & (values != 1), label.column, "be 0 or 1")
        return values.astype(np.uint8)

    def _dense(self, choices: Choices) -> NDArray[np.float32]:
        if not self.columns.dense:
            return np.zeros((self.batch.num_rows, 1), dtype=np.float32)
        columns = []
        for name in self.columns.dense:
            values = self._numbers(name)
            self._fail(np.isinf(values), name, "be a finite number")
            feature = transform(np.nan_to_num(values, nan=0.0), choices.dense)
            self._fail(~np.isfinite(feature), name, "fit 32 bits")
            columns.append(feature)
        return np.stack(columns, axis=1)

    def _keys(self, name: str, kind: Kind, choices: Choices) -> tuple[NDArray[np.uint64], Texts | None]:
        column = self.batch.column(name)
        if kind is Kind.HEX:
            return self._hex(name, column, choices), None
        if kind is Kind.TEXT:
            keys, texts = encode_texts(column)
            if choices.index_range is None:
                return keys, texts
            limit = np.uint64(choices.index_range)
            shared = Texts(texts.keys % limit, texts.checks, texts.texts)
            return np.where(keys == MISSING_KEY, keys, keys % limit), shared
        values, there = self._integers(column)
        if choices.index_range is not None:
            values = values % choices.index_range
        keys = values.astype(np.int64).view(np.uint64)
        self._fail(there & (keys == MISSING_KEY), name, "be another number (this one is reserved)")
        return np.where(there, keys, np.uint64(MISSING_KEY)), None

    def _integers(self, column: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Values, 0 where null, and where there are any."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_temporal(column.type):
            width = pa.int32() if column.type.bit_width == 32 else pa.int64()
            column = pc.cast(column, width)
        there = pc.is_valid(column).to_numpy(zero_copy_only=False)
        numbers = pc.fill_null(pc.cast(column, pa.int64(), safe=False), 0).to_numpy(zero_copy_only=False)
        return numbers, there

    def _hex(self, name: str, column: Any, choices: Choices) -> NDArray[np.uint64]:
        """Hex digits as numbers, or numbers as they are (below 2^32)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_integer(column.type):
            numbers, there = self._integers(column)
            self._fail(there & ((numbers < -(2**31)) | (numbers >= 2**32)), name, "fit 32 bits")
            values = (numbers & 0xFFFFFFFF).astype(np.uint64)
        else:
            there = pc.fill_null(pc.not_equal(column, ""), False).to_numpy(zero_copy_only=False)
            encoded = pc.dictionary_encode(pc.fill_null(column, ""))
            distinct = encoded.dictionary.to_pylist()
            good = [all(digit in "0123456789abcdefABCDEF" for digit in text) and len(text) <= 8 for text in distinct]
            places = encoded.indices.to_numpy()
            self._fail(~np.array(good)[places], name, "be empty or 1 to 8 hex digits")
            values = np.array([int(text or "0", 16) for text in distinct], dtype=np.uint64)[places]
        if choices.index_range is not None:
            values = values % np.uint64(choices.index_range)
        return np.where(there, values, np.uint64(0 if choices.missing is Missing.ZERO else HEX_MISSING))

    def _splits(self) -> NDArray[np.uint8]:
        import pyarrow as pa
        import pyarrow.compute as pc

        rule = self.columns.split
        if rule is None:
            raise DataError(f"{self.path}: the columns file names no split column")
        texts = pc.cast(self.batch.column(rule.column), pa.string())
        codes = np.zeros(self.batch.num_rows, dtype=np.uint8)
        for code, values in ((1, rule.test), (2, rule.validation)):
            member = pc.is_in(texts, pa.array([str(value) for value in values]))
            codes[member.to_numpy(zero_copy_only=False)] = code
        return codes
