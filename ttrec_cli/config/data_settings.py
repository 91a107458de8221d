"""Where a sweep's click log comes from."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ttrec_cli.config.base import Frozen, Seed


class CriteoData(Frozen):
    """A dataset made by `ttrec data prepare`, of Criteo's or any other log."""

    format: Literal["criteo-kaggle", "prepared"] = "criteo-kaggle"
    """Where the log came from; both are read alike."""
    path: Path
    """The prepared folder, relative to where the command runs."""
    tables: Literal["kaggle", "terabyte", "terabyte-40m"] | None = None
    """The public log whose tables `--dry-run` plans with, exactly, as long as the folder is absent."""

    @property
    def is_there(self) -> bool:
        """Whether the folder holds a prepared dataset."""
        return (self.path / "meta.json").is_file()


class SyntheticData(Frozen):
    """Click logs made up with the shape of a real set: columns, skew and table sizes times `table_scale`."""

    format: Literal["synthetic"]
    """Data is made up; every result says so."""
    like: Literal["kaggle", "terabyte"] = "kaggle"
    """The log whose columns, skew and table sizes are imitated."""
    rows: Annotated[int, Field(ge=1000, le=10**10, strict=True)]
    """Samples in all seven days; six are trained on."""
    table_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor on the rows of every table."""
    seed: Seed = 0
    """What the data is drawn from."""
