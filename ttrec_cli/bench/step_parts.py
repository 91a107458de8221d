"""Where the time of a training step goes, told by hooks on the modules and optimisers of the model as it is.

Nothing of the step changes for that, but a part's time holds what its hooks cost. Fused optimisers work within the
backward pass and count as `backward`.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ttrec_cli.bench.step_models import Trained
from ttrec_cli.bench.timing import synchronize
from ttrec_cli.data.tensor_batches import TensorBatch

PARTS = ("data", "lookups", "mlps", "interaction", "loss", "backward", "optimizer")
MODULES = {"embedding": "lookups", "bottom_mlp": "mlps", "interaction": "interaction", "top_mlp": "mlps"}
"""Which part the time before the end of a module's forward pass belongs to."""

SECONDS = 0.5
MOST_STEPS = 100


def part_times(trained: Trained, batch_of: Callable[[int], TensorBatch], device: torch.device) -> dict[str, float]:
    """Median milliseconds of each part over some steps, `PART_ms` for each of PARTS that there is."""
    found: dict[str, list[float]] = defaultdict(list)
    started = time.perf_counter()
    with _hooks(trained, device) as clock:
        for number in range(MOST_STEPS):
            clock.start()
            trained.eager_step(batch_of(number))
            if not trained.optimizers:
                clock.end("backward")
            for part, milliseconds in clock.parts().items():
                found[part].append(milliseconds)
            if number >= 4 and time.perf_counter() - started > SECONDS:
                break
    return {f"{part}_ms": float(np.median(found[part])) for part in PARTS if part in found}


class _Clock:
    """Moments of a step, each the end of a part."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._moments: list[tuple[str, Any]] = []

    def start(self) -> None:
        """A step begins."""
        self._moments.clear()
        self.end("")

    def end(self, part: str) -> None:
        """What came since the last moment was of this part."""
        if self._device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            self._moments.append((part, event))
        else:
            self._moments.append((part, time.perf_counter() * 1e3))

    def parts(self) -> dict[str, float]:
        """Milliseconds of each part of the step."""
        synchronize(self._device)
        found: dict[str, float] = defaultdict(float)
        for (_, before), (part, after) in zip(self._moments, self._moments[1:], strict=False):
            is_event = self._device.type == "cuda"
            found[part] += before.elapsed_time(after) if is_event else after - before
        return found


@contextmanager
def _hooks(trained: Trained, device: torch.device) -> Iterator[_Clock]:
    clock = _Clock(device)
    handles = [trained.model.register_forward_pre_hook(lambda *_: clock.end("data"))]
    for name, part in MODULES.items():
        module = getattr(trained.model, name, None)
        if module is not None:
            handles.append(module.register_forward_hook(lambda *_, part=part: clock.end(part)))
    if trained.loss is not None:
        handles.append(trained.loss.register_forward_hook(lambda *_: clock.end("loss")))
    for optimizer in trained.optimizers:
        handles.append(optimizer.register_step_pre_hook(lambda *_: clock.end("backward")))
        handles.append(optimizer.register_step_post_hook(lambda *_: clock.end("optimizer")))
    try:
        yield clock
    finally:
        for handle in handles:
            handle.remove()
