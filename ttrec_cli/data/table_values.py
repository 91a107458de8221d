"""Columns of a table made into labels, dense features and keys of categories, with every value checked."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.choices import Choices, Missing, SplitBy, transform
from ttrec_cli.data.columns import Columns
from ttrec_cli.data.raw_log import Kind, Piece, Texts
from ttrec_cli.data.table_bags import TOO_LONG, read_bags
from ttrec_cli.data.table_csv import REMEDY, TableBatch, line_of
from ttrec_cli.data.text_values import MISSING_KEY, encode_texts
from ttrec_cli.errors import DataError

HEX_MISSING = 2**32
"""Key of "no value" where it has an id of its own: no 8 hex digits make it."""

LABEL_RULE = "be 0 or 1"


@dataclass(frozen=True)
class Fault:
    """Rows (n,) that break a rule, and what the rule is: "clicked must be 0 or 1"."""

    wrong: NDArray[np.bool_]
    name: str
    rule: str


@dataclass(frozen=True)
class Values:
    """Values of a categorical column, of the rows one by one, or of all bags; then `rows` says whose each one is."""

    name: str
    array: Any
    rows: NDArray[np.intp] | None = None


@dataclass(frozen=True)
class TableRows:
    """Rows of a file, which is text (`csv`) or typed, and the rules that were found broken."""

    columns: Columns
    kinds: tuple[Kind, ...]
    are_bags: tuple[bool, ...]
    path: Path
    source: TableBatch
    csv: bool
    faults: list[Fault] = field(default_factory=list)

    @property
    def batch(self) -> Any:
        """As a PyArrow record batch."""
        return self.source.batch

    def piece(self, choices: Choices, key_type: np.dtype[np.unsignedinteger], file: int) -> Piece:
        """The good rows, ready to be parked; the first bad one's file, line, column and value.

        Raises:
            DataError: a column holds something else altogether.
        """
        piece = self._parsed(choices, key_type, file)
        if not self.faults:
            return replace(piece, first_bad=self._first_bad(choices, len(piece.label)))
        good = ~np.logical_or.reduce([fault.wrong for fault in self.faults])
        kept = replace(self.source, batch=self.batch.filter(good))
        piece = replace(self, source=kept, faults=[])._parsed(choices, key_type, file)
        lines, first_bad = self._lines, self._first_bad(choices, len(piece.label))
        return replace(piece, lines=lines, next=self.source.next(file), first_bad=first_bad)

    def _parsed(self, choices: Choices, key_type: np.dtype[np.unsignedinteger], file: int) -> Piece:
        """All rows; what is said of those at fault means nothing."""
        keys, texts, lengths = [], {}, {}
        label, dense = self._label(), self._dense(choices)
        for column, (category, kind) in enumerate(zip(self.columns.categorical, self.kinds, strict=True)):
            values = Values(category.column, self.batch.column(category.column))
            if self.are_bags[column]:
                bags = read_bags(values.array, category)
                self._fail(bags.too_long, category.column, TOO_LONG)
                lengths[column] = bags.lengths
                values = Values(category.column, bags.values, np.repeat(np.arange(len(bags.lengths)), bags.lengths))
            numbers, found = self._keys(values, kind, choices)
            keys.append(numbers.astype(key_type))
            if found is not None:
                texts[column] = found
        return Piece(
            label=label,
            dense=dense,
            keys=keys,
            lengths=lengths,
            splits=self._splits() if choices.split is SplitBy.COLUMN else None,
            texts=texts,
            lines=self._lines,
            first_bad=None,
            file=file,
            next=self.source.next(file),
        )

    @property
    def _lines(self) -> int:
        return int(self.batch.num_rows) + len(self.source.malformed)

    def _fail(self, wrong: NDArray[np.bool_], name: str, rule: str) -> None:
        """Notes the wrong rows, if there are any."""
        if wrong.any():
            self.faults.append(Fault(wrong, name, rule))

    def _fail_values(self, wrong: NDArray[np.bool_], values: "Values", rule: str) -> None:
        """Notes the rows of wrong values, if there are any."""
        if values.rows is not None and wrong.any():
            places, wrong = values.rows[wrong], np.zeros(self.batch.num_rows, dtype=np.bool_)
            wrong[places] = True
        self._fail(wrong, values.name, rule)

    def _first_bad(self, choices: Choices, good: int) -> str | None:
        """What is wrong with the first bad line, where that will be told: finding its number reads the file again."""
        start = self.source.first_row == self.source.malformed_before == 0
        if choices.skip_bad_lines and (good or not start):
            return None
        bad = [(line.record, f"must have {line.expected} fields, has {line.fields}") for line in self.source.malformed]
        for fault in self.faults:
            row = int(np.argmax(fault.wrong))
            value = self.batch.column(fault.name)[row].as_py()
            shown = "empty" if self.csv and value is None else ascii(value)[:60]
            bad.append((self.source.record(row), f"{fault.name} must {fault.rule}, is {shown}"))
        if not bad:
            return None
        record, problem = min(bad, key=lambda one: one[0])
        if self.csv:
            return f"{self.path}:{line_of(self.path, record)}: {problem}; {REMEDY}"
        return f"{self.path}: row {record}: {problem}; mend the row, or leave such rows out with --skip-bad-lines"

    def _numbers(self, name: str) -> NDArray[np.float64]:
        """The column as float64, NaN where null, or where a text is no number, which is noted."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.batch.column(name)
        if self.csv:
            column, wrong = numbers_of(column, booleans=name == self.columns.label.column)
            binary = name == self.columns.label.column and self.columns.label.at_least is None
            self._fail(wrong, name, LABEL_RULE if binary else "be a number")
        try:
            column = pc.cast(column, pa.float64(), safe=False)
        except pa.ArrowException:
            raise DataError(f"{self.path}: {name} must hold numbers, holds {column.type}") from None
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)

    def _label(self) -> NDArray[np.uint8]:
        label = self.columns.label
        values = self._numbers(label.column)
        if label.at_least is not None:
            self._fail(np.isnan(values), label.column, "be a number")
            return (values >= label.at_least).astype(np.uint8)
        self._fail((values != 0) & (values != 1), label.column, LABEL_RULE)
        return np.asarray(values == 1, dtype=np.uint8)

    def _dense(self, choices: Choices) -> NDArray[np.float32]:
        if not self.columns.dense:
            return np.zeros((self.batch.num_rows, 1), dtype=np.float32)
        columns = []
        for name in self.columns.dense:
            values = self._numbers(name)
            self._fail(np.isinf(values), name, "be a finite number")
            with np.errstate(over="ignore"):
                feature = transform(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), choices.dense)
            self._fail(~np.isfinite(feature), name, "fit 32 bits")
            columns.append(feature)
        return np.stack(columns, axis=1)

    def _keys(self, values: "Values", kind: Kind, choices: Choices) -> tuple[NDArray[np.uint64], Texts | None]:
        if kind is Kind.HEX:
            return self._hex(values, choices), None
        if kind is Kind.TEXT:
            keys, texts = encode_texts(values.array)
            if choices.index_range is None:
                return keys, texts
            limit = np.uint64(choices.index_range)
            shared = Texts(texts.keys % limit, texts.checks, texts.texts)
            return np.where(keys == MISSING_KEY, keys, keys % limit), shared
        numbers, there = self._integers(values.array)
        if choices.index_range is not None:
            numbers = numbers % choices.index_range
        keys = numbers.astype(np.int64).view(np.uint64)
        self._fail_values(there & (keys == MISSING_KEY), values, "be another number (this one is reserved)")
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

    def _hex(self, given: "Values", choices: Choices) -> NDArray[np.uint64]:
        """Hex digits as numbers, or numbers as they are (below 2^32)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = given.array
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_integer(column.type):
            numbers, there = self._integers(column)
            self._fail_values(there & ((numbers < -(2**31)) | (numbers >= 2**32)), given, "fit 32 bits")
            values = (numbers & 0xFFFFFFFF).astype(np.uint64)
        else:
            there = pc.fill_null(pc.not_equal(column, ""), False).to_numpy(zero_copy_only=False)
            encoded = pc.dictionary_encode(pc.fill_null(column, ""))
            distinct = encoded.dictionary.to_pylist()
            good = [all(digit in "0123456789abcdefABCDEF" for digit in text) and len(text) <= 8 for text in distinct]
            places = encoded.indices.to_numpy()
            self._fail_values(~np.array(good, dtype=np.bool_)[places], given, "be empty or 1 to 8 hex digits")
            digits = [text or "0" if fine else "0" for text, fine in zip(distinct, good, strict=True)]
            values = np.array([int(text, 16) for text in digits], dtype=np.uint64)[places]
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


def numbers_of(texts: Any, *, booleans: bool) -> tuple[Any, NDArray[np.bool_]]:
    """Texts (n,) as PyArrow numbers, null where there is none; and (n,) where a text is no number.

    `booleans`: true and false, in any case, are 1 and 0.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(texts)
    if booleans:
        lower = pc.utf8_lower(texts)
        texts = pc.if_else(pc.equal(lower, "true"), "1", pc.if_else(pc.equal(lower, "false"), "0", texts))
    try:
        return pc.cast(texts, pa.float64()), np.zeros(len(texts), dtype=np.bool_)
    except pa.ArrowException:
        pass
    encoded = pc.dictionary_encode(texts)
    numbers = [_number(text) for text in encoded.dictionary]
    places = encoded.indices
    values = pc.take(pa.array(numbers, pa.float64()), places)
    wrong = pc.fill_null(pc.take(pa.array([number is None for number in numbers]), places), False)
    return values, wrong.to_numpy(zero_copy_only=False)


def _number(text: Any) -> float | None:
    import pyarrow as pa

    try:
        number: float = text.cast(pa.float64()).as_py()
    except pa.ArrowException:
        return None
    return number
