"""`ttrec bench step`: training steps of whole models, uncompressed and with tensor trains, on made-up samples.

Tables have their full number of rows; models that differ in their other tables alone share the memory of those.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from ttrec_cli.bench.indices import IndexLaw
from ttrec_cli.bench.machine import Ceilings
from ttrec_cli.bench.record import BenchResult, measure
from ttrec_cli.bench.step_models import (
    DENSE_FEATURES,
    Trained,
    dense_weights,
    trained_dlrm,
    trained_mlps,
    trained_plain,
)
from ttrec_cli.bench.step_parts import PARTS, part_times
from ttrec_cli.bench.step_work import mlps_work, step_work
from ttrec_cli.bench.timing import Case, Work
from ttrec_cli.config import ModelConfig, Precision
from ttrec_cli.data.tensor_batches import TensorBatch
from ttrec_cli.dlrm.memory import reuse_freed_memory
from ttrec_cli.dlrm.precision import use_precision
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.model_plan import plan_tables
from ttrec_cli.planning.table_list import ModelTable

CASES = ("dense", "tt", "plain", "mlp")
BATCHES = 16
LEAST_SAMPLES = 1 << 16
"""Small batches go through so many different samples, so that no table is judged by rows that lie in the cache."""

COUNTED_BATCHES = 4
CLICK_RATE = 0.25


@dataclass(frozen=True)
class StepSetting:
    """Which steps to time: a `tt` model for each rank and each number in `largest` above 0, `dense` where 0 is in it.

    `tables` have names and rows. Indices are uniform, or drawn from a Zipf law of exponent `zipf`, each table alike.
    """

    tables: tuple[ModelTable, ...]
    device: torch.device
    dim: int = 16
    ranks: tuple[int, ...] = (32,)
    largest: tuple[int, ...] = (0, 3, 5, 7)
    batches: tuple[int, ...] = (128, 2048, 16384)
    zipf: float | None = None
    seed: int = 0
    cases: tuple[str, ...] = CASES
    model: ModelConfig = field(default_factory=ModelConfig)
    precision: Precision = Precision.FP32

    def __post_init__(self) -> None:
        for name, values in (("--rank", self.ranks), ("--batch", self.batches)):
            if not values or min(values) < 1:
                raise ConfigError(f"{name} takes numbers of at least 1, but has {', '.join(map(str, values))}")
        unknown = [name for name in self.cases if name not in CASES]
        if unknown:
            raise ConfigError(f"--cases knows {', '.join(CASES)}, but not {unknown[0]!r}")


def time_steps(setting: StepSetting, seconds: float, on_turn: Callable[[float], None] = lambda _: None) -> BenchResult:
    """Time the steps of all models at all batch sizes in turns, about `seconds` each.

    A record has the columns of every bench, and `batch`, `largest`, `rank`, `samples_per_second`, `floor_ms` (the
    longer of the arithmetic and the bytes at the ceilings of the same run), `floor_share`, the ratios `over_dense`,
    `over_mlp`, `over_plain` of medians at the same batch (None without that case), and the milliseconds of the parts
    (None where it has no such part). Raises `ConfigError`.
    """
    use_precision(setting.precision, setting.device)
    reuse_freed_memory()  # as the process of a trial does
    models = _models(setting)
    log = made_up_log(setting)
    cases = [_case(trained, batch, log, setting) for batch in setting.batches for trained in models]
    result = measure(cases, seconds, setting.device, _settings(setting), on_turn)
    parts = [
        part_times(trained, partial(_part_of, log, batch), setting.device)
        for batch in setting.batches
        for trained in models
    ]
    return replace(result, cases=tuple(_records(result.cases, parts, result.ceilings)))


def made_up_log(setting: StepSetting) -> TensorBatch:
    """Synthetic samples on the device: as many as BATCHES of the largest batches, at least LEAST_SAMPLES."""
    generator = np.random.Generator(np.random.PCG64(setting.seed))
    count = max(BATCHES * max(setting.batches), LEAST_SAMPLES)
    sparse = np.empty((count, len(setting.tables)), dtype=np.int32)
    for column, table in enumerate(setting.tables):
        sparse[:, column] = IndexLaw(table.rows, setting.zipf).draw(count, generator)
    dense = generator.random((count, DENSE_FEATURES), dtype=np.float32)
    label = (generator.random(count) < CLICK_RATE).astype(np.uint8)
    on_device = [torch.from_numpy(array).to(setting.device) for array in (dense, sparse, label)]
    return TensorBatch(on_device[0], on_device[1], on_device[2])


def _models(setting: StepSetting) -> list[Trained]:
    names, rows = [table.name for table in setting.tables], [table.rows for table in setting.tables]
    plans = partial(plan_tables, names, rows, setting.dim)
    found: list[Trained] = []
    uncompressed = None
    if ("dense" in setting.cases and 0 in setting.largest) or "plain" in setting.cases:
        uncompressed = trained_dlrm("dense", plans(1, 0), setting.model, setting.device, setting.precision)
        found += [replace(uncompressed, largest=0)] * ("dense" in setting.cases and 0 in setting.largest)
    for rank in setting.ranks * ("tt" in setting.cases):
        for largest in sorted(set(setting.largest) - {0}):
            trained = trained_dlrm("tt", plans(rank, largest), setting.model, setting.device, setting.precision)
            found.append(replace(trained, largest=largest, rank=rank))
    if uncompressed is not None and "plain" in setting.cases:
        weights = dense_weights(uncompressed.model.get_submodule("embedding"), setting.tables)
        found.append(replace(trained_plain(weights, setting.model, setting.device), plans=uncompressed.plans))
    if "mlp" in setting.cases:
        found.append(trained_mlps(len(rows), setting.dim, setting.model, max(setting.batches), setting.device))
    return found


def _case(trained: Trained, batch: int, log: TensorBatch, setting: StepSetting) -> Case:
    labels = {"batch": batch, "largest": trained.largest, "rank": trained.rank}
    batch_of = partial(_part_of, log, batch)

    def run(number: int) -> object:
        return trained.step(batch_of(number))

    return Case(trained.name, "step", run, _work(trained, batch, log, setting), trained.weight_bytes, labels)


def _part_of(log: TensorBatch, batch: int, number: int) -> TensorBatch:
    start = number % (len(log.label) // batch) * batch
    return log.part(slice(start, start + batch))


def _work(trained: Trained, batch: int, log: TensorBatch, setting: StepSetting) -> Work:
    if not trained.plans:
        return mlps_work(setting.model, len(setting.tables), setting.dim, batch, DENSE_FEATURES)
    batches = [_part_of(log, batch, number).sparse.cpu().numpy() for number in range(COUNTED_BATCHES)]
    return step_work(setting.model, trained.plans, batches, DENSE_FEATURES)


def _records(
    cases: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, float]], ceilings: Ceilings
) -> list[dict[str, Any]]:
    medians = {(case["name"], case["batch"]): case["median_ms"] for case in cases if case["name"] != "tt"}

    def over(name: str, case: Mapping[str, Any]) -> float | None:
        yardstick = medians.get((name, case["batch"]))
        return None if yardstick is None else case["median_ms"] / yardstick

    return [
        {
            **case,
            "samples_per_second": case["batch"] / case["median_ms"] * 1e3,
            "floor_ms": (floor := _floor_ms(case, ceilings)),
            "floor_share": floor / case["median_ms"],
            **{f"over_{name}": over(name, case) for name in ("dense", "mlp", "plain")},
            **{f"{part}_ms": found.get(f"{part}_ms") for part in PARTS},
        }
        for case, found in zip(cases, parts, strict=True)
    ]


def _floor_ms(case: Mapping[str, Any], ceilings: Ceilings) -> float:
    arithmetic = case["flops"] / ceilings.gflops / 1e6
    return float(max(arithmetic, case["bytes"] / ceilings.gigabytes_per_second / 1e6))


def _settings(setting: StepSetting) -> dict[str, Any]:
    return {
        "tables": len(setting.tables),
        "rows": sum(table.rows for table in setting.tables),
        "dim": setting.dim,
        "zipf": setting.zipf,
        "seed": setting.seed,
        "bottom_mlp": list(setting.model.bottom_mlp),
        "top_mlp": list(setting.model.top_mlp),
        "precision": setting.precision.value,
        "data": "synthetic",
    }
