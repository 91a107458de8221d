"""Two processes that each see half a batch end with the weights of one that sees all of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ttrec_kernels import TTEmbedding, TTEmbeddingBag

WORKER = """
import sys
import torch, torch.distributed as dist
from test_ddp import build, step
from ttrec_kernels import FusedSGD, TTEmbedding, TTEmbeddingBag, UnsupportedError

rank, folder = int(sys.argv[1]), sys.argv[2]
FUSED = TTEmbeddingBag if sys.argv[3] == "bag" else TTEmbedding
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
torch.manual_seed(rank)  # each would draw other cores: the wrapper must send those of the first
model = torch.nn.parallel.DistributedDataParallel(build(sys.argv[3]))
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
for number in range(3):
    step(model, optimizer, sys.argv[3], number, slice(rank, None, 2))
try:
    fused = FUSED(500, 4, rank=3, fused_optimizer=FusedSGD(0.1))
    fused(torch.tensor([[1, 2]]) if FUSED is not TTEmbedding else torch.tensor([1, 2]))
except UnsupportedError as error:
    assert "before gradients are averaged over the 2 processes" in str(error)
else:
    raise SystemExit("a fused optimiser was not refused")
torch.save(model.module.state_dict(), f"{folder}/{rank}.pt")
dist.barrier()
dist.destroy_process_group()
"""


class Model(nn.Module):
    """An embedding and a linear layer."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.head = nn.Linear(4, 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.embedding(ids)).squeeze(-1)


def build(kind: str) -> Model:
    embedding = TTEmbeddingBag(500, 4, rank=3, mode="sum") if kind == "bag" else TTEmbedding(500, 4, rank=3)
    return Model(embedding)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, kind: str, number: int, part: slice) -> None:
    generator = torch.Generator().manual_seed(number)
    ids = torch.randint(0, 500, (8, 3), generator=generator)[part]
    optimizer.zero_grad()
    (model(ids) - 1).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize("kind", ["bag", "embedding"])
def test_gradients_are_averaged(kind: str, tmp_path: Path) -> None:
    here = Path(__file__).parent
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(here), *sys.path]),
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(rank), str(tmp_path), kind],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [worker.communicate(timeout=300)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], errors
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    torch.manual_seed(0)
    alone = build(kind)
    optimizer = torch.optim.Adagrad(alone.parameters(), lr=0.1)
    for number in range(3):
        step(alone, optimizer, kind, number, slice(None))
    for name, expected in alone.state_dict().items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], expected, rtol=1e-4, atol=1e-6)
