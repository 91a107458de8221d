"""The trainer, step by step, against a DLRM written here in plain torch: modules, autograd, optimisers, one table each.

Both start from the same weights and see the same batches; losses and weights agree within fp32 rounding.
"""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ttrec_cli.config import ModelConfig, Optimizer, TrainConfig, TrialConfig
from ttrec_cli.dlrm.step import Step
from ttrec_cli.planning import plan_tables
from ttrec_cli.sweep.costs import costs
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.trial_run import build_model, build_optimizers, embedding_of
from ttrec_kernels import EmbeddingTables, TableKind

ROWS, DIM, FEATURES, BATCH, STEPS = (900, 40, 5, 350), 4, 13, 32, 25
RATES = {"sgd": (0.1, 1.0), "adagrad": (0.05, 0.2)}
"""Of MLPs and of embeddings."""
CPU = torch.device("cpu")


class PlainTT(nn.Module):
    """Rows from cores (p_k, r, q_k, s): one slice a digit, multiplied from left to right."""

    def __init__(self, cores: list[Tensor]) -> None:
        super().__init__()
        self.cores = nn.ParameterList(core.detach().clone() for core in cores)

    def forward(self, indices: Tensor) -> Tensor:
        digits = []
        for core in reversed(list(self.cores)):
            digits.insert(0, indices % len(core))
            indices = indices // len(core)
        row = self.cores[0][digits[0]].flatten(1, 2)  # (n, q1, r1)
        for core, digit in zip(list(self.cores)[1:], digits[1:], strict=True):
            row = torch.einsum("nar,nrqs->naqs", row, core[digit]).flatten(1, 2)
        return row.squeeze(-1)


class PlainDLRM(nn.Module):
    """As the paper of DLRM describes it; weights are copies of `source`'s."""

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        embedding = embedding_of(source)
        self.bottom = self._copy(source.bottom_mlp)
        self.top = self._copy(source.top_mlp)
        self.tables = nn.ModuleList(self._table(embedding, column) for column in range(len(ROWS)))

    @staticmethod
    def _copy(mlp: nn.Sequential) -> nn.Sequential:
        layers: list[nn.Module] = []
        for layer in mlp:
            layers.append(
                nn.Linear(layer.in_features, layer.out_features) if isinstance(layer, nn.Linear) else nn.ReLU()
            )
        copied = nn.Sequential(*layers)
        copied.load_state_dict(mlp.state_dict())
        return copied

    @staticmethod
    def _table(embedding: EmbeddingTables, column: int) -> nn.Module:
        plan = embedding.plans[column]
        if plan.kind == TableKind.TT:
            return PlainTT(embedding.tt_cores[plan.name])
        start = sum(p.rows for p in embedding.plans[:column] if p.kind == TableKind.DENSE)
        weight = embedding.dense_weight.detach()[start : start + plan.rows].clone()
        return nn.EmbeddingBag(plan.rows, DIM, mode="sum", _weight=weight)

    def forward(self, dense: Tensor, indices: Tensor) -> Tensor:
        bottom = self.bottom(dense)
        vectors = [bottom]
        for column, table in enumerate(self.tables):
            ids = indices[:, column].long()
            vectors.append(table(ids) if isinstance(table, PlainTT) else table(ids.unsqueeze(1)))
        dots = [(vectors[i] * vectors[j]).sum(1) for i in range(len(vectors)) for j in range(i)]
        return self.top(torch.cat([bottom, torch.stack(dots, dim=1)], dim=1)).squeeze(1)


def trial_of(optimizer: str, largest: int) -> Trial:
    names = [f"C{number}" for number in range(len(ROWS))]
    plans = plan_tables(names, ROWS, DIM, 3, largest)
    assert sum(plan.kind == TableKind.TT for plan in plans) == largest
    config = TrialConfig(
        method="tt" if largest else "dense",
        rank=3,
        tables=largest,
        dim=DIM,
        model=ModelConfig(bottom_mlp=(16, 8), top_mlp=(12,)),
        train=TrainConfig(
            optimizer=optimizer, learning_rate=RATES[optimizer][0], embedding_learning_rate=RATES[optimizer][1]
        ),
    )
    return Trial("k", "k", config, plans, costs(config, plans), STEPS * BATCH)


def batches() -> list[tuple[Tensor, Tensor, Tensor]]:
    chance = np.random.default_rng(7)
    return [
        (
            torch.from_numpy(chance.random((BATCH, FEATURES), dtype=np.float32)),
            torch.from_numpy(np.stack([chance.zipf(1.3, BATCH) % rows for rows in ROWS], axis=1).astype(np.int32)),
            torch.from_numpy(chance.integers(0, 2, BATCH).astype(np.float32)),
        )
        for _ in range(STEPS)
    ]


@pytest.mark.parametrize(("optimizer", "largest"), list(itertools.product(("sgd", "adagrad"), (0, 2))))
def test_every_loss_and_weight_is_that_of_a_plain_trainer(optimizer: str, largest: int) -> None:
    trial = trial_of(optimizer, largest)
    ours = build_model(trial, CPU)
    plain, untrained = PlainDLRM(ours), PlainDLRM(ours)
    step = Step(ours, build_optimizers(ours, trial.config.train))
    make = torch.optim.Adagrad if optimizer == Optimizer.ADAGRAD else torch.optim.SGD
    theirs = make(
        [
            {"params": [*plain.bottom.parameters(), *plain.top.parameters()], "lr": RATES[optimizer][0]},
            {"params": list(plain.tables.parameters()), "lr": RATES[optimizer][1]},
        ]
    )
    losses = []
    for dense, sparse, label in batches():
        loss = nn.functional.binary_cross_entropy_with_logits(plain(dense, sparse), label)
        theirs.zero_grad()
        loss.backward()
        theirs.step()
        losses.append((float(step(dense, sparse, label)), float(loss.detach())))
    found, expected = np.array(losses).T
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    again = PlainDLRM(ours)  # our weights in their form
    triples = zip(again.named_parameters(), plain.parameters(), untrained.parameters(), strict=True)
    for (name, value), wanted, start in triples:
        assert (wanted - start).abs().max() > 1e-3, f"{name} hardly moved, so nothing is compared"
        torch.testing.assert_close(value, wanted, rtol=1e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}")
