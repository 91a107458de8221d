"""The JSON Schema of a sweep file, for editors, and the same as a page of text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ttrec_cli.config.axes import axis_names
from ttrec_cli.config.models import SweepConfig, TrialConfig

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_UNTITLED = "title"


def sweep_schema() -> Schema:
    """What a sweep file may say, as JSON Schema: every key with its description, axes by name, `otherwise:`."""
    schema = _plain(SweepConfig.model_json_schema())
    trial = _plain(TrialConfig.model_json_schema())
    definitions = {**schema.pop("$defs"), **trial["$defs"]}
    properties = schema["properties"]
    axes = {name: _axis(name, trial, definitions) for name in axis_names()}
    for part in ("grid", "zip", "tune"):
        known = {name: axis for name, axis in axes.items() if part != "tune" or "." in name}
        values = {name: _values(axis, definitions) for name, axis in known.items()}
        properties[part] = _mapping(values, properties[part]["description"])
    properties["trials"] = {
        "type": "array",
        "description": properties["trials"]["description"],
        "items": _mapping(axes, "One configuration: axes and their values."),
    }
    stand_in = {name: {"$ref": f"#/properties/{name}"} for name in properties}
    properties["otherwise"] = _mapping(
        stand_in, "Settings to take instead where the prepared data is absent: with `data:` of their own."
    ) | {"required": ["data"]}
    return {"$schema": DIALECT, "title": "ttrec sweep file", **schema, "$defs": dict(sorted(definitions.items()))}


def schema_text() -> str:
    """The keys of a sweep file as a page: name, default, what it says; then the axes."""
    schema = sweep_schema()
    lines = ["Keys of a sweep file", ""]
    lines += _described(schema, schema["$defs"], "")
    lines += ["", "Axes of grid, zip, trials and (the ones with a dot) tune; exclude speaks of them too", ""]
    axes = schema["properties"]["trials"]["items"]["properties"]
    for name, axis in axes.items():
        lines.append(f"  {name:<34} {_about(axis, schema['$defs'])}{_values_text(axis, schema['$defs'])}")
    return "\n".join(lines)


def _axis(name: str, trial: Schema, definitions: Mapping[str, Schema]) -> Schema:
    section, _, key = name.partition(".")
    found = trial["properties"][section]
    if key:
        found = _resolved(found, definitions)["properties"][key]
    return {name: value for name, value in found.items() if name != "default"}


def _values(axis: Schema, definitions: Mapping[str, Schema]) -> Schema:
    return {"type": "array", "description": _about(axis, definitions), "minItems": 1, "items": axis}


def _mapping(properties: Mapping[str, Schema], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
    }


def _plain(node: Any) -> Any:
    """The schema without pydantic's titles, which repeat the names."""
    if isinstance(node, dict):
        return {
            key: {name: _plain(inner) for name, inner in value.items()}
            if key in ("properties", "$defs")
            else _plain(value)
            for key, value in node.items()
            if not (key == _UNTITLED and isinstance(value, str))
        }
    return [_plain(item) for item in node] if isinstance(node, list) else node


def _resolved(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    reference = node.get("$ref", "")
    return definitions[reference.rpartition("/")[2]] if reference.startswith("#/$defs/") else node


def _described(schema: Schema, definitions: Mapping[str, Schema], prefix: str) -> Iterator[str]:
    for name, node in schema["properties"].items():
        if prefix == "" and name == "otherwise":
            yield f"  {name:<34} {node['description']}"
            continue
        inner = _sections(node, definitions)
        yield f"  {prefix + name:<34} {_about(node, definitions)}{'' if inner else _values_text(node, definitions)}"
        for section in inner:
            yield from _described(section, definitions, f"{prefix}{name}.")


def _about(node: Schema, definitions: Mapping[str, Schema]) -> str:
    """The description on one line; that of the type where the key has none of its own."""
    types = [_resolved(node, definitions), *_sections(node, definitions)]
    return " ".join(next((about for each in (node, *types) if (about := each.get("description"))), "").split())


def _values_text(node: Schema, definitions: Mapping[str, Schema]) -> str:
    """The values to choose from, and the one that is taken unless another is given."""
    choices = _resolved(node, definitions).get("enum", [])
    found = [f"one of {', '.join(map(str, choices))}"] if choices else []
    if node.get("default") not in (None, "", []):
        found.append(f"default {json.dumps(node['default'])}")
    return f" ({'; '.join(found)})" if found else ""


def _sections(node: Schema, definitions: Mapping[str, Schema]) -> list[Schema]:
    """The mappings that a key may hold, where their keys are fixed settings and no axes."""
    choices = [node, *node.get("anyOf", []), *node.get("oneOf", [])]
    found = [_resolved(choice, definitions) for choice in choices if "$ref" in choice]
    return [choice for choice in found if "properties" in choice]
