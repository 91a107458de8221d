"""The models whose training steps are timed: DLRM with uncompressed tables or tensor trains, and its two yardsticks.

`plain` is the DLRM that one writes in eager torch: a module a table, sparse gradients, one optimiser for everything.
`mlp` is its two MLPs alone: nothing that trains them can be much faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ttrec_cli.config import ModelConfig, Optimizer, Precision
from ttrec_cli.data.tensor_batches import TensorBatch
from ttrec_cli.dlrm.interaction import interactions
from ttrec_cli.dlrm.model import DLRM, make_mlp
from ttrec_cli.dlrm.optimizers import mlp_optimizers
from ttrec_cli.dlrm.parallel import StepLike, make_step
from ttrec_cli.dlrm.step import Step
from ttrec_cli.dlrm.training import to_device
from ttrec_cli.planning.table_list import ModelTable
from ttrec_kernels import EmbeddingTables, FusedSGD, TablePlan

LEARNING_RATE = 0.1
DENSE_FEATURES = 13


@dataclass(frozen=True)
class Trained:
    """A model and the step that trains it on a batch.

    `step` is a trial's, on a GPU a replayed graph where that can be; `eager_step` the same, a kernel after the other.
    `loss` and `optimizers` are those it uses: whoever wants to know when they are called finds them here.
    """

    name: str
    model: nn.Module
    step: Callable[[TensorBatch], object]
    eager_step: Callable[[TensorBatch], object]
    optimizers: Sequence[torch.optim.Optimizer]
    loss: nn.Module | None = None
    largest: int | None = None
    rank: int | None = None
    plans: tuple[TablePlan, ...] = ()

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights."""
        return sum(p.numel() * p.element_size() for p in self.model.parameters())


def trained_dlrm(
    name: str, plans: tuple[TablePlan, ...], config: ModelConfig, device: torch.device, precision: Precision
) -> Trained:
    """The model and step of a trial: SGD, within the backward pass wherever a trial has it there."""
    embedding = EmbeddingTables(plans, fused_optimizer=FusedSGD(LEARNING_RATE), device=device)
    model = DLRM(
        embedding,
        tables=len(plans),
        dim=plans[0].dim,
        bottom_widths=config.bottom_mlp,
        top_widths=config.top_mlp,
        seed=0,
        dense_features=DENSE_FEATURES,
        precision=precision,
    ).to(device)
    optimizers = mlp_optimizers([model.bottom_mlp, model.top_mlp], Optimizer.SGD, LEARNING_RATE, precision)
    eager, by_size = Step(model, optimizers), dict[int, StepLike]()

    def step(batch: TensorBatch) -> object:
        count = len(batch.label)  # a graph is of one size
        if count not in by_size:
            by_size[count] = make_step(model, optimizers, device)
        return by_size[count](*to_device(batch, device))

    return Trained(
        name, model, step, lambda batch: eager(*to_device(batch, device)), optimizers, eager.loss_function, plans=plans
    )


