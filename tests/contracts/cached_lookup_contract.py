"""What every backend's lookup through a row cache must do; a backend's test inherits `CachedLookupContract`.

The judge is that of `lookup_contract`: the definition row by row in float64, here with a dictionary for the cache. A
cached row's gradient goes to the cache alone, any other's to the cores.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from contracts.lookup_contract import SHAPES, exact_row, fresh_generator, random_cores
from torch import Tensor

from ttrec_kernels import BagMode, TTShape, ops
from ttrec_kernels.layout import NONE, CachePlace, TablePlace
from ttrec_kernels.lookup_tables import LookupTables
from ttrec_kernels.row_counts_loops import build_index

CachedLookup = Callable[..., Tensor]
MIXES = ("nothing cached", "half cached", "all cached")


@dataclass(frozen=True)
class CachedCase:
    """Inputs of one lookup through a cache of `cached` rows."""

    shape: TTShape
    cached: Tensor
    indices: Tensor
    offsets: Tensor | None
    mode: BagMode = BagMode.SUM
    weighted: bool = False
    padding_idx: int | None = None


def make_case(shape: TTShape, mix: str, bags: str, generator: torch.Generator) -> CachedCase:
    drawn = torch.randint(shape.rows, (12,), generator=generator)
    drawn[5:8] = drawn[0]  # a row several times, in several bags
    share = {"nothing cached": 0.0, "half cached": 0.5, "all cached": 1.0}[mix]
    seen = drawn.unique()
    cached = seen[: round(share * len(seen))]
    if mix == "nothing cached":
        cached = torch.tensor(
            [row for row in range(min(3, shape.rows)) if row not in drawn.tolist()], dtype=torch.int64
        )
    offsets = torch.tensor([0, 0, 1, 6, 6, 12, 12])
    return {
        "one row a bag": CachedCase(shape, cached, drawn, None),
        "mixed bags, weights": CachedCase(shape, cached, drawn, offsets, weighted=True),
        "mixed bags, mean": CachedCase(shape, cached, drawn, offsets, mode=BagMode.MEAN),
        "padding": CachedCase(shape, cached, drawn, offsets, mode=BagMode.MEAN, padding_idx=int(drawn[5])),
        "no lookups": CachedCase(shape, cached, drawn[:0], torch.tensor([0, 0, 0])),
    }[bags]


BAGS = ("one row a bag", "mixed bags, weights", "mixed bags, mean", "padding", "no lookups")


class CachedLookupContract:
    """Inherit, and give `lookup_cached_bags` (and `device`)."""

    device = "cpu"

    @staticmethod
    def lookup_cached_bags(*arguments: object, **options: object) -> Tensor:
        raise NotImplementedError

    @pytest.fixture
    def generator(self) -> torch.Generator:
        return fresh_generator()

    @pytest.mark.parametrize("bags", BAGS)
    @pytest.mark.parametrize("mix", MIXES)
    @pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
    def test_output_and_every_gradient(self, shape, mix, bags, generator):
        check_cached_lookup(self.lookup_cached_bags, make_case(shape, mix, bags, generator), generator, self.device)

    def test_keys_that_share_a_home(self, generator):
        """Probing goes on past other rows, around the end of the index too."""
        shape = TTShape(4096, 2, (16, 16, 16), (1, 2, 1), (1, 2, 2, 1))
        homes = {row: home(row, 8) for row in range(shape.rows)}
        last = [row for row, at in homes.items() if at == 7]
        case = CachedCase(shape, torch.tensor(sorted(last[:4])), torch.tensor([*last[:8], 0, 1, 2]), None)
        check_cached_lookup(self.lookup_cached_bags, case, generator, self.device)

    def test_same_bits_twice(self, generator):
        case = make_case(SHAPES["2^k - 1"], "half cached", "mixed bags, mean", generator)
        inputs = random_inputs(case, generator)
        first, second = (run(self.lookup_cached_bags, case, *inputs, device=self.device) for _ in range(2))
        for label, values in first.items():
            assert torch.equal(values, second[label]), label


def home(row: int, capacity: int) -> int:
    """The definition in whole numbers."""
    return ((row * 0x9E3779B97F4A7C15) % 2**64) >> (64 - (capacity.bit_length() - 1))


def probe_index(cached: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and slots of an index at most half full."""
    capacity = max(2, 1 << (2 * len(cached) - 1).bit_length() if len(cached) else 2)
    keys, slots = np.empty(capacity, dtype=np.int64), np.empty(capacity, dtype=np.int32)
    build_index(cached.numpy(), keys, slots)
    return torch.from_numpy(keys), torch.from_numpy(slots)


def random_inputs(case: CachedCase, generator: torch.Generator) -> tuple[list[Tensor], Tensor, Tensor | None]:
    cores = random_cores(case.shape, generator)
    cache_weight = torch.randn(max(1, len(case.cached)), case.shape.dim, generator=generator)
    weights = torch.randn(case.indices.numel(), generator=generator) if case.weighted else None
    return cores, cache_weight, weights


