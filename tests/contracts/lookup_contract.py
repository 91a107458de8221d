"""What every backend's bag lookup must do; a backend's test inherits `LookupContract`.

Outputs and every gradient are judged against float64. The judge computes entry (i, j) of the table as a product of d
matrices, each by itself, and each bag by a loop. The error allowed is that of adding in any order: the
same function of absolute values, times the number of terms, times the machine epsilon.
"""

import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import pytest
import torch
from torch import Tensor

from ttrec_kernels import BagMode, TTShape

LookupBags = Callable[..., Tensor]

SHAPES = {
    "one row": TTShape(1, 4, (1, 1, 1), (2, 1, 2), (1, 3, 2, 1)),
    "prime": TTShape(101, 7, (5, 3, 7), (1, 7, 1), (1, 5, 4, 1)),
    "2^k - 1": TTShape(127, 8, (4, 8, 4), (2, 2, 2), (1, 7, 15, 1)),
    "rank 1": TTShape(60, 6, (3, 4, 5), (3, 1, 2), (1, 1, 1, 1)),
    "two cores": TTShape(35, 6, (5, 7), (2, 3), (1, 9, 1)),
    "five cores": TTShape(95, 4, (2, 3, 2, 2, 4), (1, 2, 1, 2, 1), (1, 2, 3, 5, 2, 1)),
    "dim 1": TTShape(50, 1, (4, 4, 4), (1, 1, 1), (1, 3, 3, 1)),
    "rank 33": TTShape(24, 4, (2, 3, 4), (2, 1, 2), (1, 33, 33, 1)),
    "beyond 2^32 rows": TTShape(2**32 + 5, 4, (2049, 1449, 1449), (2, 1, 2), (1, 2, 2, 1)),
}


@dataclass(frozen=True)
class Case:
    """Inputs of one lookup; `offsets` has both ends."""

    shape: TTShape
    indices: Tensor
    offsets: Tensor | None
    mode: BagMode = BagMode.SUM
    weighted: bool = False
    padding_idx: int | None = None


def _random_case(shape: TTShape, generator: torch.Generator) -> Case:
    indices = torch.randint(shape.rows, (11,), generator=generator)
    return Case(shape, indices, None)


def _empty_bags_case(shape: TTShape, generator: torch.Generator) -> Case:
    indices = torch.randint(shape.rows, (9,), generator=generator)
    return Case(shape, indices, torch.tensor([0, 0, 1, 4, 4, 4, 9, 9]), weighted=True)


def _repeated_case(shape: TTShape, generator: torch.Generator) -> Case:
    index = torch.randint(shape.rows, (1,), generator=generator)
    return Case(shape, index.repeat(8), torch.tensor([0, 3, 8]), mode=BagMode.MEAN)


def _last_row_case(shape: TTShape, generator: torch.Generator) -> Case:
    others = torch.randint(shape.rows, (4,), generator=generator)
    indices = torch.cat((torch.tensor([shape.rows - 1, 0]), others))
    return Case(shape, indices, torch.tensor([0, 1, 2, 6]))


def _padding_case(shape: TTShape, generator: torch.Generator) -> Case:
    indices = torch.randint(shape.rows, (10,), generator=generator)
    indices[4:6] = indices[0]
    return Case(shape, indices, torch.tensor([0, 1, 6, 10]), mode=BagMode.MEAN, padding_idx=int(indices[0].item()))


def _padding_sum_case(shape: TTShape, generator: torch.Generator) -> Case:
    indices = torch.randint(shape.rows, (6,), generator=generator)
    return Case(shape, indices, None, weighted=True, padding_idx=int(indices[2].item()))


def _no_bags_case(shape: TTShape, generator: torch.Generator) -> Case:
    return Case(shape, torch.zeros(0, dtype=torch.int64), torch.tensor([0]))


def _only_empty_bags_case(shape: TTShape, generator: torch.Generator) -> Case:
    return Case(shape, torch.zeros(0, dtype=torch.int64), torch.tensor([0, 0, 0, 0]), mode=BagMode.MEAN)


CASES: dict[str, Callable[[TTShape, torch.Generator], Case]] = {
    "random": _random_case,
    "empty bags, weights": _empty_bags_case,
    "all the same, mean": _repeated_case,
    "last row": _last_row_case,
    "padding, mean": _padding_case,
    "padding, weights": _padding_sum_case,
    "no bags": _no_bags_case,
    "only empty bags": _only_empty_bags_case,
}


class LookupContract:
    """Inherit, and give `lookup_bags` (and `device`); every test then runs on that backend."""

    device = "cpu"

    @staticmethod
    def lookup_bags(*arguments: object, **options: object) -> Tensor:
        raise NotImplementedError

    @pytest.fixture
    def generator(self) -> torch.Generator:
        return fresh_generator()

    @pytest.mark.parametrize("make_case", CASES.values(), ids=CASES)
    @pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
    def test_output_and_every_gradient(self, shape, make_case, generator):
        check_lookup(self.lookup_bags, make_case(shape, generator), generator, self.device)

    def test_32_bit_indices(self, generator):
        shape = SHAPES["prime"]
        case = Case(shape, torch.randint(shape.rows, (9,), generator=generator).int(), None)
        check_lookup(self.lookup_bags, case, generator, self.device)

    def test_more_lookups_than_one_workspace(self, generator):
        shape = TTShape(1000, 2, (10, 10, 10), (1, 2, 1), (1, 64, 64, 1))
        cores = random_cores(shape, generator)
        indices = torch.randint(shape.rows, (3000,), generator=generator)
        whole = self.lookup_bags([core.to(self.device) for core in cores], indices.to(self.device), None).cpu()
        for at in (0, 1499, 2999):
            expected = exact_row([core.double() for core in cores], int(indices[at]))
            torch.testing.assert_close(whole[at].double(), expected, rtol=1e-4, atol=1e-4)

    def test_same_bits_twice(self, generator):
        case = _repeated_case(SHAPES["2^k - 1"], generator)
        cores = random_cores(case.shape, generator)
        first, second = (run(self.lookup_bags, case, cores, None, self.device) for _ in range(2))
        for label, values in first.items():
            assert torch.equal(values, second[label]), label


