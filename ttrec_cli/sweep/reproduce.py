"""One trial of a results folder as a sweep file of its own, so that it can be trained again exactly."""

import io
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from ttrec_cli.config import Method, TrialConfig
from ttrec_cli.config.axes import SHARED_SECTIONS
from ttrec_cli.errors import ConfigError, DataError
from ttrec_cli.planning import plan_yaml
from ttrec_cli.sweep.folders import RESOLVED, SweepFolder
from ttrec_kernels import TablePlan
from ttrec_kernels.errors import TTRecError

SHOWN_KEYS = 5
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Reproduction:
    """A trial's row, the sweep file that trains it again, the table plan that needs (or none) and the command."""

    row: Mapping[str, Any]
    sweep_yaml: str
    plan_yaml: str | None
    command: str


def find_trial(folders: tuple[SweepFolder, ...], key: str) -> tuple[SweepFolder, Mapping[str, Any]]:
    """The trial whose key starts with `key`. Raises `ConfigError` where none or several do."""
    found = [(folder, row) for folder in folders for row in folder.rows if str(row["key"]).startswith(key)]
    if len(found) == 1 or len({row["key"] for _, row in found}) == 1:
        return found[0]
    keys = [str(row["key"]) for _, row in found] or [str(row["key"]) for folder in folders for row in folder.rows]
    shown = ", ".join(keys[:SHOWN_KEYS]) + (", …" if len(keys) > SHOWN_KEYS else "")
    said = f"{len(found)} trials have keys that start so" if found else "no trial has such a key"
    raise ConfigError(f"{key!r}: {said}; keys here: {shown}")


def reproduction(folder: SweepFolder, row: Mapping[str, Any], place: Path) -> Reproduction:
    """How to train a trial again with files in the folder `place`. Raises `DataError` when something is lacking."""
    if folder.config is None:
        raise DataError(
            f"{folder.directory / RESOLVED}: not readable, but the trial's data is named there; run the sweep again"
        )
    try:
        config = TrialConfig.model_validate_json(str(row["config"]))
    except ValidationError:
        raise DataError(f"{folder.directory}: trial {row['key']} holds no settings that this version reads") from None
    plan = _plan(row) if config.plan is not None else None
    files = place / f"{file_stem(row)}.yaml", place / f"{file_stem(row)}.plan.yaml"
    cell: dict[str, Any] = {"method": config.method.value}
    if plan is not None:
        cell["plan"] = str(files[1])
    else:
        cell |= {"dim": config.dim}
        if config.method != Method.DENSE:
            cell |= {"rank": config.rank, "tables": config.tables}
    document = {
        "version": 1,
        "name": f"{folder.config.name}"[:64],
        "data": folder.config.data,
        **{section: getattr(config, section) for section in SHARED_SECTIONS},
        "trials": [cell],
        "baseline": False,
        "seeds": [config.seed],
    }
    device = ["--device", str(row["device"])] if row["device"] in ("cpu", "cuda") else []
    command = shlex.join(["ttrec", "sweep", str(files[0]), "--out", "reproduced", *device])
    return Reproduction(row, _header(row, command) + _yaml(document), plan, command)


def file_stem(row: Mapping[str, Any]) -> str:
    """The trial's key as a file name; one from a foreign file leads nowhere else."""
    key = str(row["key"])
    return key if _KEY.fullmatch(key) else "trial"


def _plan(row: Mapping[str, Any]) -> str:
    try:
        return plan_yaml([TablePlan.from_dict(record) for record in json.loads(str(row["plan"]))])
    except (TTRecError, ValueError, TypeError):
        raise DataError(f"trial {row['key']} holds no table plan that can be read; run its sweep again") from None


def _header(row: Mapping[str, Any], command: str) -> str:
    """Comments: what was trained with what, and how to do it again."""
    rank = "" if row["rank"] is None else f" rank {row['rank']}, {row['tables']} tables,"
    lines = [
        f"Trial {row['key']} of sweep {row['sweep']}: {row['method']}{rank} dim {row['dim']}, seed {row['seed']}",
        f"Ended {row['ended_at']} as {row['status']}" + (f": {row['reason']}" if row["reason"] else ""),
        f"Data: {row['dataset']}, fingerprint {row['dataset_fingerprint']}",
        f"Made with ttrec {row['ttrec_version']}, commit {row['git_commit'] or 'unknown'}, "
        f"torch {row['torch_version']}, NumPy {row['numpy_version']}, "
        f"CuPy {row['cupy_version'] or 'none'}, Python {row['python_version']}",
        f"On {row['host']}, {row['platform']}, {row['cpu']}, GPU {row['gpu'] or 'none'}, device {row['device']}, "
        f"backend {row['backend']}",
        f"It was: {row['command_line']}",
        f"Again: {command}",
    ]
    return "".join(f"# {''.join(char if char.isprintable() else ' ' for char in line)}\n" for line in lines)


def _yaml(document: Mapping[str, Any]) -> str:
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump({name: _plain(value) for name, value in document.items()}, text)
    return text.getvalue()


def _plain(value: Any) -> Any:
    """Settings as plain YAML values; JSON's way to write infinity becomes the number again."""
    if hasattr(value, "model_dump_json"):
        return _plain(json.loads(value.model_dump_json()))
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return inf if value == "Infinity" else value
