"""Settings of a sweep that decide how it runs, not what its trials come to: budget, resources, search, objectives."""

from typing import Annotated, Literal

from pydantic import Field

from ttrec_cli.config.base import Bytes, Frozen, PositiveInt, Seconds

Objectives = tuple[
    Literal["model_bytes", "embedding_bytes", "training_bytes"], Literal["logloss", "accuracy", "auc", "ne"]
]
"""A size and a quality: the two axes of the frontier."""


class BudgetConfig(Frozen):
    """What one run of the sweep may use; what is left over stays pending for the next run."""

    trials: PositiveInt | None = None
    """Train at most so many trials."""
    wall_time: Seconds | None = None
    """Start no trial after this time and interrupt what runs then; 8h, 90m or seconds."""
    trial_timeout: Seconds | None = None
    """End a trial that takes longer; it is recorded with the status `timeout`."""
    samples: PositiveInt | None = None
    """Train at most so many samples in all trials together."""


class ResourcesConfig(Frozen):
    """What the machine gives to trials."""

    device_memory: Bytes | None = None
    """Memory of the device, such as 16GB: asked instead of the machine, so that "does it fit 16 GB?" can be answered
    anywhere. A trial that needs more is recorded as out-of-memory before it starts."""
    parallel: Annotated[int, Field(ge=1, le=1024, strict=True)] = 1
    """Trials that train at once; their times are then shared, which every row says."""
    threads: Annotated[int, Field(ge=1, le=4096, strict=True)] | None = None
    """Threads of each trial; unless given, the cores are divided among the parallel trials."""
    memory: Bytes | None = None
    """Memory each trial may take of the machine's; one that asks for more is recorded as out-of-memory."""
    checkpoint_seconds: Seconds = 60
    """Keep the state of a running trial this often, so that an interrupted one goes on from there."""


class SearchConfig(Frozen):
    """Adaptive search: every configuration trains on a share of the data, the promising ones go on."""

    method: Literal["halving"] = "halving"
    """Successive halving: after each rung those continue that promise most of the frontier of memory and quality."""
    eta: Annotated[float, Field(gt=1, le=100)] = 3
    """Each rung but the first, which is half as long, trains this many times the samples of the one before over all
    seeds, filled seed by seed; three quarters go on after the first, 1/eta of those after each other one."""
    rungs: Annotated[int, Field(ge=2, le=10, strict=True)] = 3
    """How many rungs; the last one is the whole training."""
