"""The sweep file as it was resolved, kept beside its results."""

import io
import json
from pathlib import Path

from ruamel.yaml import YAML

from ttrec_cli.config import LoadedSweep
from ttrec_cli.errors import DataError


def write_resolved(loaded: LoadedSweep, directory: Path) -> None:
    """Write `directory`/sweep.yaml: all settings, defaults included, and which data was taken.

    `objectives` are there only where the file gives them: the page of a sweep follows them then.
    """
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.dump(_plain(loaded), text)
    note = f"# Stand-in: {loaded.missing_data} was absent, `otherwise:` was taken.\n" if loaded.stand_in else ""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "sweep.yaml").write_text(
            f"# Resolved by ttrec; the trials beside this file were made with it.\n{note}{text.getvalue()}",
            encoding="utf-8",
        )
    except OSError as error:
        raise DataError(f"{directory}: cannot be written: {error.strerror}; choose another folder with --out") from None


def _plain(loaded: LoadedSweep) -> dict[str, object]:
    values: dict[str, object] = json.loads(loaded.config.model_dump_json())
    # JSON has no infinity, YAML has; reading the file back must give the same settings.
    if "objectives" not in loaded.config.model_fields_set:
        del values["objectives"]
    shape = values["shape"]
    if isinstance(shape, dict) and shape["max_skew"] == "Infinity":
        shape["max_skew"] = float("inf")
    return values
