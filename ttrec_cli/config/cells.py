"""The cells of a sweep: products of the grid, zipped axes, trials written out; without what is excluded."""

from collections.abc import Iterator, Mapping
from itertools import product

from ttrec_cli.config.axes import axis_names, trial_document
from ttrec_cli.config.conditions import parse_condition
from ttrec_cli.config.models import AxisValue, SweepConfig, TrialConfig

Cell = Mapping[str, AxisValue]


def cells(config: SweepConfig) -> Iterator[Cell]:
    """Cells in order: grid × zip without the excluded ones, `trials:`, then the plan."""
    axes = frozenset(axis_names())
    conditions = [parse_condition(text, axes) for text in config.exclude]
    for cell in _products(config):
        if conditions:
            settings = TrialConfig.model_validate(trial_document(config, cell)).model_dump()
            if any(condition.holds(settings) for condition in conditions):
                continue
        yield cell
    yield from config.trials
    if config.plan is not None:
        yield {"plan": config.plan}


def tuned(config: SweepConfig) -> Iterator[Cell]:
    """Every combination of the tuned settings; one empty cell where nothing is tuned."""
    for values in product(*config.tune.values()):
        yield dict(zip(config.tune, values, strict=True))


def _products(config: SweepConfig) -> Iterator[Cell]:
    if not config.grid and not config.zip:
        return
    rows = [dict(zip(config.zip, values, strict=True)) for values in zip(*config.zip.values(), strict=True)]
    for values in product(*config.grid.values()):
        for row in rows or [{}]:
            yield dict(zip(config.grid, values, strict=True)) | row
