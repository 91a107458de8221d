"""One cell of a grid laid over the settings that all trials share."""

from collections.abc import Mapping
from typing import Any

from ttrec_cli.config.models import AxisValue, SweepConfig, TrialConfig

SHARED_SECTIONS = ("model", "train", "init", "shape")


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