def check_cached_lookup(
    lookup: CachedLookup, case: CachedCase, generator: torch.Generator, device: str = "cpu"
) -> None:
    """Compare output and every gradient, each under its name, with float64."""
    cores, cache_weight, weights = random_inputs(case, generator)
    actual = run(lookup, case, cores, cache_weight, weights, device=device)
    doubled = ([core.double() for core in cores], cache_weight.double(), None if weights is None else weights.double())
    expected = run(exact_cached_bags(case), case, *doubled)
    absolute = ([core.abs() for core in doubled[0]], doubled[1].abs(), None if weights is None else doubled[2].abs())
    magnitude = run(exact_cached_bags(case), case, *absolute)
    terms = sum(case.shape.ranks) + case.shape.cores + case.indices.numel()
    assert actual.keys() == expected.keys()
    for label, values in actual.items():
        error = (values.double() - expected[label]).abs()
        allowed = 2 * terms * torch.finfo(values.dtype).eps * magnitude[label]
        worst = (error - allowed).max().item() if error.numel() else 0.0
        assert worst <= 0, f"{label} is off by {error.max().item():.3g}"


def run(
    lookup: CachedLookup,
    case: CachedCase,
    cores: Sequence[Tensor],
    cache_weight: Tensor,
    weights: Tensor | None,
    device: str = "cpu",
) -> dict[str, Tensor]:
    """Output and gradients by name."""
    leaves = [tensor.to(device).detach().clone().requires_grad_() for tensor in (*cores, cache_weight)]
    weight_leaf = None if weights is None else weights.to(device).detach().clone().requires_grad_()
    keys, slots = probe_index(case.cached)
    output = lookup(
        leaves[:-1],
        leaves[-1],
        keys.to(device),
        slots.to(device),
        case.indices.to(device),
        None if case.offsets is None else case.offsets.to(device),
        mode=case.mode,
        per_sample_weights=weight_leaf,
        padding_idx=case.padding_idx,
    )
    upstream = torch.linspace(0.5, 1.5, max(1, output.numel()), dtype=output.dtype)[: output.numel()]
    output.backward(upstream.view(output.shape).to(device))
    found = {"output": output, "gradient of the cache": leaves[-1].grad}
    found |= {f"gradient of core {k}": leaf.grad for k, leaf in enumerate(leaves[:-1])}
    if weight_leaf is not None:
        found["gradient of per_sample_weights"] = weight_leaf.grad
    dense = {label: values.to_dense() if values.is_sparse else values for label, values in found.items()}
    return {label: values.detach().cpu() for label, values in dense.items()}


def exact_cached_bags(case: CachedCase) -> CachedLookup:
    """The definition, with a dictionary instead of the probe index."""
    place = {row: at for at, row in enumerate(case.cached.tolist())}

    def lookup(cores, cache_weight, keys, slots, indices, offsets, *, mode, per_sample_weights, padding_idx):
        nothing = sum(tensor.sum() * 0 for tensor in (*cores, cache_weight)).repeat(case.shape.dim)
        if per_sample_weights is not None:
            nothing = nothing + per_sample_weights.sum() * 0
        ends = list(range(indices.numel() + 1)) if offsets is None else offsets.tolist()
        bags = []
        for start, end in itertools.pairwise(ends):
            kept = [at for at in range(start, end) if int(indices[at]) != padding_idx]
            total = nothing
            for at in kept:
                row = int(indices[at])
                vector = cache_weight[place[row]] if row in place else exact_row(cores, row)
                total = total + (vector if per_sample_weights is None else vector * per_sample_weights[at])
            bags.append(total / max(1, len(kept)) if mode == BagMode.MEAN else total)
        return torch.stack(bags) if bags else nothing.expand(0, case.shape.dim)

    return lookup


def one_table(
    cores, cache_weight, keys, slots, indices, offsets, *, mode, per_sample_weights, padding_idx
) -> tuple[LookupTables, ops.LookupBatch]:
    """The arguments of `CachedLookup` as a compiled backend takes them: one table, its cache the last weight."""
    p, q, ranks = zip(*[(core.shape[0], core.shape[2], core.shape[3]) for core in cores], strict=True)
    rows, dim, d = math.prod(p), cache_weight.shape[1], len(cores)
    cache, skipped = CachePlace(0, len(keys), 0, d), NONE if padding_idx is None else padding_idx
    shape = TTShape(rows, dim, p, q, (1, *ranks))
    tables = LookupTables([TablePlace(rows, dim, shape, tuple(range(d)), (0,) * d, skipped, cache)], ["t"])
    bags = indices.numel() if offsets is None else offsets.numel() - 1
    # Weights of samples go with bags: a matrix of indices takes none.
    ends = torch.arange(bags + 1) if offsets is None else offsets
    is_mean = mode == BagMode.MEAN
    return tables, ops.LookupBatch(tables.layout, indices, ends, per_sample_weights, keys, slots, bags, dim, is_mean)
