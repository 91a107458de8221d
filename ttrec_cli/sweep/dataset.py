"""The click log of a sweep: its facts before anything is generated, its folder when training starts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ttrec_cli.config import CriteoData, SyntheticData
from ttrec_cli.data import SyntheticSpec, open_click_log, synthesize
from ttrec_cli.planning import TABLE_NAMES, table_rows


@dataclass(frozen=True)
class Dataset:
    """What planning needs to know of a click log; `cardinalities` are the rows of its tables."""

    name: str
    synthetic: bool
    columns: tuple[str, ...]
    cardinalities: tuple[int, ...]
    train_samples: int
    fingerprint: str
    dense_features: int = 13
    evaluated_samples: int = 0
    """Samples of test and validation together."""


def describe(data: CriteoData | SyntheticData) -> Dataset:
    """Facts of the sweep's data. Raises `DataError` when a prepared dataset is damaged."""
    if isinstance(data, CriteoData) and data.tables is not None and not data.is_there:
        return _tables_alone(data.tables)
    if isinstance(data, CriteoData):
        log = open_click_log(data.path)
        train_samples = len(log.splits["train"])
        features = len(log.dense_columns)
        evaluated = len(log.splits["test"]) + len(log.splits["validation"])
        return Dataset(
            log.name, log.synthetic, log.columns, log.cardinalities, train_samples, log.fingerprint, features, evaluated
        )
    spec = synthetic_spec(data)
    return Dataset(
        name=f"synthetic-{data.like}",
        synthetic=True,
        columns=spec.columns,
        cardinalities=spec.cardinalities,
        train_samples=len(spec.splits["train"]),
        fingerprint=spec.fingerprint,
        evaluated_samples=len(spec.splits["test"]) + len(spec.splits["validation"]),
    )


def _tables_alone(name: str) -> Dataset:
    """A public log of which only the tables are here: enough to plan, not to train."""
    return Dataset(
        name=f"criteo-{name}",
        synthetic=False,
        columns=TABLE_NAMES,
        cardinalities=table_rows(name),
        train_samples=0,
        fingerprint=f"the tables of criteo-{name} alone",
    )


def materialise(data: CriteoData | SyntheticData, directory: Path, progress: Callable[[int], None]) -> Path:
    """The folder to train from; synthetic data is generated below `directory`/data once."""
    if isinstance(data, CriteoData):
        return data.path
    spec = synthetic_spec(data)
    path = directory / "data" / spec.fingerprint[:16]
    synthesize(spec, path, progress)
    return path


def synthetic_spec(data: SyntheticData) -> SyntheticSpec:
    """The specification that a sweep file's synthetic data stands for."""
    return SyntheticSpec(like=data.like, rows=data.rows, table_scale=data.table_scale, seed=data.seed)
