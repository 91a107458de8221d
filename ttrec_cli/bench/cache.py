"""`ttrec bench cache`: a tensor train with cached rows at nominal hit rates, against an uncompressed table (Figure 12).

Each batch's lookups are made so that exactly the nominal share of them, up to rounding, hits the cache: hits are drawn
alike from the cached rows, misses alike from all others. The uncompressed table looks up the same batches, so it has
whatever its processor's caches make of them too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_cli.bench.indices import scatter
from ttrec_cli.bench.lookup import BATCHES, LEARNING_RATE, embedding_bag, optimizer_step
from ttrec_cli.bench.timing import Case, Work
from ttrec_cli.bench.work import dense_work, tt_work
from ttrec_cli.errors import ConfigError
from ttrec_kernels import EmbeddingTables, FusedSGD, RowCacheSettings, TableKind, TablePlan
from ttrec_kernels.shapes import TTShape

HIT_RATES = (0.0, 0.5, 0.9, 0.99, 1.0)


@dataclass(frozen=True)
class CacheSetting:
    """A table, its cache, and batches of `batch` bags of `pooling` rows; `rows_fraction` of the rows are cached."""

    shape: TTShape
    batch: int
    pooling: int
    rows_fraction: float
    device: torch.device
    hit_rates: tuple[float, ...] = HIT_RATES
    seed: int = 0

    def __post_init__(self) -> None:
        if any(not 0 <= rate <= 1 for rate in self.hit_rates):
            raise ConfigError(f"--hit-rates lie between 0 and 1, but are {', '.join(f'{r:g}' for r in self.hit_rates)}")
        if self.cached == self.shape.rows and min(self.hit_rates) < 1:
            raise ConfigError(
                f"a cache of all {self.shape.rows} rows has no misses; make --rows-fraction smaller or --hit-rates 1"
            )

    @property
    def settings(self) -> RowCacheSettings:
        """The cache's settings."""
        return RowCacheSettings(self.rows_fraction)

    @property
    def cached(self) -> int:
        """Rows in the cache."""
        return self.settings.cached_rows(self.shape.rows)

    def cached_rows(self) -> NDArray[np.int64]:
        """The cached rows, scattered over the table."""
        return np.sort(scatter(np.arange(self.cached), self.shape.rows))

    def batches(self, hit_rate: float) -> tuple[NDArray[np.int64], ...]:
        """Indices (batch, pooling) of several batches at a hit rate."""
        generator = np.random.Generator(np.random.PCG64([self.seed, round(hit_rate * 10**6)]))
        return tuple(self._batch(hit_rate, generator) for _ in range(BATCHES))

    def _batch(self, hit_rate: float, generator: np.random.Generator) -> NDArray[np.int64]:
        nnz = self.batch * self.pooling
        hits = round(hit_rate * nnz)
        drawn = np.concatenate(
            [
                generator.integers(0, self.cached, hits),
                generator.integers(self.cached, self.shape.rows, nnz - hits) if hits < nnz else np.empty(0, np.int64),
            ]
        )
        generator.shuffle(drawn)
        return scatter(drawn, self.shape.rows).reshape(self.batch, self.pooling)


def cache_cases(setting: CacheSetting) -> list[Case]:
    """A training step at each hit rate: through the cache, and of the uncompressed table."""
    cached, dense = CachedBag(setting), embedding_bag(setting.shape.rows, setting.shape.dim, setting.device)
    dense_step = optimizer_step(list(dense.parameters()))
    dense_bytes = dense.weight.numel() * dense.weight.element_size()
    return [
        case
        for rate in setting.hit_rates
        for case in (
            _step("tt-cache", setting, rate, cached, lambda: None, cached.held_bytes),
            _step("embedding-bag", setting, rate, dense, dense_step, dense_bytes),
        )
    ]


class CachedBag(nn.Module):
    """Sums of rows of a tensor train, some of them cached; SGD is applied in the backward pass."""

    def __init__(self, setting: CacheSetting) -> None:
        super().__init__()
        shape = setting.shape
        plan = TablePlan("table", shape.rows, shape.dim, TableKind.TT, shape)
        sgd = FusedSGD(LEARNING_RATE)
        self.tables = EmbeddingTables([plan], cache=setting.settings, fused_optimizer=sgd, device=setting.device)
        self.tables.after_step(setting.cached_rows().reshape(-1, 1), samples_done=setting.cached)
        self.offsets = (torch.arange(setting.batch + 1) * setting.pooling).to(setting.device)

    def forward(self, indices: Tensor) -> Tensor:
        """Vectors (bags, dim) of `indices` (bags, pooling)."""
        vectors: Tensor = self.tables(indices.reshape(-1), self.offsets)
        return vectors.squeeze(1)

    @property
    def held_bytes(self) -> int:
        """Cores, cached rows and their index."""
        cache = self.tables.row_cache
        index = () if cache is None else (cache.keys, cache.slots)
        return sum(tensor.numel() * tensor.element_size() for tensor in (*self.tables.parameters(), *index))


def _step(
    name: str, setting: CacheSetting, rate: float, bag: nn.Module, step: Callable[[], None], held_bytes: int
) -> Case:
    batches = setting.batches(rate)
    indices = [torch.from_numpy(batch).to(setting.device) for batch in batches]
    generator = torch.Generator().manual_seed(setting.seed)
    gradient = (torch.randn(setting.batch, setting.shape.dim, generator=generator) / setting.batch).to(setting.device)

    def train(number: int) -> None:
        output: Tensor = bag(indices[number % BATCHES])
        output.backward(gradient)  # type: ignore[no-untyped-call]
        step()

    work = _cached_work(setting, batches) if name == "tt-cache" else dense_work(setting.shape.dim, batches, train=True)
    return Case(name, "train", train, work, held_bytes, {"hit_rate": rate})


def _cached_work(setting: CacheSetting, batches: Sequence[NDArray[np.int64]]) -> Work:
    """Of the misses in the tensor train, and of the rows read and added."""
    cached = setting.cached_rows()
    hits, misses = [], []
    for batch in batches:
        rows = batch.reshape(-1, 1)
        is_hit = np.isin(rows, cached)
        hits.append(rows[is_hit].reshape(-1, 1))
        misses.append(rows[~is_hit].reshape(-1, 1))
    trained = tt_work(setting.shape, misses, train=True) if misses[0].size else Work()
    copied = dense_work(setting.shape.dim, hits, train=True) if hits[0].size else Work()
    added = setting.batch * (setting.pooling - 1) * setting.shape.dim
    return Work(trained.flops + copied.flops + added, trained.bytes + copied.bytes)
