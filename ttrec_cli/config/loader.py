"""From a sweep file to a valid SweepConfig; every error says file, line, column and the nearest known key."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ttrec_cli.config.axes import BUDGET_AXES, axis_names, trial_config, trial_document
from ttrec_cli.config.bench_plans import is_bench_plan
from ttrec_cli.config.cells import cells, tuned
from ttrec_cli.config.conditions import parse_condition
from ttrec_cli.config.models import FORMS, CriteoData, SweepConfig, TrialConfig
from ttrec_cli.config.yaml_document import Document, KeyPath, parse_value, read_document
from ttrec_cli.errors import ConfigError

OTHERWISE = "otherwise"


@dataclass(frozen=True)
class LoadedSweep:
    """A sweep file, wholly checked. `stand_in`: its data was absent and `otherwise:` was taken instead."""

    config: SweepConfig
    stand_in: bool
    missing_data: str = ""

    @property
    def only_planned(self) -> bool:
        """Whether the data is absent and only its tables are known: nothing can be trained."""
        return bool(self.missing_data) and not self.stand_in


def load_sweep(path: Path, overrides: tuple[str, ...] = (), *, planning: bool = False) -> LoadedSweep:
    """Read and check a sweep file and `key=value` overrides; raises `ConfigError` with the place of the mistake.

    When `planning`, absent data whose tables the file names is no reason to take `otherwise:`.
    """
    document = read_document(path)
    if is_bench_plan(document):
        items = "" if path.parent == Path("sweeps/paper") else f" --items {path.parent}"
        raise ConfigError(
            f"{document.place(('bench',))}: this file plans a benchmark, which trains no trials; run it with "
            f"`ttrec paper {path.stem}{items}`"
        )
    _override(document, overrides)
    primary, stand_in = document, None
    if OTHERWISE in document.values:
        over = document.values[OTHERWISE]
        if not isinstance(over, dict) or "data" not in over:
            raise ConfigError(f"{document.place((OTHERWISE,))}: `otherwise:` is a mapping with its own `data:`")
        stand_in = document.merged_with(OTHERWISE)
        # The command line counts more than `otherwise:`, but the real data's place is not the stand-in's.
        _override(stand_in, tuple(o for o in overrides if o.split(".")[0] not in ("data", OTHERWISE)))
        values = {key: value for key, value in document.values.items() if key != OTHERWISE}
        primary = Document(document.source, values, document.places)
    config = _checked(primary)
    stand_in_config = _checked(stand_in) if stand_in else None
    if not isinstance(config.data, CriteoData) or config.data.is_there:
        return LoadedSweep(config, stand_in=False)
    if planning and config.data.tables is not None:
        return LoadedSweep(config, stand_in=False, missing_data=str(config.data.path))
    if stand_in_config is None:
        criteo = config.data.format == "criteo-kaggle"
        raise ConfigError(
            f"{primary.place(('data', 'path'))}: no prepared dataset at {config.data.path}; make it with "
            f"`ttrec data prepare {'criteo-kaggle train.txt' if criteo else 'FORMAT LOG'} --out {config.data.path}`"
        )
    return LoadedSweep(stand_in_config, stand_in=True, missing_data=str(config.data.path))


def _override(document: Document, overrides: tuple[str, ...]) -> None:
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key:
            raise ConfigError(f"--set {override}: write --set key=value, such as --set train.batch_size=256")
        document.set(key, parse_value(text), f"--set {override}")


def _checked(document: Document) -> SweepConfig:
    try:
        config = SweepConfig.model_validate(document.values)
    except ValidationError as error:
        raise ConfigError(_message(error, document, SweepConfig, ())) from None
    _check_axes(config, document)
    _check_tuned(config, document)
    _check_search(config, document)
    _check_conditions(config, document)
    _check_combinations(config, document)
    return config


def _check_axes(config: SweepConfig, document: Document) -> None:
    """Every value of every axis makes a valid trial, so that nothing starts before the whole file is valid."""
    for part in ("grid", "zip", "tune"):
        for axis, values in getattr(config, part).items():
            for index, value in enumerate(values):
                _check_cell(config, document, {axis: value}, (part, axis, index))
    for index, cell in enumerate(config.trials):
        _check_cell(config, document, cell, ("trials", index))
    for axis in config.zip:
        if axis in config.grid:
            raise ConfigError(f"{document.place(('zip', axis))}: axis {axis!r} is in `grid:` too; leave it out of one")


def _check_cell(config: SweepConfig, document: Document, cell: Mapping[str, Any], path: KeyPath) -> None:
    unknown = [axis for axis in cell if axis not in axis_names()]
    if unknown:
        key_path = (*path, unknown[0]) if path[0] == "trials" else path[:2]
        nearest = _nearest(unknown[0], list(axis_names()))
        raise ConfigError(f"{document.place(key_path)}: unknown axis {unknown[0]!r}{nearest}")
    try:
        TrialConfig.model_validate(trial_document(config, cell))
    except ValidationError as error:
        # What contradicts another setting may be right in combination: that is for `_check_combinations` to say.
        if path[0] == "trials" or any(each["loc"] for each in error.errors()):
            raise ConfigError(_message(error, document, TrialConfig, path)) from None


def _check_tuned(config: SweepConfig, document: Document) -> None:
    varied = {*config.grid, *config.zip, *(axis for cell in config.trials for axis in cell)}
    for axis in config.tune:
        place = document.place(("tune", axis))
        if "." not in axis or axis in BUDGET_AXES:
            raise ConfigError(
                f"{place}: tune takes settings such as train.learning_rate, but {axis!r} is what points are compared "
                "by; put it into `grid:`"
            )
        if axis in varied:
            raise ConfigError(f"{place}: {axis!r} is an axis of the sweep too; either compare its values or tune it")


def _check_search(config: SweepConfig, document: Document) -> None:
    varied = {*config.grid, *config.zip, *(axis for cell in config.trials for axis in cell)}
    if config.search is not None and varied & BUDGET_AXES:
        raise ConfigError(
            f"{document.place(('search',))}: a search compares configurations after equally many samples, but "
            f"{min(varied & BUDGET_AXES)!r} is an axis; leave out one of them"
        )


def _check_conditions(config: SweepConfig, document: Document) -> None:
    for index, text in enumerate(config.exclude):
        try:
            parse_condition(text, frozenset(axis_names()))
        except ConfigError as error:
            raise ConfigError(f"{document.place(('exclude', index))}: {error}") from None


def _check_combinations(config: SweepConfig, document: Document) -> None:
    count = 0
    try:
        for cell in cells(config):
            count += 1
            for more in tuned(config):
                trial_config(config, {**cell, **more}, 0)
    except ValidationError as error:
        raise ConfigError(_message(error, document, TrialConfig, ("grid" if config.grid else "zip",))) from None
    if count == 0:
        raise ConfigError(f"{document.place(('exclude',))}: exclude leaves nothing to train; loosen a condition")


def _message(error: ValidationError, document: Document, root: type[BaseModel], axis_path: KeyPath) -> str:
    # An unknown key often is the misspelt form of one that is missing: it says more, so it comes first.
    first, *others = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    location = tuple(part for part in first["loc"] if isinstance(part, str | int))
    place = document.place(axis_path or _in_document(location, document))
    name = ".".join(str(part) for part in location if part not in FORMS)
    name = name or ("the file" if root is SweepConfig else "this combination")
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(root, location[:-1])
        return f"{place}: unknown key {str(location[-1])!r}{_nearest(str(location[-1]), known)}{more}"
    if first["type"] == "union_tag_invalid":
        tags = [tag.strip(" '") for tag in str(first["ctx"]["expected_tags"]).split(",")]
        given = str(first["ctx"]["tag"])
        return f"{place}: {name}.format: unknown format {given!r}{_nearest(given, tags)}{more}"
    problem = first["msg"].removeprefix("Value error, ").replace("valid tuple", "list, such as [0, 1]")
    value = first["input"]
    shown = "" if isinstance(value, dict) or first["type"] == "missing" else f", but is {str(value)[:80]!r}"
    return f"{place}: {name}: {problem}{shown}{more}"


def _in_document(location: KeyPath, document: Document) -> KeyPath:
    """The part of pydantic's location that the file has: union tags are pydantic's own."""
    path: KeyPath = ()
    for part in location:
        if (*path, part) in document.places or isinstance(part, int):
            path = (*path, part)
    return path


def _known_keys(root: type[BaseModel], location: KeyPath) -> list[str]:
    models: list[type[BaseModel]] = [root]
    for part in location:
        fields = [model.model_fields[part] for model in models if isinstance(part, str) and part in model.model_fields]
        if fields:
            models = [model for field in fields for model in _models_in(field.annotation)]
        else:  # the tag of a discriminated union
            models = [model for model in models if part in _tags(model)] or models
    return [name for model in models for name in model.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["format"].annotation) if "format" in model.model_fields else ()


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known here: {', '.join(known)}"
