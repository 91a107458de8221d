"""What a sweep file may say, as frozen pydantic models that refuse unknown keys."""

from enum import StrEnum
from math import prod
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from ttrec_cli.config.base import Frozen as Frozen
from ttrec_cli.config.base import LayerWidths, PositiveFloat, PositiveInt, Seed, WholeNumber
from ttrec_cli.config.data_settings import CriteoData as CriteoData
from ttrec_cli.config.data_settings import SyntheticData as SyntheticData
from ttrec_cli.config.run_settings import BudgetConfig, Objectives, ResourcesConfig, SearchConfig
from ttrec_kernels.choices import DenseDistribution as DenseDistribution
from ttrec_kernels.choices import Distribution as Distribution
from ttrec_kernels.choices import InitScale as InitScale

AxisValue = int | float | str | bool | None | list[int] | list[str]
Axis = Annotated[list[AxisValue], Field(min_length=1, max_length=10_000)]
Axes = dict[Annotated[str, Field(max_length=100)], Axis]
Cell = dict[Annotated[str, Field(max_length=100)], AxisValue]
MAX_TRIALS = 100_000


class Method(StrEnum):
    """How the largest tables are stored and trained."""

    DENSE = "dense"
    TT = "tt"
    TT_FROZEN = "tt-frozen"
    HASH = "hash"
    DOUBLE_HASH = "double-hash"
    QR = "qr"
    LOW_RANK = "low-rank"
    TT_HASH = "tt+hash"
    INT8 = "int8"
    TT_INT8 = "tt+int8"


RANKLESS = frozenset({Method.DENSE, Method.INT8})
"""Methods whose size no rank decides."""


class Optimizer(StrEnum):
    """Optimiser of MLPs and embeddings alike."""

    SGD = "sgd"
    ADAGRAD = "adagrad"


class Precision(StrEnum):
    """What products of the MLPs are computed in."""

    FP32 = "fp32"
    TF32 = "tf32"
    BF16 = "bf16"


def _form(value: Any) -> str:
    return "list" if isinstance(value, list | tuple) else "number"


Ranks = Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=4)]
TableNames = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=10_000)]
Rank = Annotated[Annotated[PositiveInt | None, Tag("number")] | Annotated[Ranks, Tag("list")], Discriminator(_form)]
Tables = Annotated[Annotated[WholeNumber, Tag("number")] | Annotated[TableNames, Tag("list")], Discriminator(_form)]
FORMS = ("number", "list")
"""Tags of the two ways to write a rank and a choice of tables; no keys of the file."""


class ModelConfig(Frozen):
    """DLRM's MLPs; the bottom one ends in a layer of `dim`, the top one in a single output."""

    bottom_mlp: LayerWidths = (512, 256, 64)
    """Widths between the dense features and the layer of `dim`."""
    top_mlp: LayerWidths = (512, 256)
    """Widths between the interactions and the output."""


class TrainConfig(Frozen):
    """How a trial trains; defaults are MLPerf's for Criteo Kaggle."""

    optimizer: Optimizer = Optimizer.SGD
    """Optimiser of MLPs and embeddings alike."""
    learning_rate: PositiveFloat = 0.1
    """Learning rate of the MLPs, and of embeddings unless they have their own."""
    embedding_learning_rate: PositiveFloat | None = None
    """Learning rate of embedding tables and TT cores."""
    batch_size: PositiveInt = 128
    """Samples a training step."""
    test_batch_size: PositiveInt = 16384
    """Samples a step of evaluation; changes no result."""
    epochs: PositiveInt = 1
    """Passes over the training days."""
    precision: Precision = Precision.FP32
    """What products of the MLPs are computed in: fp32; tf32, on GPUs alone; bf16, weights staying fp32."""
    samples: PositiveInt | None = None
    """Train on so many samples in all, instead of whole epochs."""
    evaluations: PositiveInt = 5
    """Points of the learning curve, evenly spaced; the last is the end of training."""


class InitConfig(Frozen):
    """How TT cores and uncompressed rows start."""

    distribution: Distribution = Distribution.SAMPLED_GAUSSIAN
    """What the entries of the cores are drawn from."""
    scale: InitScale = InitScale.CALIBRATED
    """Scaled so that the table's entries are as large as DLRM's, or as Algorithm 3 was published."""
    dense_distribution: DenseDistribution = DenseDistribution.UNIFORM
    """What uncompressed rows are drawn from: DLRM's Uniform(±1/√n), or a normal distribution of this variance."""


class CacheConfig(Frozen):
    """The cache of frequent rows, uncompressed beside each tensor train."""

    rows_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Cached rows over the rows of the table; 0 for no cache, the paper has 0.0001."""
    warmup_fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the training samples after which the cache is filled; rows are counted until then."""
    refresh_every: PositiveInt | None = None
    """Steps between refreshes of the cached rows; filled only once unless given."""


class ShapeConfig(Frozen):
    """Which TT shapes the planner chooses."""

    rule: Literal["parameters", "entropy"] = "parameters"
    """Fewest parameters, or the paper's most even factors."""
    max_skew: Annotated[float, Field(ge=1)] = 1.5
    """Largest row factor over the smallest; .inf for no bound."""
    cores: Annotated[int, Field(ge=2, le=5, strict=True)] = 3
    """Cores of every tensor train."""
    dim_factors: Annotated[tuple[PositiveInt, ...], Field(max_length=5)] | None = None
    """Factors of the embedding dim, one a core; their product is dim."""


