"""Real sweeps in real processes: started, watched and killed from outside."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

FAULTS = '''
import importlib.util, sys


class Finder:
    """Wraps the model as it is imported: trials misbehave by their seed, in the process that trains them."""

    def find_spec(self, name, path=None, target=None):
        if name != "ttrec_cli.dlrm.model":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        def exec_module(module):
            load(module)
            misbehave(module.DLRM)
        spec.loader.exec_module = exec_module
        return spec


def misbehave(model):
    import ctypes, os, time, torch
    make, forward = model.__init__, model.forward
    def __init__(self, *arguments, seed, **others):
        make(self, *arguments, seed=seed, **others)
        self.fault, self.steps = seed, 0
    def stumble(self, dense, indices):
        self.steps += 1
        logits = forward(self, dense, indices)
        if self.steps < 10:
            return logits
        if self.fault == 1:
            kept = []
            while True:
                kept.append(torch.ones(4_000_000))
        if self.fault == 2:
            time.sleep(1000)
        if self.fault == 3:
            return logits * float("nan")
        if self.fault == 4:
            ctypes.string_at(0)
        if self.fault == 5:
            if "TTREC_ATTEMPTS" in os.environ:
                with open(os.environ["TTREC_ATTEMPTS"], "a") as file:
                    file.write("x")
            raise RuntimeError("a mistake in the model")
        if self.fault == 6:
            os._exit(7)
        if self.fault == 7:
            time.sleep(0.02)
        return logits
    model.__init__, model.forward = __init__, stumble


sys.meta_path.insert(0, Finder())
'''
"""Contents of a `sitecustomize.py`, which Python runs at the start of every process that finds it."""


class Sweep:
    """A sweep file in a folder of its own, and the command that runs it there."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.file = folder / "sweep.yaml"
        self.file.write_text(text)
        self.results = folder / "results"

    def start(self, *options: str, wrapper: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
        command = [*wrapper, sys.executable, "-m", "ttrec_cli.app", "sweep", str(self.file), "--json", *options]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, cwd=self.folder, env=os.environ | environment
        )

    def run(self, *options: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        process = self.start(*options, **environment)
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors

    def with_faults(self) -> dict[str, str]:
        """Environment in which trials misbehave by their seed: 1 allocates without end, 2 hangs, 3 gives NaN,
        4 touches forbidden memory, 5 raises, 6 exits, 7 is slow."""
        (self.folder / "sitecustomize.py").write_text(FAULTS)
        return {"PYTHONPATH": os.pathsep.join((str(self.folder), *sys.path))}

    def rows(self) -> dict[str, int]:
        """Finished trials: key and the time of the file."""
        files = list(self.results.rglob("trials/*.parquet")) if self.results.exists() else []
        return {path.stem: path.stat().st_mtime_ns for path in files}


def wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def workers_of(pid: int) -> list[int]:
    """Children that run trials; multiprocessing also starts a resource tracker."""
    found = []
    for child in children_of(pid):
        try:
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        except OSError:
            continue
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def make_sweep(tmp_path: Path) -> Callable[[str], Sweep]:
    def make(text: str, folder: str = "work") -> Sweep:
        (tmp_path / folder).mkdir(exist_ok=True)
        return Sweep(tmp_path / folder, text)

    return make


@pytest.fixture
def processes():
    """What tests need of other processes."""

    class Processes:
        wait_for = staticmethod(wait_for)
        workers_of = staticmethod(workers_of)
        is_alive = staticmethod(is_alive)

    return Processes
