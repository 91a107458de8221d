"""Batches as torch tensors: views of the memory maps on a CPU, of the device's memory on a GPU.

Where the arrays fit into the GPU's memory they are moved there once and batches cost nothing; where they do
not, two buffers of pinned memory take turns: while a model trains on one batch the next is on its way.
"""

import mmap
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ttrec_cli.data.click_log import ClickLog
from ttrec_cli.data.manifest import DENSE_FILE, LABEL_FILE, SPARSE_FILE
from ttrec_cli.errors import DataError

NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
RESIDENT_SHARE = 0.5
"""A log moves to a GPU as a whole if it takes at most this share of the memory that is free there."""

MOVE_BYTES = 64 << 20
"""A log is moved in parts of this size, through one pinned buffer."""


@dataclass(frozen=True)
class TensorBatch:
    """Rows of a click log: dense (n, features) float32, sparse (n, slots) int32, label (n,) uint8; see `ClickLog`."""

    dense: Tensor
    sparse: Tensor
    label: Tensor
    bag_widths: tuple[int, ...] = ()

    def part(self, rows: slice) -> "TensorBatch":
        """Some of its rows, without a copy."""
        return self.over([array[rows] for array in self.arrays])

    @property
    def arrays(self) -> tuple[Tensor, Tensor, Tensor]:
        """All three."""
        return self.dense, self.sparse, self.label

    def over(self, arrays: Sequence[Tensor]) -> "TensorBatch":
        """A batch of other arrays whose bags lie in the same way."""
        dense, sparse, label = arrays
        return TensorBatch(dense, sparse, label, self.bag_widths)


Batches = Callable[[str, int], Iterator[TensorBatch]]
"""Batches of a split at a batch size, in order; the last may be short."""


_resident: dict[tuple[str, str, str], TensorBatch] = {}
"""The log that lies on a device, if one does: a process that trains many trials moves it there once."""


def batches_on(log: ClickLog, device: torch.device) -> Batches:
    """The log's batches on a device, in the way that suits it."""
    if device.type == "cpu":
        return Views(mapped(log), log.splits).batches
    key = (str(log.path.resolve()), log.fingerprint, str(device))
    if key not in _resident:
        _resident.clear()
        if log_bytes(log) > RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
            return Streamed(mapped(log), log.splits, device).batches
        _resident[key] = moved(mapped(log), device)
    return Views(_resident[key], log.splits).batches


def log_bytes(log: ClickLog) -> int:
    """Bytes of a log's arrays, on whatever device."""
    return log.dense.nbytes + log.sparse.nbytes + log.label.nbytes


def mapped(log: ClickLog) -> TensorBatch:
    """The whole log as tensors over its files; nothing is read before it is used, and writing changes no file."""
    return TensorBatch(
        _map(log.path / DENSE_FILE, torch.float32, log.dense.shape),
        _map(log.path / SPARSE_FILE, torch.int32, log.sparse.shape),
        _map(log.path / LABEL_FILE, torch.uint8, log.label.shape),
        log.bag_widths if log.has_bags else (),
    )


def _map(path: Path, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
    try:
        with path.open("rb") as file:
            # torch wants memory it may write to: copy-on-write pages cost nothing until it does. Without
            # NO_RESERVE the system would refuse to map more than it has memory.
            pages = mmap.mmap(
                file.fileno(), 0, flags=mmap.MAP_PRIVATE | NO_RESERVE, prot=mmap.PROT_READ | mmap.PROT_WRITE
            )
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be mapped: {error}; prepare the dataset again") from None
    return torch.frombuffer(pages, dtype=dtype).view(shape)


@dataclass(frozen=True)
class Views:
    """Batches that are views of a whole log, wherever it lies."""

    log: TensorBatch
    splits: Mapping[str, range]

    def batches(self, split: str, batch_size: int) -> Iterator[TensorBatch]:
        """The split's rows in order."""
        rows = self.splits[split]
        for start in range(rows.start, rows.stop, batch_size):
            yield self.log.part(slice(start, min(start + batch_size, rows.stop)))


def moved(log: TensorBatch, device: torch.device) -> TensorBatch:
    """A copy of the whole log in the device's memory."""
    arrays = []
    for source in log.arrays:
        target = torch.empty_like(source, device=device)
        row_bytes = max(1, source.nbytes // max(1, len(source)))
        step = max(1, MOVE_BYTES // row_bytes)
        buffer = _buffer(source, min(step, len(source)), device)
        for start in range(0, len(source), step):
            part = source[start : start + step]
            buffer[: len(part)].copy_(part)
            target[start : start + step].copy_(buffer[: len(part)])
        arrays.append(target)
    return log.over(arrays)


def _buffer(like: Tensor, rows: int, device: torch.device) -> Tensor:
    """Memory of the host that the device can read by itself."""
    return torch.empty((rows, *like.shape[1:]), dtype=like.dtype, pin_memory=device.type == "cuda")


@dataclass(frozen=True)
class Streamed:
    """Batches that are copied to the device one ahead of the reader, through two buffers in turn."""

    log: TensorBatch
    splits: Mapping[str, range]
    device: torch.device

    def batches(self, split: str, batch_size: int) -> Iterator[TensorBatch]:
        """The split's rows in order."""
        lane = _Lane(self.log, batch_size, self.device)
        ahead = None
        for number, batch in enumerate(Views(self.log, self.splits).batches(split, batch_size)):
            sent = lane.send(batch, number % 2)
            if ahead is not None:
                yield lane.receive(ahead)
            ahead = sent
        if ahead is not None:
            yield lane.receive(ahead)


Sent = tuple[TensorBatch, "torch.cuda.Event | None"]


class _Lane:
    """The way of batches to a device: a stream of its own on a GPU, plain copies elsewhere."""

    def __init__(self, log: TensorBatch, batch_size: int, device: torch.device) -> None:
        size = min(batch_size, len(log.label))
        self._buffers = [[_buffer(array, size, device) for array in log.arrays] for _ in range(2)]
        self._free: list[torch.cuda.Event | None] = [None, None]
        self._device = device
        self._stream: Any = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def send(self, batch: TensorBatch, lane: int) -> Sent:
        """Copy a batch into buffer `lane` and on to the device, behind the reader's back."""
        free = self._free[lane]
        if free is not None:
            free.synchronize()  # until the copy before last has left the buffer
        rows = len(batch.label)
        buffers = [buffer[:rows] for buffer in self._buffers[lane]]
        for buffer, array in zip(buffers, batch.arrays, strict=True):
            buffer.copy_(array)
        with torch.cuda.stream(self._stream):
            arrays = [buffer.to(self._device, non_blocking=True, copy=True) for buffer in buffers]
            if self._stream is not None:
                self._free[lane] = self._stream.record_event()
        return batch.over(arrays), self._free[lane]

    def receive(self, sent: Sent) -> TensorBatch:
        """The batch, once the reader's stream may use it."""
        batch, arrived = sent
        if arrived is not None:
            reader = torch.cuda.current_stream(self._device)
            reader.wait_event(arrived)
            for array in batch.arrays:
                array.record_stream(reader)
        return batch
