"""A tiny sweep on synthetic data, run as a person would: the real command, real processes."""

import subprocess
import sys
from pathlib import Path

import pytest

TINY = """\
name: tiny
data: {format: synthetic, rows: 7000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {method: [tt, tt-frozen], rank: [2, 4], tables: [3], dim: [4]}
seeds: [0, 1]
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def ttrec(tmp_path: Path):
    """Run `ttrec` in the test's folder."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ttrec_cli.app", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)

    return run
