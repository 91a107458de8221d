"""Columns with more values than fit into memory: their tables are files, and own memory does not grow with them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttrec_cli.data import open_click_log

VALUES = 2_000_000
MEASURE = """
import ctypes, gc, sys, threading
from pathlib import Path
from ttrec_cli.data import Choices, id_table, numbering, numbering_loops, placing, prepare, open_raw_log
from ttrec_cli.data import prepare as job
import pyarrow as pa

def anonymous():
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) * 1024

id_table.FILE_BACKED_BYTES = int(sys.argv[3])
peak, number = [0], numbering._number_column
def measured(*arguments):
    # What was freed before and not given back would be used again, and hide as much.
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    before, ended = anonymous(), threading.Event()
    def watch():
        while not ended.wait(0.002):
            peak[0] = max(peak[0], anonymous() - before)
    watcher = threading.Thread(target=watch)
    watcher.start()
    found = number(*arguments)
    ended.set()
    watcher.join()
    return found
numbering._number_column = measured
log, _ = open_raw_log(sys.argv[1], Path(sys.argv[2]))
job(log, Path(sys.argv[2]).with_name("out-" + sys.argv[3]), Choices(), threads=1)
print(peak[0])
"""


@pytest.mark.parametrize("kind", ["int", "text"])
def test_tables_of_values_are_not_own_memory(tmp_path: Path, kind: str) -> None:
    values = np.random.default_rng(3).permutation(VALUES) * 2_654_435_761
    user = pa.array(values) if kind == "int" else pa.array(values).cast(pa.string())
    pq.write_table(pa.table({"user": user, "y": np.arange(VALUES) % 2}), tmp_path / "a.parquet")
    (tmp_path / "a.yaml").write_text("label: y\ncategorical: [user]\n")
    peaks = []
    for file_backed in (1 << 20, 1 << 40):
        script = [
            sys.executable,
            "-c",
            MEASURE,
            str(tmp_path / "a.yaml"),
            str(tmp_path / "a.parquet"),
            str(file_backed),
        ]
        done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    in_files, in_memory = peaks
    assert in_memory > 70_000_000
    assert in_files < in_memory - 40_000_000
    logs = [open_click_log(path) for path in sorted(tmp_path.glob("out-*"))]
    assert logs[0].cardinalities == (VALUES,)
    assert logs[0].fingerprint == logs[1].fingerprint