class TrialConfig(Frozen):
    """One model configuration and its seed: all that decides what a trial trains, but the data."""

    method: Method = Method.TT
    """`tt`, its control `tt-frozen` whose cores are never updated, `dense`, the uncompressed model, or a rival at equal
    bytes: hash, double-hash, qr, low-rank, tt+hash; tt+int8 and int8 are rounded after training."""
    rank: Rank = 32
    """TT rank, or the inner ranks of uneven tensor trains such as [16, 32]."""
    tables: Tables = 7
    """So many of the largest tables become tensor trains; or the names of those that do."""
    dim: Annotated[int, Field(ge=1, le=2**16, strict=True)] = 16
    """Embedding dimension of all tables."""
    seed: Seed = 0
    """What weights are drawn from; set by `seeds:`, the same for all configurations."""
    plan: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """A file with a table plan; it decides rank, tables and dim."""
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    init: InitConfig = InitConfig()
    shape: ShapeConfig = ShapeConfig()
    cache: CacheConfig = CacheConfig()

    @property
    def largest_rank(self) -> int | None:
        """The rank, of uneven ones the largest; none when dense."""
        return max(self.rank) if isinstance(self.rank, tuple) else self.rank

    @property
    def table_count(self) -> int:
        """How many tables are asked to become tensor trains."""
        return len(self.tables) if isinstance(self.tables, tuple) else self.tables

    @model_validator(mode="before")
    @classmethod
    def _dense_has_no_rank(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The uncompressed model is one point: 0 tables, no rank; int8 has no rank either."""
        if values.get("method") == Method.DENSE or values.get("tables", 7) in (0, [], ()):
            return values | {"method": Method.DENSE, "rank": None, "tables": 0, "plan": None}
        if values.get("method") == Method.INT8:
            return values | {"rank": None}
        return values

    @model_validator(mode="after")
    def _tt_needs_a_rank(self) -> "TrialConfig":
        if self.rank is None and self.plan is None and self.method not in RANKLESS:
            raise ValueError(f"method {self.method} needs a rank")
        if isinstance(self.rank, tuple) and len(self.rank) != self.shape.cores - 1:
            raise ValueError(
                f"a tensor train of {self.shape.cores} cores has {self.shape.cores - 1} inner ranks, "
                f"but rank has {len(self.rank)}; give one number for equal ranks"
            )
        if isinstance(self.tables, tuple) and len(set(self.tables)) < len(self.tables):
            raise ValueError("names of tables must differ")
        return self


class SweepConfig(Frozen):
    """A sweep: shared settings, the axes of the grid, seeds shared by every configuration."""

    version: Literal[1] = 1
    """Version of this form."""
    name: Annotated[str, Field(min_length=1, max_length=64)]
    """Names the folder of results."""
    title: Annotated[str, Field(max_length=200)] = ""
    """Heading of the report."""
    data: Annotated[CriteoData | SyntheticData, Field(discriminator="format")]
    """The click log to train on."""
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    init: InitConfig = InitConfig()
    shape: ShapeConfig = ShapeConfig()
    cache: CacheConfig = CacheConfig()
    plan: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """A table plan to train beside the grid, in the form that `ttrec factorize --yaml` writes."""
    grid: Axes = Field(default_factory=dict)
    """Axes and their values; every combination is a configuration."""
    zip: Axes = Field(default_factory=dict)
    """Axes of equal length that advance together: first with first, second with second; combined with the grid."""
    trials: Annotated[tuple[Cell, ...], Field(max_length=MAX_TRIALS)] = ()
    """Further configurations, each written out."""
    exclude: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(max_length=1000)] = ()
    """Conditions such as `rank == 64 and dim < 32`; combinations of grid and zip that meet one are left out."""
    match_bytes: Literal["tt"] = "tt"
    """What rivals of tensor trains may take: in each table the bytes of the tensor train at the trial's rank."""
    baseline: bool = True
    """Also train the uncompressed model of each dim."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=1000)] = (0,)
    """Every configuration is trained once with each; never a search parameter."""
    tune: Axes = Field(default_factory=dict)
    """Settings such as train.learning_rate whose best value, by validation log-loss, is taken for each point apart."""
    objectives: Objectives = ("model_bytes", "logloss")
    """A size and a quality: the frontier that is shown while the sweep runs and that the search follows."""
    budget: BudgetConfig = BudgetConfig()
    resources: ResourcesConfig = ResourcesConfig()
    search: SearchConfig | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> "SweepConfig":
        if not self.grid and not self.zip and not self.trials and self.plan is None:
            raise ValueError(
                "a sweep needs `grid:`, `zip:`, `trials:` or `plan:`; for example grid: {rank: [8, 16], tables: [3, 7]}"
            )
        return self

    @model_validator(mode="after")
    def _not_without_end(self) -> "SweepConfig":
        rows = max((len(values) for values in self.zip.values()), default=1)
        cells = prod(len(values) for values in self.grid.values()) * rows + len(self.trials)
        count = cells * prod(len(values) for values in self.tune.values()) * len(self.seeds)
        if count > MAX_TRIALS:
            raise ValueError(
                f"a sweep has at most {MAX_TRIALS} trials, but this comes to {count:.6g}; use fewer values"
            )
        return self

    @field_validator("seeds", mode="after")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("seeds must differ")
        return seeds

    @field_validator("zip", mode="after")
    @classmethod
    def _zipped_axes_are_equally_long(cls, axes: Axes) -> Axes:
        lengths = {axis: len(values) for axis, values in axes.items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{axis}: {length}" for axis, length in lengths.items())
            raise ValueError(f"axes of zip must be equally long, but have lengths {shown}")
        return axes