class TablesApart(nn.Module):
    """A module a table, called one after the other; `weights` (rows, dim) are used as they are, not copied."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.tables = nn.ModuleList(
            nn.EmbeddingBag(len(weight), weight.shape[1], mode="sum", sparse=True, _weight=weight) for weight in weights
        )

    def forward(self, indices: Tensor, offsets: Tensor) -> list[Tensor]:
        """Vectors (batch, dim) of each table, at indices (tables, batch)."""
        return [table(indices[number], offsets) for number, table in enumerate(self.tables)]


class PlainInteraction(nn.Module):
    """Vectors side by side, all products, those of the lower triangle by a pair of index lists."""

    def forward(self, bottom: Tensor, looked_up: list[Tensor]) -> Tensor:
        """(batch, dim + pairs) of bottom (batch, dim) and a list of (batch, dim)."""
        batch, dim = bottom.shape
        vectors = torch.cat([bottom, *looked_up], dim=1).view(batch, -1, dim)
        products = torch.bmm(vectors, vectors.transpose(1, 2))
        count = vectors.shape[1]
        rows = torch.tensor([i for i in range(count) for _ in range(i)])
        columns = torch.tensor([j for i in range(count) for j in range(i)])
        return torch.cat([bottom, products[:, rows, columns]], dim=1)


class PlainDLRM(nn.Module):
    """DLRM in eager torch."""

    def __init__(self, weights: Sequence[Tensor], config: ModelConfig) -> None:
        super().__init__()
        self.bottom_mlp, self.top_mlp = mlps(len(weights), weights[0].shape[1], config)
        self.embedding = TablesApart(weights)
        self.interaction = PlainInteraction()

    def forward(self, dense: Tensor, indices: Tensor, offsets: Tensor) -> Tensor:
        """Chance of a click (batch) at indices (tables, batch)."""
        bottom = self.bottom_mlp(dense)
        logits = self.top_mlp(self.interaction(bottom, self.embedding(indices, offsets)))
        return torch.sigmoid(logits).squeeze(1)


def trained_plain(weights: Sequence[Tensor], config: ModelConfig, device: torch.device) -> Trained:
    """The plain model and its step: one SGD for all weights, binary cross-entropy of the sigmoid."""
    # Torch's own embeddings make these gradients, so they hold; the choice must be made, else it warns.
    torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
    model, loss_function = PlainDLRM(weights, config).to(device), nn.BCELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def step(batch: TensorBatch) -> None:
        dense, indices, label = batch.dense.to(device), batch.sparse.T.long().to(device), batch.label.float().to(device)
        offsets = torch.arange(len(label), device=device)
        loss = loss_function(model(dense, indices, offsets), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return Trained("plain", model, step, step, [optimizer], loss_function, largest=0)


class BareMLPs(nn.Module):
    """Both MLPs, each on inputs of its own."""

    def __init__(self, tables: int, dim: int, config: ModelConfig) -> None:
        super().__init__()
        self.bottom_mlp, self.top_mlp = mlps(tables, dim, config)

    def forward(self, dense: Tensor, interaction: Tensor) -> list[Tensor]:
        """Outputs of the bottom and the top MLP."""
        return [self.bottom_mlp(dense), self.top_mlp(interaction)]


def trained_mlps(tables: int, dim: int, config: ModelConfig, largest_batch: int, device: torch.device) -> Trained:
    """The MLPs alone: forward, backward from given gradients, SGD. The top one's input takes a gradient too."""
    model = BareMLPs(tables, dim, config).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    inputs = torch.rand(largest_batch, interactions(tables) + dim, device=device)
    gradients = [torch.randn(largest_batch, width, device=device) / largest_batch for width in (dim, 1)]

    def step(batch: TensorBatch) -> None:
        count = len(batch.label)
        outputs = model(batch.dense, inputs[:count].requires_grad_())
        optimizer.zero_grad()
        torch.autograd.backward(outputs, [gradient[:count] for gradient in gradients])
        optimizer.step()

    return Trained("mlp", model, step, step, [optimizer])


def mlps(tables: int, dim: int, config: ModelConfig) -> tuple[nn.Sequential, nn.Sequential]:
    """A bottom and a top MLP for so many tables, as torch's own modules run them."""
    generator = torch.Generator().manual_seed(0)
    bottom = make_mlp((DENSE_FEATURES, *config.bottom_mlp, dim), generator, last_relu=True)
    top = make_mlp((interactions(tables) + dim, *config.top_mlp, 1), generator, last_relu=False)
    return nn.Sequential(*bottom), nn.Sequential(*top)


def dense_weights(embedding: nn.Module, tables: Sequence[ModelTable]) -> list[Tensor]:
    """The tables (rows, dim) of uncompressed `EmbeddingTables`, each a view of them: two models, one memory."""
    if not isinstance(embedding, EmbeddingTables) or embedding.dense_weight is None:
        raise TypeError(f"views are of uncompressed EmbeddingTables, but this is {type(embedding).__name__}")
    return list(torch.split(embedding.dense_weight.detach(), [table.rows for table in tables]))
