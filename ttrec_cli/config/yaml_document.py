"""A YAML file as plain values, with the place of every key; hostile documents are refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionStartEvent, ScalarEvent

from ttrec_cli.errors import ConfigError

KeyPath = tuple[str | int, ...]
MAX_FILE_BYTES = 1_000_000
MAX_DEPTH = 20
LARGEST = 2**63
SWEEP_FILE = "a sweep file"


@dataclass
class Document:
    """Plain values of a YAML mapping and where each key stands, as `file:line:column`."""

    source: str
    values: dict[str, Any]
    places: dict[KeyPath, str] = field(default_factory=dict)

    def place(self, path: KeyPath) -> str:
        """Where the nearest enclosing key of `path` stands."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return f"{self.source}:1:1"

    def set(self, dotted_key: str, value: Any, place: str) -> None:
        """Put a value at `train.learning_rate`; mappings on the way are made."""
        *parents, last = dotted_key.split(".")
        target = self.values
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise ConfigError(f"{place}: {parent!r} is not a mapping, so {dotted_key!r} cannot be set")
        target[last] = value
        keys = tuple(dotted_key.split("."))
        self.places = {path: old for path, old in self.places.items() if path[: len(keys)] != keys}
        for length in range(1, len(keys)):
            self.places.setdefault(keys[:length], place)
        self.places[keys] = place

    def merged_with(self, path: str) -> "Document":
        """This document with the mapping at the top-level key `path` laid over it; `data` is replaced whole."""
        over = self.values[path]
        values = {key: value for key, value in self.values.items() if key != path}
        places = {key: place for key, place in self.places.items() if key[:1] != (path,)}
        for key, value in over.items():
            mergeable = isinstance(value, dict) and isinstance(values.get(key), dict)
            values[key] = values[key] | value if mergeable and key not in ("data", "grid") else value
        places |= {key[1:]: place for key, place in self.places.items() if key[:1] == (path,) and len(key) > 1}
        return Document(self.source, values, places)


def read_document(path: Path, what: str = SWEEP_FILE) -> Document:
    """Read a YAML mapping; `ConfigError` with file, line and column for anything that is not plain YAML.

    Errors call the file `what`, such as "a columns file".
    """
    document = Document(str(path), {})
    values = _read(path, document, what)
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1:1: {what} is a mapping of keys, but this holds {_kind(values)}")
    document.values = values
    return document


def read_values(path: Path, what: str) -> Any:
    """Plain values of any YAML file, by the same rules; errors call it `what`, such as "a table plan"."""
    return _read(path, Document(str(path), {}), what)


def _read(path: Path, document: Document, what: str) -> Any:
    try:
        text = read_text(path, what)
        _refuse_tricks(text, str(path))
        return _plain(YAML(typ="rt", pure=True).load(text), (), document)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"
        problem = " ".join((error.problem or "not readable as YAML").split())
        raise ConfigError(f"{place}: {problem}; mend the YAML there") from None
    except (YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise ConfigError(f"{path}:1:1: not readable as YAML: {' '.join(str(error).split())[:200]}") from None


def parse_value(text: str) -> Any:
    """One YAML value written on the command line; a plain string where it is not YAML."""
    try:
        _refuse_tricks(text, "--set")
        return _plain(YAML(typ="rt", pure=True).load(text), (), Document("--set", {}))
    except (YAMLError, ValueError):
        return text


def read_text(path: Path, what: str = SWEEP_FILE) -> str:
    """A file's text, if it is UTF-8 and not too large; `ConfigError` otherwise."""
    hint = "see sweeps/ for examples" if what == SWEEP_FILE else "check the path"
    try:
        with path.open("rb") as file:  # a device or a pipe has no size to ask for
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: {what} has at most {MAX_FILE_BYTES} bytes, but this has more")
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: {what} is UTF-8 text, but byte {error.start} is not") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder, but must be {what}; {hint}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot be read: {reason}; {hint}") from None


def _refuse_tricks(text: str, source: str) -> None:
    """Tags could name types, aliases could multiply without end: a sweep file needs neither."""
    depth = 0
    for event in YAML(typ="rt", pure=True).parse(text):
        mark = event.start_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}"
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(f"{place}: anchors and aliases are not read; write the value out")
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            raise ConfigError(f"{place}: YAML tags are not read; remove {str(event.tag)[:40]!r}")
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ConfigError(f"{place}: nested deeper than {MAX_DEPTH} levels")
        elif type(event).__name__.endswith("EndEvent"):
            depth -= 1


def _plain(node: Any, path: KeyPath, document: Document) -> Any:
    if isinstance(node, Mapping):
        result: dict[str, Any] = {}
        for key, value in node.items():
            child = (*path, str(key))
            line, column = node.lc.key(key)  # type: ignore[attr-defined]
            document.places[child] = f"{document.source}:{line + 1}:{column + 1}"
            result[str(key)] = _plain(value, child, document)
        return result
    if isinstance(node, list):
        for index in range(len(node)):
            line, column = node.lc.item(index)  # type: ignore[attr-defined]
            document.places[(*path, index)] = f"{document.source}:{line + 1}:{column + 1}"
        return [_plain(value, (*path, index), document) for index, value in enumerate(node)]
    if isinstance(node, int) and abs(node) > LARGEST:  # a thousand digits cannot even be shown
        raise ConfigError(f"{document.place(path)}: a whole number lies within ±2^63, but this does not")
    return _plain_scalar(node)


def _plain_scalar(node: Any) -> Any:
    if node is None or isinstance(node, bool):
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    if type(node).__name__ == "ScalarBoolean":
        return bool(node)
    return str(node)


def _kind(node: Any) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(_plain_scalar(node)), "something else")
