"""`meta.json`, the page that says what a dataset folder holds, and the checks before any of it is believed.

Whoever hands over a dataset may have written anything into this file: it is read as plain JSON, every
type and size is checked, and no name in it is ever used as a path.
"""

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ttrec_cli import __version__
from ttrec_cli.data.days import SPLIT_NAMES
from ttrec_cli.errors import DataError

SCHEMA = "ttrec-click-log"
SCHEMA_VERSION = 1
MANIFEST_FILE = "meta.json"
DENSE_FILE, SPARSE_FILE, LABEL_FILE = ARRAY_FILES = ("dense.f32", "sparse.i32", "label.u8")
DAY_FILE = "day.u8"
VOCABULARY_FOLDER = "vocabulary"
MAX_DAYS = 255

MAX_MANIFEST_BYTES = 1 << 20
MAX_COLUMNS = 10_000
MAX_BAG_VALUES = 4096
"""Each row has room for its column's longest bag."""

MAX_CARDINALITY = 2**31 - 1
"""Ids are stored as int32."""


OPTIONAL = ("days", "vocabulary", "bag_widths")
"""Fields that are left out where they say nothing."""


def array_files(days: int) -> tuple[str, ...]:
    """The array files of a dataset of so many known days."""
    return (*ARRAY_FILES, DAY_FILE) if days else ARRAY_FILES


def vocabulary_file(folder: Path, column: int, name: str) -> Path:
    """A column's vocabulary in a dataset: its number, and what of its name is harmless in a path."""
    harmless = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:40]
    return folder / VOCABULARY_FOLDER / f"{column:04}-{harmless}.parquet"


@dataclass(frozen=True)
class Manifest:
    """What `meta.json` says: enough to map the arrays, and how they came to be.

    Attributes:
        splits: first row and one past the last row of each split.
        missing_ids: per column, the id that stands for "no value", or None where nothing is missing.
        digests: SHA-256 of each array file, in hex.
        choices: everything chosen that changes the content (order, seed, missing policy, …).
        fingerprint: of the content; of a synthetic set, of its specification.
        days: days of the log when `day.u8` says which one each row is from; 0 where there is no such file.
        vocabulary: SHA-256 of each column's vocabulary; empty where there are none.
        bag_widths: per column, the slots of its bags in `sparse.i32`, 0 where each row holds one value; empty where
            no column holds bags. Bags shorter than that end in −1.
    """

    name: str
    synthetic: bool
    rows: int
    dense_columns: tuple[str, ...]
    columns: tuple[str, ...]
    cardinalities: tuple[int, ...]
    missing_ids: tuple[int | None, ...]
    splits: Mapping[str, tuple[int, int]]
    choices: Mapping[str, Any]
    digests: Mapping[str, str]
    fingerprint: str
    days: int = 0
    vocabulary: tuple[str, ...] = ()
    bag_widths: tuple[int, ...] = ()

    @property
    def slots(self) -> int:
        """Numbers in a row of `sparse.i32`."""
        return sum(max(1, width) for width in self.bag_widths or (0,) * len(self.columns))

    def array_bytes(self) -> dict[str, int]:
        """The exact size of each array file."""
        width = {DENSE_FILE: 4 * len(self.dense_columns), SPARSE_FILE: 4 * self.slots, LABEL_FILE: 1}
        return {name: self.rows * width.get(name, 1) for name in array_files(self.days)}

    def to_json(self) -> str:
        """The file's text, sealed: an edited file is recognised."""
        body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "ttrec_version": __version__} | asdict(self)
        body = {key: value for key, value in body.items() if key not in OPTIONAL or value}
        return json.dumps(body | {"seal": _digest(body)}, indent=1, ensure_ascii=False) + "\n"


def content_fingerprint(
    columns: tuple[str, ...],
    cardinalities: tuple[int, ...],
    splits: Mapping[str, tuple[int, int]],
    digests: Mapping[str, str],
    bag_widths: tuple[int, ...] = (),
) -> str:
    """What two datasets share exactly when models train on the same numbers, whatever their origin."""
    arrays = {name: digests[name] for name in ARRAY_FILES}
    content = {"columns": columns, "cardinalities": cardinalities, "splits": splits, "digests": arrays}
    return _digest(content | ({"bag_widths": bag_widths} if bag_widths else {}))


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """What the folder's `meta.json` says, checked in itself and against the sizes of the array files.

    Raises:
        DataError: the folder is no dataset, of another schema version, edited, or incomplete.
    """
    path = folder / MANIFEST_FILE
    body = _read_json(path)
    if body.get("schema") != SCHEMA:
        raise DataError(f"{path}: is not the meta.json of a dataset; make one with: ttrec data prepare")
    if body.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema version is {_shown(body.get('schema_version'))}, this ttrec reads {SCHEMA_VERSION}; "
            "prepare the dataset again"
        )
    seal = body.pop("seal", None)
    if seal != _digest(body):
        raise DataError(f"{path}: was edited after it was written; prepare the dataset again")
    manifest = _Checked(path, body).manifest()
    _check_sizes(folder, manifest)
    return manifest


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.parent.is_file():
            raise DataError(
                f"{path.parent}: is a file, but must be the folder of a prepared dataset; "
                "prepare the file first: ttrec data prepare"
            )
        if not path.parent.is_dir():
            raise DataError(f"{path.parent}: there is no such folder; make one with: ttrec data prepare")
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: must be a regular file")
        with path.open("rb") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
        if len(text) > MAX_MANIFEST_BYTES:
            raise DataError(f"{path}: is larger than {MAX_MANIFEST_BYTES} bytes, too large to be ours")
        body = json.loads(text)
    except FileNotFoundError:
        raise DataError(
            f"{path.parent}: holds no whole dataset ({MANIFEST_FILE} is missing); make one with: ttrec data prepare"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not valid JSON ({error}); prepare the dataset again") from None
    if not isinstance(body, dict):
        raise DataError(f"{path}: must hold one JSON object, holds a {type(body).__name__}")
    return body


def _check_sizes(folder: Path, manifest: Manifest) -> None:
    for name, expected in manifest.array_bytes().items():
        path = folder / name
        try:
            facts = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}; prepare the dataset again") from None
        if not stat.S_ISREG(facts.st_mode):
            raise DataError(f"{path}: must be a regular file")
        if facts.st_size != expected:
            raise DataError(
                f"{path}: must have {expected} bytes for {manifest.rows} rows, has {facts.st_size}; "
                "prepare the dataset again"
            )


