"""Measurements of bench items on disk: what was measured, of which plan, by which code, where."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ttrec_cli.config.bench_plans import BenchPlan
from ttrec_cli.errors import DataError
from ttrec_cli.paper.catalogue import Scale

MAX_RECORD_BYTES = 50_000_000
CODE = {
    "sizes": ("ttrec_kernels", "ttrec_cli.planning"),
    "density": ("ttrec_kernels", "ttrec_cli.bench"),
    "lookup": ("ttrec_kernels", "ttrec_cli.bench"),
    "cache": ("ttrec_kernels", "ttrec_cli.bench"),
    "step": ("ttrec_kernels", "ttrec_cli.bench", "ttrec_cli.dlrm"),
    "hot-rows": ("ttrec_cli.data",),
}
"""Packages whose sources decide a measurement: it is made again when one of them has changed."""
FORM = ("ttrec_cli.paper", "measure.py")
"""What decides the form of a record's content: one of another form cannot be read."""


@dataclass(frozen=True)
class Record:
    """`content` is what was measured, as plain values; `machine` where and with what; `seconds` how long it took.

    `form` names plan and form of the content, `key` the code behind it too.
    """

    key: str
    form: str
    content: Mapping[str, Any]
    machine: Mapping[str, Any]
    started_at: str
    seconds: float


def form_of(plan: BenchPlan) -> str:
    """A hash of the plan and of what decides the content's form."""
    package, module = FORM
    return _hash(plan.model_dump_json().encode(), files(package).joinpath(module).read_bytes())


def key_of(plan: BenchPlan) -> str:
    """A hash of the plan, the content's form and all the code that measures."""
    sources = [source for package in CODE[plan.bench] for source in _sources(files(package))]
    return _hash(form_of(plan).encode(), *(source.read_bytes() for source in sources))


def _hash(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]


def read_record(out: Path, name: str, scale: Scale) -> Record | None:
    """The record of an item at a scale; None where there is none. Raises `DataError` for one that is broken."""
    path = _path(out, name, scale)
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(MAX_RECORD_BYTES))
        return Record(
            str(values["key"]),
            str(values["form"]),
            dict(values["content"]),
            dict(values["machine"]),
            str(values["started_at"]),
            float(values["seconds"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{path} is broken: it is no record of a measurement; run it again") from None


def write_record(out: Path, name: str, scale: Scale, record: Record) -> None:
    """Write a record whole or not at all; `DataError` where it cannot be."""
    path = _path(out, name, scale)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(vars(record), ensure_ascii=False), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}; free space or choose --out") from None


def _path(out: Path, name: str, scale: Scale) -> Path:
    return out / "items" / f"{name}-{scale.value}.json"


def _sources(folder: Traversable) -> list[Traversable]:
    inside = sorted(folder.iterdir(), key=lambda entry: entry.name)
    own = [entry for entry in inside if entry.is_file() and entry.name.endswith((".py", ".cu"))]
    return own + [each for entry in inside if entry.is_dir() for each in _sources(entry)]
