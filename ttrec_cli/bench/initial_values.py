"""Initial tables as they come out: entries reconstructed from freshly drawn cores, for every way to draw them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray

from ttrec_cli.bench.divergence import Spread, spread
from ttrec_kernels.choices import Distribution, InitScale
from ttrec_kernels.initialize import draw, initialize_cores
from ttrec_kernels.reference.lookup import lookup_rows
from ttrec_kernels.shapes import TTShape, full_ranks

MOST_ROWS = 2**17
"""Rows reconstructed: all of a small table, else so many at random."""

UNCOMPRESSED = "uncompressed"
DENSITY_BINS, DENSITY_RANGE = 240, 2.4


@dataclass(frozen=True)
class InitCase:
    """Entries of one initial table. `scale` is `uncompressed` for a dense table drawn directly.

    `density`: estimated density of √n · entry on `DENSITY_BINS` bins over ±`DENSITY_RANGE`.
    """

    distribution: str
    scale: str
    rank: int | None
    spread: Spread
    density: tuple[float, ...]


def init_cases(shape: TTShape, seed: int, on_case: Callable[[float], None]) -> tuple[InitCase, ...]:
    """What an uncompressed table has, then every distribution and scale at the ranks of `shape`."""
    generator = torch.Generator().manual_seed(seed)
    count = min(shape.rows, MOST_ROWS) * shape.dim
    uniform = (torch.rand(count, dtype=torch.float64, generator=generator) * 2 - 1) / sqrt(shape.rows)
    normal = torch.randn(count, dtype=torch.float64, generator=generator) / sqrt(3 * shape.rows)
    direct = [("Uniform(±1/√n)", uniform), ("N(0, 1/3n)", normal)]
    cases = [_case(name, UNCOMPRESSED, None, drawn.numpy(), shape.rows) for name, drawn in direct]
    for scale in InitScale:
        for distribution in Distribution:
            entries = initial_entries(shape, distribution, scale, seed)
            cases.append(_case(distribution.value, scale.value, max(shape.ranks), entries, shape.rows))
            on_case(1)
    return tuple(cases)


def scalar_products(shape: TTShape, seed: int) -> tuple[InitCase, ...]:
    """The paper's Figure 3: entries at rank 1, each a product of one scalar a core; calibrated."""
    ones = TTShape(shape.rows, shape.dim, shape.row_factors, shape.dim_factors, full_ranks(1, shape.cores))
    return tuple(
        _case(each.value, InitScale.CALIBRATED.value, 1, _products(ones, each, seed), shape.rows)
        for each in Distribution
    )


def initial_entries(shape: TTShape, distribution: Distribution, scale: InitScale, seed: int) -> NDArray[np.float64]:
    """Entries (rows · dim) of freshly drawn cores, in float64; of a large table those of rows at random."""
    generator = torch.Generator().manual_seed(seed)
    cores = [torch.empty(size, dtype=torch.float64) for size in shape.core_shapes]
    initialize_cores(cores, shape.rows, distribution=distribution, scale=scale, generator=generator)
    rows = torch.arange(shape.rows)
    if shape.rows > MOST_ROWS:
        rows = torch.randint(shape.rows, (MOST_ROWS,), generator=generator)
    found: NDArray[np.float64] = lookup_rows(cores, rows).flatten().numpy()
    return found


def _products(shape: TTShape, distribution: Distribution, seed: int) -> NDArray[np.float64]:
    """Independent products of d scalars: the few scalars of rank-1 cores would come back in many entries."""
    generator = torch.Generator().manual_seed(seed)
    count = (MOST_ROWS * 4,)
    entries = torch.ones(count, dtype=torch.float64)
    for _ in range(shape.cores):
        entries *= draw(count, distribution, generator)
    scaled: NDArray[np.float64] = (entries / entries.square().mean().sqrt() / sqrt(3 * shape.rows)).numpy()
    return scaled


def _case(distribution: str, scale: str, rank: int | None, entries: NDArray[np.float64], rows: int) -> InitCase:
    edges = (-DENSITY_RANGE, DENSITY_RANGE)
    counts, _ = np.histogram(entries * sqrt(rows), bins=DENSITY_BINS, range=edges)
    density = counts / len(entries) / (2 * DENSITY_RANGE / DENSITY_BINS)
    return InitCase(distribution, scale, rank, spread(entries, rows), tuple(density.tolist()))
