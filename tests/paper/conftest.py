"""The shipped items in miniature: every file as it is, but with few rows, one seed and the ends of each axis."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ttrec_cli.config.yaml_document import read_document

ITEMS = Path(__file__).resolve().parents[2] / "sweeps" / "paper"
TINY_MODEL = {"bottom_mlp": [4], "top_mlp": [4]}


def miniature(values: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
    """A file's values made tiny; whatever it says beyond is kept."""
    return _tiny_plan(values) if "bench" in values else _tiny_sweep(values, seeds)


def _tiny_sweep(values: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
    stand_in = values["otherwise"]
    data = stand_in["data"] | {"rows": 3000, "table_scale": 0.001}
    train = stand_in["train"] | {"batch_size": 1024, "evaluations": 1}
    over = {"data": data, "model": TINY_MODEL, "train": train, "seeds": seeds}
    over["resources"] = {"parallel": 1}
    for part in ("grid", "zip"):
        axes = stand_in.get(part, values.get(part))
        if axes is not None:
            over[part] = {axis: found if axis in KEPT else _ends(found) for axis, found in axes.items()}
    return values | {"otherwise": stand_in | over}


KEPT = ("init.distribution", "init.dense_distribution")


def _ends(found: list[Any]) -> list[Any]:
    """The first and the last of an axis."""
    return found if len(found) <= 2 else [found[0], found[-1]]


TINY_PLANS: dict[str, dict[str, Any]] = {
    "sizes": {},
    "density": {"rows": 20_000, "ranks": [2, 4]},
    "lookup": {"batch": 8, "seconds": 0.01},
    "cache": {"rows": 20_000, "rank": 2, "batch": 8, "seconds": 0.01, "rows_fraction": 0.01},
    "step": {
        "models": [{"tables": "kaggle", "table_scale": 0.001, "dim": 8, "batch": 8, **TINY_MODEL}],
        "ranks": [2, 4],
        "seconds": 0.01,
    },
    "hot-rows": {"data": {"format": "synthetic", "rows": 5000, "table_scale": 0.001}},
}


def _tiny_plan(values: dict[str, Any]) -> dict[str, Any]:
    over = dict(TINY_PLANS[values["bench"]])
    if values["bench"] == "lookup":
        over["rows"] = [1000 * (at + 1) for at in range(min(2, len(values["rows"])))]
        over["ranks"] = [2, 4][: len(values["ranks"])]
    return values | {"otherwise": values.get("otherwise", {}) | over} if over else values


@pytest.fixture(scope="session")
def write_miniatures() -> Callable[..., Path]:
    """Write the shipped items in miniature below a folder; their comments stay."""

    def write(folder: Path, seeds: tuple[int, ...] = (0,), names: tuple[str, ...] = ()) -> Path:
        target, yaml = folder / "items", YAML(typ="safe", pure=True)
        yaml.representer.ignore_aliases = lambda _: True
        target.mkdir(parents=True)
        for file in sorted(ITEMS.glob("*.yaml")):
            if names and file.stem not in names:
                continue
            head = [line for line in file.read_text().splitlines() if line.startswith("#")]
            with (target / file.name).open("w") as stream:
                stream.write("\n".join(head) + "\n")
                yaml.dump(miniature(read_document(file).values, list(seeds)), stream)
        return target

    return write
