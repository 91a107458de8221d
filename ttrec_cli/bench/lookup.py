"""`ttrec bench lookup`: one table looked up as a tensor train and by what one would use instead.

Every yardstick is what plain torch does at its best: gathers and batched products for the tensor train, a sparse
gradient and `optim.SGD` for the uncompressed table. The gradient from above is a dense tensor as a model gives it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from ttrec_cli.bench.indices import IndexLaw
from ttrec_cli.bench.timing import Case, Work
from ttrec_cli.bench.work import ITEM_BYTES, dense_work, gather_work, reconstruct_work, tt_work
from ttrec_cli.errors import ConfigError
from ttrec_kernels import FusedSGD, TTEmbeddingBag
from ttrec_kernels.initialize import initialize_cores, initialize_dense
from ttrec_kernels.reference.lookup import lookup_bags
from ttrec_kernels.reference.to_dense import to_dense
from ttrec_kernels.shapes import TTShape

LEARNING_RATE = 0.1
BATCHES = 16
"""Different batches that the calls go through, so that no table is judged by rows that lie in the cache."""

Lookup = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LookupSetting:
    """What is looked up: `batch` bags of `pooling` rows each, with rows drawn from a law."""

    shape: TTShape
    batch: int
    pooling: int
    law: IndexLaw
    device: torch.device
    seed: int = 0
    backend: str = "auto"
    batches: tuple[NDArray[np.int64], ...] = field(init=False)
    """Indices (batch, pooling) of `BATCHES` batches."""

    def __post_init__(self) -> None:
        generator = np.random.Generator(np.random.PCG64(self.seed))
        drawn = [self.law.draw(self.batch * self.pooling, generator) for _ in range(BATCHES)]
        object.__setattr__(self, "batches", tuple(each.reshape(self.batch, self.pooling) for each in drawn))

    def indices(self) -> list[Tensor]:
        """The batches on the device."""
        return [torch.from_numpy(batch).to(self.device) for batch in self.batches]

    def gradient(self) -> Tensor:
        """A gradient (batch, dim) from above, contiguous: what `.sum().backward()` would give has stride 0, which
        torch's backward passes handle many times slower than any real gradient."""
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn(self.batch, self.shape.dim, generator=generator).to(self.device) / self.batch


def lookup_cases(setting: LookupSetting, names: Sequence[str]) -> list[Case]:
    """The cases of these names in their order; `ConfigError` for a name that is not known."""
    unknown = [name for name in names if name not in MAKERS]
    if unknown:
        raise ConfigError(f"--cases knows {', '.join(MAKERS)}, but not {unknown[0]!r}")
    return [case for name in names for case in MAKERS[name](setting)]


def _phases(
    name: str, setting: LookupSetting, module: nn.Module, lookup: Lookup, step: Callable[[], None], works: list[Work]
) -> list[Case]:
    """Forward as in training (graph recorded), a training step, and inference of the same lookup."""
    indices, gradient = setting.indices(), setting.gradient()
    weight_bytes = sum(p.numel() * p.element_size() for p in module.parameters())

    def forward(number: int) -> object:
        return lookup(indices[number % BATCHES])

    def train(number: int) -> None:
        lookup(indices[number % BATCHES]).backward(gradient)  # type: ignore[no-untyped-call]
        step()

    def infer(number: int) -> object:
        with torch.inference_mode():
            return lookup(indices[number % BATCHES])

    calls = (("forward", forward, works[0]), ("train", train, works[1]), ("infer", infer, works[0]))
    return [Case(name, phase, run, work, weight_bytes) for phase, run, work in calls]


def optimizer_step(parameters: Sequence[nn.Parameter], learning_rate: float = LEARNING_RATE) -> Callable[[], None]:
    """What follows backward in plain torch: SGD, then gradients are dropped."""
    optimizer = torch.optim.SGD(parameters, lr=learning_rate)

    def step() -> None:
        optimizer.step()
        optimizer.zero_grad()

    return step


def _tt(setting: LookupSetting) -> list[Case]:
    """SGD is applied in the backward pass, and only to the slices in use."""
    shape = setting.shape
    bag = TTEmbeddingBag(
        shape.rows,
        shape.dim,
        shape=shape,
        mode="sum",
        fused_optimizer=FusedSGD(LEARNING_RATE),
        backend=setting.backend,
        device=setting.device,
    )
    works = [tt_work(shape, setting.batches, train) for train in (False, True)]
    return _phases("tt", setting, bag, bag, lambda: None, works)


def _tt_reference(setting: LookupSetting) -> list[Case]:
    cores = _drawn_cores(setting)
    offsets = None
    if setting.pooling > 1:
        offsets = torch.arange(setting.batch + 1, device=setting.device) * setting.pooling

    def lookup(indices: Tensor) -> Tensor:
        return lookup_bags(list(cores), indices.reshape(-1), offsets)

    works = [gather_work(setting.shape, setting.batches, train) for train in (False, True)]
    return _phases("tt-reference", setting, cores, lookup, optimizer_step(list(cores)), works)


def embedding_bag(rows: int, dim: int, device: torch.device) -> nn.EmbeddingBag:
    """The uncompressed table as plain torch trains it fastest: summed, with a sparse gradient."""
    weight = torch.empty(rows, dim, device=device)
    initialize_dense(weight)
    torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
    return nn.EmbeddingBag(rows, dim, mode="sum", sparse=True, _weight=weight)


def _embedding_bag(setting: LookupSetting) -> list[Case]:
    bag = embedding_bag(setting.shape.rows, setting.shape.dim, setting.device)
    works = [dense_work(setting.shape.dim, setting.batches, train) for train in (False, True)]
    return _phases("embedding-bag", setting, bag, bag, optimizer_step(list(bag.parameters())), works)


def _reconstruct(setting: LookupSetting) -> list[Case]:
    """T3nsor's way (Hrinchuk et al. 2020): the whole table from the cores at each lookup."""
    cores, indices = _drawn_cores(setting), setting.indices()

    def forward(number: int) -> Tensor:
        with torch.no_grad():
            table = to_dense(list(cores), setting.shape.rows)
            return F.embedding_bag(indices[number % BATCHES], table, mode="sum")

    work = reconstruct_work(setting.shape, setting.batches)
    return [Case("reconstruct", "forward", forward, work, setting.shape.bytes(ITEM_BYTES))]


def _drawn_cores(setting: LookupSetting) -> nn.ParameterList:
    cores = nn.ParameterList(torch.empty(size, device=setting.device) for size in setting.shape.core_shapes)
    initialize_cores(list(cores), setting.shape.rows, generator=torch.Generator().manual_seed(setting.seed))
    return cores


MAKERS: dict[str, Callable[[LookupSetting], list[Case]]] = {
    "tt": _tt,
    "tt-reference": _tt_reference,
    "embedding-bag": _embedding_bag,
    "reconstruct": _reconstruct,
}
