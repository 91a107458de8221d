"""What a sweep file may say, as frozen pydantic models that refuse unknown keys."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ttrec_kernels.choices import Distribution as Distribution
from ttrec_kernels.choices import InitScale as InitScale

PositiveInt = Annotated[int, Field(ge=1, le=2**40, strict=True)]
WholeNumber = Annotated[int, Field(ge=0, le=2**40, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LayerWidths = Annotated[tuple[Annotated[int, Field(ge=1, le=2**16, strict=True)], ...], Field(max_length=32)]
AxisValue = int | float | str | bool | list[int]


class Frozen(BaseModel):
    """Immutable; unknown keys are errors; infinity is written as a string in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Method(StrEnum):
    """How the largest tables are stored and trained."""

    DENSE = "dense"
    TT = "tt"
    TT_FROZEN = "tt-frozen"


class Optimizer(StrEnum):
    """Optimiser of MLPs and embeddings alike."""

    SGD = "sgd"
    ADAGRAD = "adagrad"


class CriteoData(Frozen):
    """A dataset made by `ttrec data prepare`, of Criteo's or any other log; `path` is relative to where the
    command runs."""

    format: Literal["criteo-kaggle", "prepared"] = "criteo-kaggle"
    path: Path

    @property
    def is_there(self) -> bool:
        """Whether the folder holds a prepared dataset."""
        return (self.path / "meta.json").is_file()


class SyntheticData(Frozen):
    """Click logs made up with the shape of a real set: columns, skew and table sizes times `table_scale`."""

    format: Literal["synthetic"]
    like: Literal["kaggle", "terabyte"] = "kaggle"
    rows: Annotated[int, Field(ge=1000, le=10**10, strict=True)]
    table_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Seed = 0


class ModelConfig(Frozen):
    """DLRM's MLPs; the bottom one ends in a layer of `dim`, the top one in a single output."""

    bottom_mlp: LayerWidths = (512, 256, 64)
    top_mlp: LayerWidths = (512, 256)


class TrainConfig(Frozen):
    """How a trial trains; defaults are MLPerf's for Criteo Kaggle."""

    optimizer: Optimizer = Optimizer.SGD
    learning_rate: PositiveFloat = 0.1
    embedding_learning_rate: PositiveFloat | None = None
    batch_size: PositiveInt = 128
    test_batch_size: PositiveInt = 16384
    epochs: PositiveInt = 1
    samples: PositiveInt | None = None
    """Train on so many samples in all, instead of whole epochs."""
    evaluations: PositiveInt = 5
    """Points of the learning curve, evenly spaced; the last is the end of training."""


class InitConfig(Frozen):
    """How TT cores start."""

    distribution: Distribution = Distribution.SAMPLED_GAUSSIAN
    scale: InitScale = InitScale.CALIBRATED


class ShapeConfig(Frozen):
    """Which TT shapes the planner chooses."""

    rule: Literal["parameters", "entropy"] = "parameters"
    max_skew: Annotated[float, Field(ge=1)] = 1.5
    cores: Annotated[int, Field(ge=2, le=5, strict=True)] = 3
    dim_factors: tuple[PositiveInt, ...] | None = None


class TrialConfig(Frozen):
    """One model configuration and its seed: all that decides what a trial trains, but the data."""

    method: Method = Method.TT
    rank: PositiveInt | None = 32
    tables: WholeNumber = 7
    dim: Annotated[int, Field(ge=1, le=2**16, strict=True)] = 16
    seed: Seed = 0
    plan: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """A file with a table plan; it decides rank, tables and dim."""
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    init: InitConfig = InitConfig()
    shape: ShapeConfig = ShapeConfig()

    @model_validator(mode="before")
    @classmethod
    def _dense_has_no_rank(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The uncompressed model is one point: 0 tables, no rank."""
        if values.get("method") == Method.DENSE or values.get("tables") == 0:
            return values | {"method": Method.DENSE, "rank": None, "tables": 0, "plan": None}
        return values

    @model_validator(mode="after")
    def _tt_needs_a_rank(self) -> "TrialConfig":
        if self.method != Method.DENSE and self.rank is None:
            raise ValueError(f"method {self.method} needs a rank")
        return self


class SweepConfig(Frozen):
    """A sweep: shared settings, the axes of the grid, seeds shared by every configuration."""

    version: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=64)]
    title: Annotated[str, Field(max_length=200)] = ""
    data: Annotated[CriteoData | SyntheticData, Field(discriminator="format")]
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    init: InitConfig = InitConfig()
    shape: ShapeConfig = ShapeConfig()
    plan: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """A table plan to train beside the grid, in the form that `ttrec factorize --yaml` writes."""
    grid: dict[str, Annotated[list[AxisValue], Field(min_length=1)]] = {}
    trials: tuple[dict[str, AxisValue], ...] = ()
    baseline: bool = True
    """Also train the uncompressed model of each dim."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)

    @model_validator(mode="after")
    def _something_to_do(self) -> "SweepConfig":
        if not self.grid and not self.trials and self.plan is None:
            raise ValueError(
                "a sweep needs `grid:`, `trials:` or `plan:`; for example grid: {rank: [8, 16], tables: [3, 7]}"
            )
        return self

    @field_validator("seeds", mode="after")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("seeds must differ")
        return seeds
