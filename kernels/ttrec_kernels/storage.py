"""TT cores on disk: one safetensors file, whose metadata is one JSON text with the shape and a schema version."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ttrec_kernels.errors import ShapeError, StorageError
from ttrec_kernels.shapes import TTShape

METADATA_KEY = "ttrec"
SCHEMA_VERSION = 1
MAX_METADATA = 10**6
MAX_CORES = 16


def save_cores(path: Path | str, cores: Sequence[Tensor], shape: TTShape) -> None:
    """Write cores (p_k, r_{k-1}, q_k, r_k) as tensors `core_0` …, in their dtype, whole or not at all.

    Raises `StorageError` when the file cannot be written.
    """
    path = Path(path)
    tensors = {f"core_{k}": core.detach().cpu().contiguous() for k, core in enumerate(cores)}
    text = json.dumps({"schema_version": SCHEMA_VERSION, "kind": "tt", **shape_record(shape)}, sort_keys=True)
    beside = path.with_name(f".{path.name}.partial")
    try:
        save_file(tensors, beside, metadata={METADATA_KEY: text})
        beside.replace(path)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{path}: cannot be written: {error}") from None
    finally:
        beside.unlink(missing_ok=True)


def load_cores(path: Path | str) -> tuple[tuple[Tensor, ...], TTShape]:
    """Cores and shape of a file that `save_cores` wrote.

    Nothing in it is trusted. Raises `StorageError`, which names the file and the rule.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            shape = _read_shape((file.metadata() or {}).get(METADATA_KEY), path)
            names = [f"core_{k}" for k in range(shape.cores)]
            if sorted(file.keys()) != sorted(names):
                raise StorageError(f"{path}: must hold the tensors {', '.join(names)}, but holds {len(file.keys())}")
            cores = tuple(file.get_tensor(name) for name in names)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{path}: not readable as safetensors: {error}") from None
    if tuple(tuple(core.shape) for core in cores) != shape.core_shapes or not all(
        core.is_floating_point() for core in cores
    ):
        raise StorageError(f"{path}: its cores do not have the shapes {shape.core_shapes} that its metadata says")
    return cores, shape


def shape_record(shape: TTShape) -> dict[str, Any]:
    """A shape as plain values, with the keys of a table plan."""
    return {
        "rows": shape.rows,
        "dim": shape.dim,
        "row_factors": list(shape.row_factors),
        "dim_factors": list(shape.dim_factors),
        "ranks": list(shape.ranks),
    }


def _read_shape(text: str | None, path: Path) -> TTShape:
    if text is None or len(text) > MAX_METADATA:
        raise StorageError(f"{path}: has no metadata `{METADATA_KEY}`, so it is no file of TT cores")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise StorageError(f"{path}: its metadata `{METADATA_KEY}` is not JSON") from None
    if not isinstance(record, Mapping) or record.get("schema_version") != SCHEMA_VERSION:
        raise StorageError(f"{path}: its schema version must be {SCHEMA_VERSION}; a newer ttrec may read it")
    lists = [record.get(key) for key in ("row_factors", "dim_factors", "ranks")]
    if not all(isinstance(values, list) and len(values) <= MAX_CORES + 1 for values in lists):
        raise StorageError(f"{path}: row_factors, dim_factors and ranks must be lists of at most {MAX_CORES + 1}")
    try:
        return TTShape(record.get("rows", 0), record.get("dim", 0), *(tuple(values) for values in lists if values))
    except (ShapeError, TypeError) as error:
        raise StorageError(f"{path}: {error}") from None
