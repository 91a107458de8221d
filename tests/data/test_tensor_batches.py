"""Batches as tensors: views on a CPU, the whole log or a stream of buffers on a device."""

import os
import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from ttrec_cli.data import ClickLog, SyntheticSpec, open_click_log, synthesize
from ttrec_cli.data import tensor_batches as room
from ttrec_cli.data.tensor_batches import Batches, Streamed, TensorBatch, Views, batches_on, log_bytes, mapped, moved
from ttrec_cli.errors import DataError

CPU = torch.device("cpu")
needs_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


@pytest.fixture(scope="module", params=[None, (3, *[1] * 25)])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ClickLog:
    spec = SyntheticSpec(rows=3000, table_scale=0.001, multi_hot=request.param)
    return synthesize(spec, tmp_path_factory.mktemp("data") / "log")


def check(batches: Batches, log: ClickLog, size: int = 64) -> None:
    for split in log.splits:
        held = list(batches(split, size))  # all at once: no batch may be written over
        expected = list(log.batches(split, size))
        assert len(held) == len(expected)
        for batch, plain in zip(held, expected, strict=True):
            np.testing.assert_array_equal(batch.dense.cpu(), plain.dense)
            np.testing.assert_array_equal(batch.sparse.cpu(), plain.sparse)
            np.testing.assert_array_equal(batch.label.cpu(), plain.label)
            assert batch.bag_widths == plain.bag_widths


def test_on_a_cpu_batches_are_views_of_the_files(log: ClickLog) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = batches_on(log, CPU)
        first, second, *_ = batches("train", 64)
    check(batches, log)
    assert (first.dense.dtype, first.sparse.dtype, first.label.dtype) == (torch.float32, torch.int32, torch.uint8)
    for one, other in ((first.dense, second.dense), (first.sparse, second.sparse), (first.label, second.label)):
        assert one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def test_writing_to_a_batch_changes_no_file(log: ClickLog) -> None:
    next(batches_on(log, CPU)("train", 64)).dense.fill_(7)
    open_click_log(log.path, verify=True)


def test_a_moved_log_is_the_same_part_by_part(log: ClickLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOVE_BYTES", 1000)
    whole = moved(mapped(log), CPU)
    assert sum(array.nbytes for array in whole.arrays) == log_bytes(log)
    check(Views(whole, log.splits).batches, log)


@pytest.mark.parametrize("size", [1, 64, 5000])
def test_streamed_batches_are_copies_that_stay(log: ClickLog, size: int) -> None:
    if size == 1:
        log = replace(log, splits={"train": range(7), "test": range(0), "validation": range(1)})
    check(Streamed(mapped(log), log.splits, CPU).batches, log, size)


def test_a_stream_is_one_batch_ahead(log: ClickLog, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    send, receive = room._Lane.send, room._Lane.receive
    monkeypatch.setattr(room._Lane, "send", lambda *args: events.append("send") or send(*args))
    monkeypatch.setattr(room._Lane, "receive", lambda *args: events.append("receive") or receive(*args))
    for _ in Streamed(mapped(log), log.splits, CPU).batches("test", 64):
        events.append("train")
    assert events[:6] == ["send", "send", "receive", "train", "send", "receive"]
    assert all(pair != ("train", "receive") for pair in pairwise(events[:-2]))


def test_a_file_that_vanished_is_an_error(log: ClickLog, tmp_path: Path) -> None:
    gone = replace(log, path=tmp_path)
    with pytest.raises(DataError, match=r"dense\.f32: cannot be mapped: .*; prepare the dataset again"):
        mapped(gone)
    (tmp_path / "dense.f32").touch()
    with pytest.raises(DataError, match="cannot be mapped: cannot mmap an empty file"):
        mapped(gone)


def test_kaggles_rows_take_less_than_160_bytes(log: ClickLog) -> None:
    if not log.has_bags:
        assert log_bytes(log) / len(log.label) <= 160


def test_more_than_the_machines_memory_can_be_mapped(tmp_path: Path) -> None:
    size = 2 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(size)  # no disk is used
    tensor = room._map(tmp_path / "large", torch.uint8, (size,))
    assert int(tensor[-1]) == 0


@pytest.mark.parametrize("share", [pytest.param(0.5, marks=needs_gpu), pytest.param(0.0, marks=needs_gpu)])
def test_on_a_gpu_the_log_is_moved_once_or_streamed(
    log: ClickLog, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(room, "RESIDENT_SHARE", share)
    room._resident.clear()
    batches = batches_on(log, torch.device("cuda"))
    check(batches, log)
    first: TensorBatch = next(batches("train", 64))
    assert first.dense.is_cuda
    again = next(batches_on(log, torch.device("cuda"))("train", 64))
    assert (again.dense.data_ptr() == first.dense.data_ptr()) == (share > 0)
