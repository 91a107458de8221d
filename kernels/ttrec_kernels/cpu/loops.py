"""The one loop of several threads: workers take the tasks of a phase from a queue, each the next one."""

from typing import Any

import numpy as np
from numba import prange

from ttrec_kernels.cpu.compiled import compiled_parallel
from ttrec_kernels.cpu.task_queue import take
from ttrec_kernels.cpu.tasks import perform


@compiled_parallel
def run(code: int, frame: Any, tasks: Any, workers: int, found: Any) -> Any:
    """Have all `tasks` (n, 5) done, see `task_queue`, by the machine code at the address `code`, see `tasks`.

    `found` (n) gets what each one returns.
    """
    queue, at = np.zeros(1, dtype=np.int64), frame.ctypes.data
    for worker in prange(workers):
        number: Any = take(queue.ctypes.data)  # type: ignore[call-arg]
        while number < len(tasks):
            phase, level, table, share, shares = tasks[number]
            found[number] = perform(code, at, phase, level, table, share, shares, worker)
            number = take(queue.ctypes.data)
