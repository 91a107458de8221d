"""A training that was saved and continued ends with the same weights, bit for bit."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from contracts.stopped_training import Samples, StopError
from safetensors.torch import load_file, save_file
from torch import nn

from ttrec_cli.dlrm.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from ttrec_cli.dlrm.model import DLRM
from ttrec_cli.dlrm.training import Schedule, Training
from ttrec_kernels import EmbeddingTables, TableKind, TablePlan, smallest_shape

ROWS = (200, 30, 7)
SCHEDULE = Schedule(samples=1000, batch_size=32, test_batch_size=64, evaluations=3)


class Counting(nn.Module):
    """Looks up rows with dropout and keeps tensors, text and numbers that decide later steps."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("seen", torch.zeros(ROWS[0], dtype=torch.int64))
        self.steps = {"done": 0, "names": ["a", "b"]}

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.steps["done"] += 1
            self.seen[indices[:, 0]] += 1
        kept = nn.functional.dropout(self.inner(indices), 0.1, self.training)
        return kept * (1 + 0.001 * self.steps["done"]) + 0.01 * self.seen[indices[:, 0]].float()[:, None, None]

    def get_extra_state(self) -> dict:
        return self.steps

    def set_extra_state(self, state: dict) -> None:
        self.steps = state


@pytest.fixture
def batches():
    chance = np.random.default_rng(7)
    whole = Samples(
        chance.random((300, 13), dtype=np.float32),
        np.stack([chance.integers(0, rows, 300, dtype=np.int32) for rows in ROWS], axis=1),
        chance.integers(0, 2, 300, dtype=np.uint8),
    )

    def read(split: str, size: int) -> Iterator[Samples]:
        for start in range(0, 300, size):
            part = slice(start, start + size)
            yield Samples(whole.dense[part], whole.sparse[part], whole.label[part])

    return read


def make(batches, optimizer: str, tick=lambda *_: None) -> Training:
    torch.manual_seed(3)
    compressed = TablePlan("a", ROWS[0], 4, TableKind.TT, smallest_shape(ROWS[0], 4, 2))
    plans = [compressed, *(TablePlan(f"t{rows}", rows, 4) for rows in ROWS[1:])]
    tables = EmbeddingTables(plans, seed=1)
    model = DLRM(Counting(tables), tables=3, dim=4, bottom_widths=(8,), top_widths=(8,), seed=2)
    dense, rest = tables.dense_parameters(), [p for name, p in model.named_parameters() if "dense_weight" not in name]
    torch.sparse.check_sparse_tensor_invariants.disable()  # or sparse Adagrad warns
    if optimizer == "adagrad":
        optimizers = [torch.optim.Adagrad(rest, lr=0.1), torch.optim.Adagrad(dense, lr=0.1)]
    elif optimizer == "momentum":
        optimizers = [torch.optim.SGD(rest, lr=0.1, momentum=0.9), torch.optim.SGD(dense, lr=0.1)]
    else:
        optimizers = [torch.optim.AdamW(rest, lr=0.01), torch.optim.SparseAdam(dense, lr=0.01)]
    return Training(model, optimizers, batches, SCHEDULE, tick=tick)


def stop_after(ticks: int):
    left = [ticks]

    def tick(training: Training) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise StopError

    return tick


def same(a: Training, b: Training) -> None:
    ours, theirs = a.model.state_dict(), b.model.state_dict()
    for name, value in ours.items():
        equal = value == theirs[name] if isinstance(value, dict) else torch.equal(value, theirs[name])
        assert equal, name
    for x, y in zip(a.curve, b.curve, strict=True):
        assert (x.samples, x.train_logloss, x.validation, x.test) == (y.samples, y.train_logloss, y.validation, y.test)


@pytest.mark.parametrize("optimizer", ["adagrad", "momentum", "adamw"])
def test_interrupted_anywhere_and_continued_is_the_same_bit_for_bit(batches, optimizer, tmp_path: Path) -> None:
    whole = make(batches, optimizer)
    whole.run()
    assert [point.samples for point in whole.curve] == [364, 696, 1028]
    path = tmp_path / "state.safetensors"
    tries = 0
    for ticks in (1, 11, 12, 15, 16, 17, 30, 44):  # steps, an epoch's end, and batches of evaluations
        torch.manual_seed(1000 + ticks)
        part = make(batches, optimizer, stop_after(ticks))
        with pytest.raises(StopError):
            part.run()
        save_checkpoint(part, path, "trial")
        torch.manual_seed(tries)
        rest = make(batches, optimizer)
        load_checkpoint(rest, path, "trial")
        rest.run()
        same(rest, whole)
        tries += 1
    assert tries == 8


def test_many_checkpoints_in_a_row(batches, tmp_path: Path) -> None:
    whole = make(batches, "adagrad")
    whole.run()
    path = tmp_path / "deep" / "state.safetensors"
    rounds = 0
    while rounds < 20:
        training = make(batches, "adagrad", stop_after(13))
        if path.exists():
            load_checkpoint(training, path, "trial")
        rounds += 1
        try:
            training.run()
        except StopError:
            save_checkpoint(training, path, "trial")
            continue
        break
    assert rounds > 3
    same(training, whole)
    assert [file.name for file in path.parent.iterdir()] == ["state.safetensors"]


def test_training_in_rungs_is_the_same_as_at_once(batches, tmp_path: Path) -> None:
    whole = make(batches, "momentum")
    whole.run()
    path = tmp_path / "rung.safetensors"
    first = make(batches, "momentum")
    point = first.run(until=100)
    assert point.samples == 128
    assert first.curve == []
    save_checkpoint(first, path, "trial")
    for until in (100, 500, None):
        rung = make(batches, "momentum")
        load_checkpoint(rung, path, "trial")
        reached = rung.run(until)
        save_checkpoint(rung, path, "trial")
        if until == 100:
            assert (reached.samples, reached.validation) == (point.samples, point.validation)
    same(rung, whole)
    assert reached == rung.curve[-1]


def test_damaged_and_foreign_files_are_refused(batches, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    training = make(batches, "adagrad")
    training.run(until=64)
    save_checkpoint(training, path, "trial")
    content = path.read_bytes()
    with pytest.raises(CheckpointError, match="identity must be other, is trial"):
        load_checkpoint(make(batches, "adagrad"), path, "other")
    for damaged in (b"", content[:50], content[: len(content) // 2], content[:-1], b"PAR1" * 100, content + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            load_checkpoint(make(batches, "adagrad"), path, "trial")
    with pytest.raises(CheckpointError):
        load_checkpoint(make(batches, "adagrad"), tmp_path / "absent", "trial")


@pytest.mark.parametrize("facts", ["{}", "[]", "nonsense", json.dumps({"extra_state": {}, "optimizers": []})])
def test_a_whole_file_with_wrong_contents_is_refused(batches, facts: str, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    training = make(batches, "adagrad")
    training.run(until=64)
    save_checkpoint(training, path, "trial")
    save_file(load_file(path), path, {"ttrec_checkpoint": "1", "identity": "trial", "facts": facts})
    with pytest.raises(CheckpointError, match="not a whole checkpoint"):
        load_checkpoint(make(batches, "adagrad"), path, "trial")


def test_a_folder_that_cannot_be_written_is_said(batches, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_checkpoint(make(batches, "adagrad"), tmp_path / "file" / "state.safetensors", "trial")
