"""A worker that the system kills for want of memory: truly, in a cgroup where one may be made, and by its exit."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ttrec_cli.config import load_sweep
from ttrec_cli.config.run_settings import ResourcesConfig
from ttrec_cli.store import read
from ttrec_cli.sweep import local_executor
from ttrec_cli.sweep.local_executor import LocalExecutor
from ttrec_cli.sweep.messages import Task
from ttrec_cli.sweep.run import prepare

LIMIT = 1_500_000_000
SWEEP = """\
name: limited
data: {format: synthetic, rows: 7000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {rank: [2], tables: [3], dim: [4]}
baseline: false
seeds: [1, 8]
"""
INSIDE = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); os.execv(sys.argv[2], sys.argv[2:])"


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A cgroup below the one of this process that may hold `LIMIT` bytes."""
    group = below_own_group() / f"ttrec-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    try:
        limits = [group / name for name in ("memory.max", "memory.limit_in_bytes") if (group / name).exists()]
        if not limits:
            pytest.skip("the memory controller is not delegated to this cgroup")
        limits[0].write_text(str(LIMIT))
        for swap in (group / "memory.swap.max", group / "memory.memsw.limit_in_bytes"):
            if swap.exists():
                swap.write_text("0" if swap.name == "memory.swap.max" else str(LIMIT))
        yield group
    finally:
        group.rmdir()


def below_own_group() -> Path:
    """The folder of this process's memory cgroup, of version 1 where there is one."""
    paths = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        paths[controllers] = path.lstrip("/")
    if "memory" in paths:
        return Path("/sys/fs/cgroup/memory") / paths["memory"]
    return Path("/sys/fs/cgroup") / paths.get("", "")


def test_what_the_system_kills_for_want_of_memory_is_recorded_so(make_sweep, memory_group: Path) -> None:
    sweep = make_sweep(SWEEP)
    environment = sweep.with_faults()  # seed 1 allocates without end
    process = sweep.start(wrapper=(sys.executable, "-c", INSIDE, str(memory_group / "cgroup.procs")), **environment)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 3, errors
    assert json.loads(output)["result"]["trials"] == {"total": 2, "ok": 1, "skipped": 0, "failed": 1}
    frame = read(sweep.results).set_index("seed")
    assert frame["status"].to_dict() == {1: "out-of-memory", 8: "ok"}
    assert frame["reason"][1] == "the system ran out of memory and killed the worker process"


@pytest.mark.parametrize(
    ("kills", "status"),
    [(("oom_kill 0\n", "oom_kill 1\n"), "out-of-memory"), (("", ""), "failed")],
    ids=["oom", "other"],
)
def test_a_killed_worker_ran_out_of_memory_if_the_system_counted_a_kill(
    make_sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: tuple[str, str], status: str
) -> None:
    sweep = prepare(load_sweep(make_sweep(SWEEP).file), tmp_path)
    counter = tmp_path / "vmstat"
    monkeypatch.setattr(local_executor, "OOM_COUNTERS", (str(counter), str(tmp_path / "absent")))
    counter.write_text("nr_free_pages 7\n" + kills[0])
    with LocalExecutor("cpu", ResourcesConfig()) as executor:
        executor.start(Task(sweep.trials[0], str(tmp_path / "data")))
        counter.write_text("nr_free_pages 7\n" + kills[1])
        (worker,) = executor._workers
        os.kill(worker.process.pid, signal.SIGKILL)
        reports = []
        while not reports:
            reports = [report for report in executor.poll(1.0) if report.name]
        assert reports[0].content.status == status
        assert ("SIGKILL" in reports[0].content.reason) == (status == "failed")
