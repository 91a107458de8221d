"""Two processes that train together, each on half of every batch, end with the results of one alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ttrec_cli import store

TOGETHER = """\
name: together
data: {format: synthetic, rows: 2100, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 101, evaluations: 1}
trials: [{method: tt, rank: 2, tables: 3, dim: 4}]
cache: {rows_fraction: 0.01, warmup_fraction: 0.3}
"""


def sweep(folder: Path, out: str, *launcher: str) -> str:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, *launcher, "-m", "ttrec_cli.app", "sweep", "together.yaml", "--out", out]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_halves_of_every_batch_are_the_whole(tmp_path: Path) -> None:
    (tmp_path / "together.yaml").write_text(TOGETHER)
    sweep(tmp_path, "alone")
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone")
    assert "2 trained" in sweep(tmp_path, "both", *torchrun)
    assert "2 finished before" in sweep(tmp_path, "both", *torchrun)
    alone, both = (store.read(tmp_path / name).set_index("key").sort_index() for name in ("alone", "both"))
    assert (alone["processes"] == 1).all()
    assert (both["processes"] == 2).all()
    assert list(alone.index) == list(both.index)
    for column in ("val_logloss", "test_logloss", "train_logloss", "val_auc"):
        assert both[column].to_numpy() == pytest.approx(alone[column].to_numpy(), rel=2e-4), column
    changes = [rows["tt_core_change"].dropna().to_numpy() for rows in (alone, both)]
    assert changes[0] > 1e-3
    assert changes[1] == pytest.approx(changes[0], rel=1e-3)