def fresh_generator() -> torch.Generator:
    """A generator with a new seed, shown when the test fails."""
    seed = secrets.randbits(32)
    print(f"torch.Generator().manual_seed({seed})")  # noqa: T201
    return torch.Generator().manual_seed(seed)


def random_cores(shape: TTShape, generator: torch.Generator) -> list[Tensor]:
    return [torch.randn(size, generator=generator) for size in shape.core_shapes]


def check_lookup(lookup_bags: LookupBags, case: Case, generator: torch.Generator, device: str = "cpu") -> None:
    """Compare output, gradient of every core and of the weights with float64, each under its name."""
    cores = random_cores(case.shape, generator)
    weights = torch.randn(case.indices.numel(), generator=generator) if case.weighted else None
    actual = run(lookup_bags, case, cores, weights, device)
    expected = run(exact_bags, case, [core.double() for core in cores], _map(torch.Tensor.double, weights))
    magnitude = run(
        exact_bags, case, [core.double().abs() for core in cores], _map(lambda w: w.double().abs(), weights)
    )
    terms = sum(case.shape.ranks) + case.shape.cores + case.indices.numel()
    assert actual.keys() == expected.keys()
    for label, values in actual.items():
        assert values.shape == expected[label].shape, label
        error = (values.double() - expected[label]).abs()
        allowed = 2 * terms * torch.finfo(values.dtype).eps * magnitude[label]
        worst = (error - allowed).max().item() if error.numel() else 0.0
        assert worst <= 0, f"{label} is off by {error.max().item():.3g}"


def run(
    lookup_bags: LookupBags, case: Case, cores: Sequence[Tensor], weights: Tensor | None, device: str = "cpu"
) -> dict[str, Tensor]:
    """Output and gradients by name; the gradient that comes from above is fixed, positive and uneven."""
    leaves = [core.to(device).detach().clone().requires_grad_() for core in cores]
    weight_leaf = _map(lambda w: w.to(device).detach().clone().requires_grad_(), weights)
    output = lookup_bags(
        leaves,
        case.indices.to(device),
        _map(lambda offsets: offsets.to(device), case.offsets),
        mode=case.mode,
        per_sample_weights=weight_leaf,
        padding_idx=case.padding_idx,
    )
    upstream = torch.linspace(0.5, 1.5, max(1, output.numel()), dtype=output.dtype)[: output.numel()]
    output.backward(upstream.view(output.shape).to(device))
    found = {"output": output} | {f"gradient of core {k}": leaf.grad for k, leaf in enumerate(leaves)}
    if weight_leaf is not None:
        found["gradient of per_sample_weights"] = weight_leaf.grad
    return {label: values.detach().cpu() for label, values in found.items()}


def exact_bags(
    cores: Sequence[Tensor],
    indices: Tensor,
    offsets: Tensor | None,
    *,
    mode: BagMode,
    per_sample_weights: Tensor | None,
    padding_idx: int | None,
) -> Tensor:
    """The definition, bag by bag, row by row, entry by entry."""
    dim = prod(core.shape[2] for core in cores)
    ends = list(range(indices.numel() + 1)) if offsets is None else offsets.tolist()
    # Bags without lookups still take part in the gradient, with zeros.
    nothing = sum((core.sum() * 0 for core in cores), torch.zeros(dim, dtype=cores[0].dtype))
    if per_sample_weights is not None:
        nothing = nothing + per_sample_weights.sum() * 0
    bags = []
    for start, end in itertools.pairwise(ends):
        kept = [at for at in range(start, end) if int(indices[at]) != padding_idx]
        total = nothing
        for at in kept:
            row = exact_row(cores, int(indices[at]))
            total = total + (row if per_sample_weights is None else row * per_sample_weights[at])
        bags.append(total / max(1, len(kept)) if mode == BagMode.MEAN else total)
    return torch.stack(bags) if bags else nothing.expand(0, dim)


def exact_row(cores: Sequence[Tensor], row: int) -> Tensor:
    """Row of the table, each entry a product of d matrices."""
    row_digits = _digits(row, [core.shape[0] for core in cores])
    dim_factors = [core.shape[2] for core in cores]
    entries = []
    for column in range(prod(dim_factors)):
        product = torch.ones(1, 1, dtype=cores[0].dtype)
        for core, i, j in zip(cores, row_digits, _digits(column, dim_factors), strict=True):
            product = product @ core[i, :, j, :]
        entries.append(product[0, 0])
    return torch.stack(entries)


def _digits(number: int, factors: Sequence[int]) -> list[int]:
    """Digit k counts how often the product of the later factors goes in, modulo its own factor."""
    return [number // prod(factors[k + 1 :]) % factor for k, factor in enumerate(factors)]


def _map(function: Callable[[Tensor], Tensor], value: Tensor | None) -> Tensor | None:
    return None if value is None else function(value)
