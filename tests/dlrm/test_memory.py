"""Freed memory is used again within a process, and given back when a trial is over; in processes of their own."""

import subprocess
import sys

import pytest

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt and /proc are Linux's")

FAULTS = """
import resource, sys, torch
from ttrec_cli.dlrm.memory import reuse_freed_memory

if sys.argv[1] == "reuse":
    reuse_freed_memory()
mlp = torch.nn.Sequential(torch.nn.Linear(64, 520), torch.nn.ReLU(), torch.nn.Linear(520, 64))
samples = torch.rand(16384, 64)

def steps(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        mlp.zero_grad()
        mlp(samples).sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

steps(4)
print(steps(3))
"""

LEAK = """
import torch
from ttrec_cli.dlrm.memory import LEAK_BYTES, TrialMemory, held_bytes, reuse_freed_memory

reuse_freed_memory()
memory, size = TrialMemory("cpu"), LEAK_BYTES // 4 + 10_000_000

def trial():
    made = [torch.ones(size // 8) for _ in range(8)]
    made.append(made)  # a cycle: only the collector finds it

trial()
print(memory.kept_bytes())
trial()
print(memory.kept_bytes())
kept = torch.ones(size)
print(memory.kept_bytes() // 10**6)
"""


def answers(script: str, *arguments: str) -> list[int]:
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@linux
def test_what_a_step_freed_costs_the_next_no_page_faults() -> None:
    (by_default,), (reused,) = answers(FAULTS, "default"), answers(FAULTS, "reuse")
    assert by_default > 10_000  # the system hands out the pages anew, step after step
    assert reused < by_default / 10


@linux
def test_what_trials_free_goes_back_and_what_they_keep_is_noticed() -> None:
    first, second, leaked = answers(LEAK)
    assert (first, second) == (0, 0)
    assert 280 <= leaked <= 400
