"""Trained tables in files: .npy, .safetensors, and state dicts in .pt. Nothing in them is trusted, no code is run."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ttrec_kernels.errors import StorageError
from ttrec_kernels.unfolding import Table

TABLE_FILE = re.compile(r"(?P<path>.+\.(?P<kind>npy|safetensors|pt|pth))(?::(?P<name>.+))?", re.IGNORECASE | re.DOTALL)
"""`table.npy`, or a file of several tables and the name of one: `model.pt:user.weight`."""

SHOWN_NAMES = 20


def read_table(place: str) -> Table:
    """The table (rows, dim) at `table.npy`, `tables.safetensors[:name]` or `state_dict.pt[:name]`.

    Arrays and state dicts are memory-mapped. Without a name, the only floating-point matrix of the file. Raises
    `StorageError`, which names the file, the rule, and the tables there are.
    """
    found = TABLE_FILE.fullmatch(place)
    if found is None:
        raise StorageError(f"{place}: a trained table is a .npy, .safetensors or .pt file, the latter two with :name")
    path, kind, name = Path(found["path"]), found["kind"].lower(), found["name"]
    if kind == "npy":
        if name is not None:
            raise StorageError(f"{path}: a .npy file holds one array; leave out :{name}")
        return _checked(_read_array(path), str(path))
    tensors = _read_safetensors(path) if kind == "safetensors" else _read_state_dict(path)
    return _checked(_pick(tensors, name, path), place)


def _read_array(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise StorageError(f"{path}: not readable as .npy: {_short(error)}") from None


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"{path}: not readable as safetensors: {_short(error)}") from None


def _read_state_dict(path: Path) -> Mapping[str, Any]:
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise StorageError(f"{path}: not readable as a state dict of tensors: {_short(error)}") from None
    if isinstance(found, torch.Tensor):
        return {"tensor": found}
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping):
        raise StorageError(f"{path}: must hold a state dict, but holds a {type(found).__name__}")
    return {str(name): value for name, value in found.items() if isinstance(value, torch.Tensor)}


def _pick(tensors: Mapping[str, Any], name: str | None, path: Path) -> Any:
    tables = [key for key, tensor in tensors.items() if tensor.dim() == 2 and tensor.is_floating_point()]
    known = ", ".join(tables[:SHOWN_NAMES]) + (" …" if len(tables) > SHOWN_NAMES else "") or "none"
    if name is not None:
        if name not in tables:
            raise StorageError(f"{path}: has no table {name!r}; its tables: {known}")
        return tensors[name]
    if len(tables) != 1:
        raise StorageError(f"{path}: name the table after a colon, as in {path.name}:NAME; its tables: {known}")
    return tensors[tables[0]]


def _checked(table: Any, place: str) -> Table:
    is_float = table.dtype.kind == "f" if isinstance(table, np.ndarray) else getattr(table, "is_floating_point", bool)()
    if not is_float or len(table.shape) != 2 or 0 in table.shape:
        raise StorageError(f"{place}: must be a table (rows, dim) of floating-point numbers, is {_kind_of(table)}")
    return table  # type: ignore[no-any-return]


def _kind_of(table: Any) -> str:
    return f"{tuple(getattr(table, 'shape', ()))} of {getattr(table, 'dtype', type(table).__name__)}"


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 150 else f"{text[:150]}…"
