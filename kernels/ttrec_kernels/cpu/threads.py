"""The threads of compiled loops: as many as torch uses, entered by one thread of Python at a time."""

import threading

import torch
from numba import config, get_num_threads, set_num_threads

one_at_a_time = threading.Lock()
"""Numba's simplest pool of threads must not be entered by two threads of Python at once."""


def use_torch_threads() -> int:
    """Have Numba use as many threads as torch, so that one setting rules both; their number."""
    threads: int = min(torch.get_num_threads(), config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    if get_num_threads() != threads:
        set_num_threads(threads)
    return threads
