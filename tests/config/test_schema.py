"""The JSON Schema of sweep files: in step with the shipped file, the models and the shipped sweeps."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ttrec_cli.config import SweepConfig
from ttrec_cli.config.axes import SHARED_SECTIONS, axis_names
from ttrec_cli.config.schema import schema_text, sweep_schema
from ttrec_cli.config.yaml_document import read_document

SWEEPS = Path(__file__).resolve().parents[2] / "sweeps"
FILES = sorted(file for file in SWEEPS.rglob("*.yaml") if "bench" not in read_document(file).values)
SCHEMA = sweep_schema()
KINDS: dict[str, tuple[type, ...]] = {
    "integer": (int,), "number": (int, float), "string": (str,), "boolean": (bool,),
    "null": (type(None),), "array": (list,), "object": (dict,),
}  # fmt: skip


def mistakes(value: Any, schema: dict[str, Any], at: str = "") -> list[str]:
    """What of JSON Schema the sweep's one uses, checked; all else in a schema is an error of this test."""
    known = {
        "$ref", "$schema", "$defs", "title", "description", "default", "type", "properties", "required", "items",
        "additionalProperties", "anyOf", "oneOf", "enum", "const", "minimum", "maximum", "exclusiveMinimum",
        "maxLength", "exclusiveMaximum", "minLength", "minItems", "maxItems", "prefixItems", "discriminator",
        "format", "propertyNames",
    }  # fmt: skip
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        target: Any = SCHEMA
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return mistakes(value, target, at)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            tried = [mistakes(value, each, at) for each in schema[choice]]
            return [] if any(not found for found in tried) else [f"{at}: fits none: {tried}"]
    found = []
    if "type" in schema:
        right = isinstance(value, KINDS[schema["type"]]) and (
            schema["type"] == "boolean" or not isinstance(value, bool)
        )
        if not right:
            return [f"{at}: {value!r} is no {schema['type']}"]
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{at}: {value!r} is not possible")
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{at}: {value!r} is out of range")
    if isinstance(value, list):
        inner = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        found += [text for index, item in enumerate(value) for text in mistakes(item, inner[index], f"{at}[{index}]")]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [f"{at}: lacks {name}" for name in schema.get("required", []) if name not in value]
        found += [f"{at}: unknown {name}" for name in value if name not in properties]
        found += [text for name in value if name in properties
                  for text in mistakes(value[name], properties[name], f"{at}.{name}")]  # fmt: skip
    return found


def test_the_shipped_schema_is_that_of_the_models() -> None:
    shipped = json.loads((SWEEPS / "sweep.schema.json").read_text())
    assert shipped == SCHEMA, "run: ttrec schema > sweeps/sweep.schema.json"


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_shipped_sweeps_name_the_schema_and_keep_to_it(file: Path) -> None:
    modeline = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
    assert modeline, "a shipped sweep opens with the editor's modeline"
    assert (file.parent / modeline[1]).resolve() == SWEEPS / "sweep.schema.json"
    assert mistakes(read_document(file).values, SCHEMA) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("name",), 3),
        (("grid", "rnk"), [8]),
        (("grid", "rank"), 8),
        (("grid", "rank"), ["many"]),
        (("train", "optimizer"), "adam"),
        (("train", "lerning_rate"), 0.1),
        (("tune",), {"rank": [8]}),
        (("trials",), [{"dimm": 16}]),
        (("otherwise",), {"name": "x"}),
        (("seeds",), [-1]),
        (("objectives",), ["logloss", "model_bytes"]),
    ],
    ids=str,
)
def test_mistakes_are_found_by_the_schema(path: tuple[str, ...], value: Any) -> None:
    document = copy.deepcopy(read_document(SWEEPS / "quickstart.yaml").values)
    assert mistakes(document, SCHEMA) == []
    target = document
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    assert mistakes(document, SCHEMA)


def test_every_key_and_axis_is_described() -> None:
    def undescribed(node: Any, at: str = "") -> list[str]:
        found = []
        for name, inner in node.get("properties", {}).items():
            if "$ref" not in inner and not inner.get("description"):
                found.append(f"{at}.{name}")
            found += undescribed(inner, f"{at}.{name}")
        return found

    nodes = [SCHEMA, *SCHEMA["$defs"].values()]
    sections = {f".{name}" for name in (*SHARED_SECTIONS, "budget", "resources", "search")}
    assert [name for node in nodes for name in undescribed(node) if name not in sections] == []
    text = schema_text()
    assert all(f"  {name} " in text for name in (*axis_names(), *SweepConfig.model_fields, "resources.parallel"))
    assert all(line == line.rstrip() and len(line.split(None, 1)) == 2 for line in text.splitlines()[2:] if line)


def test_the_command_prints_schema_text_and_json() -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "ttrec_cli.app", "schema", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    assert json.loads(run()) == SCHEMA
    assert run("--text").strip() == schema_text()
    assert json.loads(run("--json"))["result"] == SCHEMA
