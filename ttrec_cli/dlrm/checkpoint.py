"""The whole state of a training in one safetensors file: weights, optimisers, position, random numbers; no pickle."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ttrec_cli.dlrm.metrics import Metrics
from ttrec_cli.dlrm.training import CurvePoint, Position, Training
from ttrec_cli.errors import DataError

CHECKPOINT_VERSION = "1"
_VERSION_KEY, _IDENTITY_KEY, _FACTS_KEY = "ttrec_checkpoint", "identity", "facts"


class CheckpointError(DataError):
    """A checkpoint cannot be written, or is damaged or of another training; a training can start anew without it."""


def save_checkpoint(training: Training, path: Path, identity: str) -> None:
    """Write all that `training` needs to go on with the same weights, whole or not at all.

    A module's state beyond tensors (`get_extra_state`) must be JSON: its keys texts, no tuples. Raises
    `CheckpointError` when the file cannot be written.
    """
    tensors, facts = _take_apart(training)
    metadata = {_VERSION_KEY: CHECKPOINT_VERSION, _IDENTITY_KEY: identity, _FACTS_KEY: json.dumps(facts)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One name, so that what a killed process left is overwritten: these files are large. One training has one
        # writer at a time.
        beside = path.with_suffix(".tmp")
        try:
            save_file(_apart(tensors), beside, metadata)
            _sync(beside)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync(path.parent)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be written: {' '.join(str(error).split())[:200]}") from None


def _sync(path: Path) -> None:
    """Have a file or folder on disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_checkpoint(training: Training, path: Path, identity: str) -> None:
    """Bring a fresh `training` to where the checkpoint was saved.

    Raises `CheckpointError` when the file is absent, damaged or of another training; the weights may be half loaded
    then, so begin with a fresh model.
    """
    try:
        with safe_open(path, framework="pt", device=str(training.device)) as file:
            metadata = file.metadata() or {}
            _check(path, metadata, identity)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        _put_together(training, tensors, json.loads(metadata[_FACTS_KEY]))
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: not a whole checkpoint: {' '.join(str(error).split())[:200]}") from None


def _check(path: Path, metadata: Mapping[str, str], identity: str) -> None:
    for key, wanted in ((_VERSION_KEY, CHECKPOINT_VERSION), (_IDENTITY_KEY, identity)):
        if metadata.get(key) != wanted:
            raise CheckpointError(f"{path}: {key} must be {wanted}, is {metadata.get(key)}")


def _take_apart(training: Training) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, and the rest as JSON values."""
    tensors: dict[str, Tensor] = {"random.cpu": torch.get_rng_state()}
    if training.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(training.device)
    extra_state: dict[str, Any] = {}
    for name, value in training.model.state_dict().items():
        if isinstance(value, Tensor):
            tensors[f"model.{name}"] = value
        else:
            extra_state[name] = value
    optimizers = []
    for number, optimizer in enumerate(training.optimizers):
        state = optimizer.state_dict()
        plain: dict[str, dict[str, Any]] = {}
        for index, values in state["state"].items():
            plain[str(index)] = {key: value for key, value in values.items() if not isinstance(value, Tensor)}
            tensors |= {
                f"optimizer.{number}.{index}.{key}": value for key, value in values.items() if isinstance(value, Tensor)
            }
        optimizers.append({"state": plain, "param_groups": state["param_groups"]})
    at = training.position
    tensors["segment_loss"] = at.segment_loss
    facts = {
        "position": {name: value for name, value in vars(at).items() if name != "segment_loss"},
        "curve": [asdict(point) for point in training.curve],
        "extra_state": extra_state,
        "optimizers": optimizers,
    }
    return tensors, facts


def _put_together(training: Training, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    training.model.load_state_dict(dict(_below("model", tensors)) | facts["extra_state"])
    for number, (optimizer, saved) in enumerate(zip(training.optimizers, facts["optimizers"], strict=True)):
        state = {int(index): dict(values) for index, values in saved["state"].items()}
        for name, value in _below(f"optimizer.{number}", tensors):
            index, _, key = name.partition(".")
            # What is loaded may be a view of the mapped file; an optimiser keeps it and writes to it.
            state.setdefault(int(index), {})[key] = value.clone()
        optimizer.load_state_dict({"state": state, "param_groups": saved["param_groups"]})
    training.position = Position(**facts["position"], segment_loss=tensors["segment_loss"].clone())
    training.curve = [_curve_point(point) for point in facts["curve"]]
    torch.set_rng_state(tensors["random.cpu"].cpu())
    if "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"].cpu(), training.device)


def _curve_point(values: Mapping[str, Any]) -> CurvePoint:
    metrics = {split: Metrics(**values[split]) for split in ("validation", "test")}
    hits = tuple((int(found), int(lookups)) for found, lookups in values["cache_hits"])
    return CurvePoint(**{**values, **metrics, "cache_hits": hits})


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, value in tensors.items():
        if name.startswith(f"{prefix}."):
            yield name.removeprefix(f"{prefix}."), value


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as safetensors wants them: contiguous, and none a view of another's memory."""
    seen: set[int] = set()
    separate: dict[str, Tensor] = {}
    for name, value in tensors.items():
        whole = value.is_contiguous() and value.untyped_storage().nbytes() == value.nbytes
        fresh = whole and value.data_ptr() not in seen
        separate[name] = value if fresh else value.contiguous().clone()
        seen.add(value.data_ptr())
    return separate
