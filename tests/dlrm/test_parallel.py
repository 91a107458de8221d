"""Steps of two gloo processes against those of one: every weight, dense tables by sparse gradients included."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ttrec_cli.config import Optimizer
from ttrec_cli.dlrm.model import DLRM
from ttrec_cli.dlrm.optimizers import mlp_optimizer
from ttrec_cli.dlrm.parallel import make_step
from ttrec_cli.planning import plan_tables
from ttrec_kernels import EmbeddingTables

CPU = torch.device("cpu")
ROWS = (500, 9, 60)
BATCHES = (17, 1, 8)
"""Uneven shares, and a process without a sample."""

WORKER = """
import sys
import torch
from torch import distributed
from test_parallel import train

rank, folder, optimizer = int(sys.argv[1]), sys.argv[2], sys.argv[3]
distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
losses, weights = train(optimizer)
torch.save({"losses": losses, **weights}, f"{folder}/{rank}.pt")
distributed.destroy_process_group()
"""


def train(optimizer: str) -> tuple[Tensor, dict[str, Tensor]]:
    torch.sparse.check_sparse_tensor_invariants.disable()
    tables = EmbeddingTables(plan_tables(("a", "b", "c"), ROWS, 4, 2, 1), seed=1)
    model = DLRM(tables, tables=3, dim=4, bottom_widths=(8,), top_widths=(6,), seed=2)
    make = torch.optim.Adagrad if optimizer == "adagrad" else torch.optim.SGD
    mlps = mlp_optimizer([*model.bottom_mlp.parameters(), *model.top_mlp.parameters()], Optimizer(optimizer), 0.1)
    step = make_step(model, [mlps, make(tables.tt_parameters(), lr=0.5), make(tables.dense_parameters(), lr=0.5)], CPU)
    generator, losses = torch.Generator().manual_seed(3), []
    for count in BATCHES * 3:
        indices = torch.stack([torch.randint(rows, (count,), generator=generator) for rows in ROWS], dim=1)
        label = (torch.rand(count, generator=generator) < 0.5).float()
        losses.append(step(torch.rand(count, 13, generator=generator), indices.int(), label))
    return torch.stack(losses), model.state_dict()


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_two_processes_end_with_the_weights_of_one(optimizer: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(rank), str(tmp_path), optimizer],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [worker.communicate(timeout=300)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], errors
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    losses, weights = train(optimizer)
    for name, expected in {"losses": losses, **weights}.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], expected, rtol=1e-4, atol=1e-5)