def _shown(value: object) -> str:
    return ascii(value)[:60]


class _Checked:
    """Reads fields of a JSON object that nobody vouches for."""

    def __init__(self, path: Path, body: Mapping[str, Any]) -> None:
        self._path = path
        self._body = body

    def manifest(self) -> Manifest:
        rows = self._integer("rows", self._body.get("rows"), 1, 2**62)
        days = self._integer("days", self._body.get("days", 0), 0, MAX_DAYS)
        columns = self._names("columns")
        cardinalities = tuple(
            self._integer("cardinalities", value, 1, MAX_CARDINALITY)
            for value in self._list("cardinalities", len(columns))
        )
        return Manifest(
            name=self._text("name", self._body.get("name")),
            synthetic=self._typed("synthetic", self._body.get("synthetic"), bool),
            rows=rows,
            dense_columns=self._names("dense_columns"),
            columns=columns,
            cardinalities=cardinalities,
            missing_ids=self._missing_ids(cardinalities),
            splits=self._splits(rows),
            choices=self._typed("choices", self._body.get("choices"), dict),
            digests=self._digests(array_files(days)),
            fingerprint=self._hex("fingerprint", self._body.get("fingerprint")),
            days=days,
            vocabulary=self._vocabulary(len(columns)),
            bag_widths=self._bag_widths(len(columns)),
        )

    def _fail(self, field: str, rule: str, value: object) -> DataError:
        return DataError(f"{self._path}: {field} must {rule}, is {_shown(value)}; prepare the dataset again")

    def _typed(self, field: str, value: object, kind: type) -> Any:
        if type(value) is not kind:
            raise self._fail(field, f"be of type {kind.__name__}", value)
        return value

    def _integer(self, field: str, value: object, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            raise self._fail(field, f"be a whole number from {low} to {high}", value)
        return value

    def _text(self, field: str, value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= 100:
            raise self._fail(field, "be 1 to 100 printable characters", value)
        return value

    def _hex(self, field: str, value: object) -> str:
        if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
            raise self._fail(field, "be 64 hex digits", value)
        return value

    def _list(self, field: str, length: int | None = None) -> list[Any]:
        values: list[Any] = self._typed(field, self._body.get(field), list)
        if len(values) > MAX_COLUMNS or (length is not None and len(values) != length):
            raise self._fail(field, f"have {length if length is not None else f'<= {MAX_COLUMNS}'} entries", values)
        return values

    def _names(self, field: str) -> tuple[str, ...]:
        names = tuple(self._text(field, value) for value in self._list(field))
        if not names or len(set(names)) != len(names):
            raise self._fail(field, "be at least one name, all different", list(names))
        return names

    def _missing_ids(self, cardinalities: tuple[int, ...]) -> tuple[int | None, ...]:
        values = self._list("missing_ids", len(cardinalities))
        return tuple(
            None if value is None else self._integer("missing_ids", value, 0, cardinality - 1)
            for value, cardinality in zip(values, cardinalities, strict=True)
        )

    def _splits(self, rows: int) -> dict[str, tuple[int, int]]:
        splits = self._typed("splits", self._body.get("splits"), dict)
        if set(splits) != set(SPLIT_NAMES):
            raise self._fail("splits", f"be exactly {', '.join(SPLIT_NAMES)}", sorted(splits))
        bounds: dict[str, tuple[int, int]] = {}
        end = 0
        for name in SPLIT_NAMES:
            pair = splits[name]
            if not isinstance(pair, list) or len(pair) != 2:
                raise self._fail(f"splits.{name}", "be [first row, row after the last]", pair)
            start = self._integer(f"splits.{name}", pair[0], end, rows)
            end = self._integer(f"splits.{name}", pair[1], start, rows)
            bounds[name] = (start, end)
        return bounds

    def _digests(self, files: tuple[str, ...]) -> dict[str, str]:
        digests = self._typed("digests", self._body.get("digests"), dict)
        if set(digests) != set(files):
            raise self._fail("digests", f"be exactly those of {', '.join(files)}", sorted(digests))
        return {name: self._hex(f"digests.{name}", digests[name]) for name in files}

    def _vocabulary(self, columns: int) -> tuple[str, ...]:
        if not self._body.get("vocabulary"):
            return ()
        return tuple(self._hex("vocabulary", value) for value in self._list("vocabulary", columns))

    def _bag_widths(self, columns: int) -> tuple[int, ...]:
        if not self._body.get("bag_widths"):
            return ()
        widths = self._list("bag_widths", columns)
        return tuple(self._integer("bag_widths", width, 0, MAX_BAG_VALUES) for width in widths)
