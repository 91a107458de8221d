"""Bench plans: what `ttrec paper` measures without training, as YAML files of the same family as sweep files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from ttrec_cli.config.base import Frozen, LayerWidths, PositiveFloat, PositiveInt, Seed
from ttrec_cli.config.data_settings import CriteoData, SyntheticData
from ttrec_cli.config.yaml_document import Document, read_document
from ttrec_cli.errors import ConfigError

OTHERWISE = "otherwise"
Factors = Annotated[tuple[PositiveInt, ...], Field(min_length=2, max_length=5)]
Positives = Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[tuple[Share, ...], Field(min_length=1, max_length=100)]
TableList = Literal["kaggle", "terabyte"]


class Plan(Frozen):
    """What every bench plan says."""

    version: Literal[1] = 1
    """Version of this form."""
    title: Annotated[str, Field(min_length=1, max_length=200)]
    """Heading on the page."""


class SizedModel(Frozen):
    """A model's tables and how the dim of each is split."""

    tables: TableList
    dim: PositiveInt
    dim_factors: Factors


class SizesPlan(Plan):
    """Exact bytes of whole models: the largest tables as tensor trains of the paper's shapes."""

    bench: Literal["sizes"]
    models: Annotated[tuple[SizedModel, ...], Field(min_length=1, max_length=10)]
    largest: Positives
    """How many of the largest tables are compressed."""
    ranks: Positives


class DensityPlan(Plan):
    """How entries of freshly drawn tensor trains are spread."""

    bench: Literal["density"]
    rows: PositiveInt
    dim: PositiveInt
    dim_factors: Factors
    ranks: Positives
    """Algorithm 3 as published is drawn at each of them, all distributions at the last."""
    seed: Seed = 0


class LookupPlan(Plan):
    """Times of lookups as tensor train and otherwise: tables × pooling factors × ranks."""

    bench: Literal["lookup"]
    cases: Annotated[tuple[Literal["tt", "embedding-bag", "reconstruct"], ...], Field(min_length=1)]
    phases: Annotated[tuple[Literal["forward", "train"], ...], Field(min_length=1)] = ("train",)
    rows: Positives
    dim: PositiveInt = 16
    dim_factors: Factors | None = None
    ranks: Positives
    pooling: Positives = (1,)
    batch: PositiveInt = 2048
    """Bags of a call."""
    zipf: PositiveFloat | None = None
    """Popularity falls like rank^-zipf; uniform unless given."""
    seconds: PositiveFloat = 1.0
    """Spent on each case."""
    seed: Seed = 0


class CachePlan(Plan):
    """Times of a training step through the cache at nominal hit rates."""

    bench: Literal["cache"]
    rows: PositiveInt
    dim: PositiveInt = 16
    dim_factors: Factors | None = None
    rank: PositiveInt = 32
    pooling: PositiveInt = 10
    batch: PositiveInt = 2048
    rows_fraction: Share = 0.0001
    hit_rates: Shares
    seconds: PositiveFloat = 1.0
    seed: Seed = 0


class StepModel(Frozen):
    """A DLRM and the samples of its training step."""

    tables: TableList
    table_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor on the rows of every table."""
    dim: PositiveInt
    batch: PositiveInt
    bottom_mlp: LayerWidths = (512, 256, 64)
    top_mlp: LayerWidths = (512, 256)


class StepPlan(Plan):
    """Times of a whole training step of DLRM, by tables compressed and rank."""

    bench: Literal["step"]
    models: Annotated[tuple[StepModel, ...], Field(min_length=1, max_length=10)]
    largest: Positives
    """How many of the largest tables are compressed; the uncompressed model is timed beside."""
    ranks: Positives
    zipf: PositiveFloat | None = None
    seconds: PositiveFloat = 1.0
    seed: Seed = 0


class HotRowsPlan(Plan):
    """How fast the most accessed rows settle: in the order of time and in a random one."""

    bench: Literal["hot-rows"]
    data: Annotated[CriteoData | SyntheticData, Field(discriminator="format")]
    drifts: Shares = (0.0,)
    """Of synthetic data: share of the values that change places of popularity each day, a log for each."""


BenchPlan = SizesPlan | DensityPlan | LookupPlan | CachePlan | StepPlan | HotRowsPlan
BENCHES: tuple[str, ...] = tuple(get_args(kind.model_fields["bench"].annotation)[0] for kind in get_args(BenchPlan))
_ANY: TypeAdapter[BenchPlan] = TypeAdapter(Annotated[BenchPlan, Field(discriminator="bench")])


@dataclass(frozen=True)
class BenchPlans:
    """A bench plan at both scales; the same where the file has no `otherwise:`."""

    full: BenchPlan
    small: BenchPlan


def is_bench_plan(document: Document) -> bool:
    """Whether a file is a bench plan: sweep files have no `bench:`."""
    return "bench" in document.values


def load_bench_plans(path: Path) -> BenchPlans:
    """Read and check a bench plan, `otherwise:` laid over it too; `ConfigError` with file, line and column."""
    document = read_document(path, "a bench plan")
    small = document
    if OTHERWISE in document.values:
        if not isinstance(document.values[OTHERWISE], Mapping):
            raise ConfigError(f"{document.place((OTHERWISE,))}: `otherwise:` is a mapping of keys of this file")
        small = document.merged_with(OTHERWISE)
        values = {key: value for key, value in document.values.items() if key != OTHERWISE}
        document = Document(document.source, values, document.places)
    return BenchPlans(_checked(document), _checked(small))


def _checked(document: Document) -> BenchPlan:
    try:
        return _ANY.validate_python(document.values)
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(part for part in first["loc"] if isinstance(part, int) or part in _words(document.values))
        name = ".".join(str(part) for part in first["loc"][1:]) or "bench"
        message = first["msg"].removeprefix("Value error, ")
        shown = "" if isinstance(first["input"], Mapping) else f", but is {str(first['input'])[:80]!r}"
        raise ConfigError(f"{document.place(path)}: {name}: {message}{shown}") from None


def _words(values: Any) -> set[str]:
    """All keys of a document, at any depth."""
    if isinstance(values, Mapping):
        return {str(key) for key in values}.union(*(_words(value) for value in values.values()))
    return set().union(*(_words(value) for value in values)) if isinstance(values, list) else set()
