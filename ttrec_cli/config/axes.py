"""Axes: what may vary in a grid, and one cell of it laid over the settings that all trials share."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ttrec_cli.config.models import AxisValue, SweepConfig, TrialConfig

SHARED_SECTIONS = tuple(
    name
    for name, field in TrialConfig.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
)
"""Groups of settings, the same in a sweep file and in a trial: model, train, init, shape, …"""

BUDGET_AXES = frozenset({"train.samples", "train.epochs"})


def axis_names() -> tuple[str, ...]:
    """All axes: the settings of a trial but its seed, those of sections as `section.key`."""
    plain = [name for name in TrialConfig.model_fields if name != "seed" and name not in SHARED_SECTIONS]
    sections = [f"{section}.{key}" for section in SHARED_SECTIONS for key in section_model(section).model_fields]
    return (*plain, *sections)


def section_model(section: str) -> type[BaseModel]:
    """The model of a shared section's settings."""
    annotation = TrialConfig.model_fields[section].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        raise KeyError(section)
    return annotation


def trial_document(config: SweepConfig, cell: Mapping[str, AxisValue], seed: int = 0) -> dict[str, Any]:
    """The values of one trial: shared settings, then the cell's axes such as `rank` or `train.learning_rate`."""
    document: dict[str, Any] = {name: getattr(config, name).model_dump() for name in SHARED_SECTIONS}
    document["seed"] = seed
    for axis, value in cell.items():
        section, _, key = axis.partition(".")
        if key:
            document[section][key] = value
        else:
            document[section] = value
    return document


def trial_config(config: SweepConfig, cell: Mapping[str, AxisValue], seed: int) -> TrialConfig:
    """The trial of one cell and seed."""
    return TrialConfig.model_validate(trial_document(config, cell, seed))
