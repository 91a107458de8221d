"""Preparation is the same to the last byte whatever happens on the way: killed, with other threads, other chunks."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ttrec_cli.data import Choices, kaggle_log, open_click_log, prepare
from ttrec_cli.data.work_folder import partial_path
from ttrec_cli.errors import DataError

KILLS = 10

PREPARE = """
import os, random, signal, sys
from pathlib import Path
from ttrec_cli.data import Choices, kaggle_log, prepare
from ttrec_cli.data import chunks, placement, placing, raw_lines
from ttrec_cli.data.work_folder import WorkFolder

chunks.CHUNK_ROWS, placement.BUCKET_ROWS, placing.COPY_ROWS = 400, 700, 150
source, out, seed, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
choices = Choices(seed=1, drop_negatives=0.3, min_count=2)
whole, write = raw_lines.read_lines, os.pwrite
chunks_of = lambda path, **place: whole(path, 30_000, **place)
import ttrec_cli.data.criteo as criteo
criteo.read_lines = chunks_of
events, last = 0, 0
import pyarrow.parquet  # before the forks: each child would read it all again
from ttrec_cli.data import numbering_loops, criteo_scan

def count(function):
    def counted(*arguments):
        global events
        events += 1
        if events == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)
    return counted

WorkFolder.finish, os.pwrite = count(WorkFolder.finish), count(os.pwrite)
points = random.Random(seed)
killed = 0
while killed < kills:
    last = points.randint(1, 60)
    child = os.fork()
    if child == 0:
        prepare(kaggle_log(source), out, choices, threads=2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        killed += 1
        assert not out.exists()
    else:
        assert os.WEXITSTATUS(status) == 0
        for path in sorted(out.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        out.rmdir()
last = 0
prepare(kaggle_log(source), out, choices, threads=1)
print(events)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_killed_at_ten_random_points_and_taken_up_gives_the_same_bytes(
    tmp_path: Path, raw_log: Callable[..., Path]
) -> None:
    source = raw_log(3000)
    seed = random.SystemRandom().randint(0, 2**31)
    for name, kills in (("whole", 0), ("killed", KILLS)):
        script = [sys.executable, "-c", PREPARE, str(source), str(tmp_path / name), str(seed), str(kills)]
        done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    assert contents(tmp_path / "whole") == contents(tmp_path / "killed")
    assert {path.name for path in tmp_path.iterdir()} == {"train.txt", "whole", "killed"}


def test_threads_and_the_size_of_chunks_and_blocks_change_nothing(
    tmp_path: Path, raw_log: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, choices = raw_log(3000), Choices(seed=4, drop_negatives=0.5, min_count=3)
    prepare(kaggle_log(source), tmp_path / "one", choices, threads=1)
    monkeypatch.setattr("ttrec_cli.data.chunks.CHUNK_ROWS", 100)
    monkeypatch.setattr("ttrec_cli.data.placing.COPY_ROWS", 70)
    monkeypatch.setattr("ttrec_cli.data.id_table.FILE_BACKED_BYTES", 1000)
    monkeypatch.setattr("ttrec_cli.data.id_table.FIRST_SLOTS", 8)
    monkeypatch.setattr("ttrec_cli.data.vocabulary.GROUP_ROWS", 16)
    from ttrec_cli.data.raw_lines import read_lines

    monkeypatch.setattr("ttrec_cli.data.criteo.read_lines", lambda path, **place: read_lines(path, 9_999, **place))
    prepare(kaggle_log(source), tmp_path / "four", choices, threads=4)
    arrays = [contents(tmp_path / name) for name in ("one", "four")]
    for name in ("dense.f32", "sparse.i32", "label.u8", "day.u8"):
        assert arrays[0][name] == arrays[1][name], name


def test_another_job_does_not_take_up_what_is_left(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    source = raw_log(200)
    partial = partial_path(tmp_path / "out")
    partial.mkdir()
    (partial / "chunk-000000.json").write_text("not ours")
    (partial / "column-0000.ids").write_bytes(b"old")
    log = prepare(kaggle_log(source), tmp_path / "out", Choices())
    assert len(open_click_log(log.path, verify=True).label) == 200
    assert not partial.exists()


def test_two_at_once_do_not_write_the_same_dataset(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    import fcntl

    source = raw_log(50)
    partial = partial_path(tmp_path / "out")
    partial.mkdir()
    held = os.open(partial, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(DataError, match="another ttrec is writing it at this moment"):
        prepare(kaggle_log(source), tmp_path / "out", Choices())
    os.close(held)
    prepare(kaggle_log(source), tmp_path / "out", Choices())


def test_a_full_disk_keeps_what_is_finished_and_goes_on_with_room(
    tmp_path: Path, raw_log: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = raw_log(300)

    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(DataError, match="No space left on device; what is finished"):
            prepare(kaggle_log(source), tmp_path / "out", Choices())
    assert not (tmp_path / "out").exists()
    prepare(kaggle_log(source), tmp_path / "out", Choices())
    prepare(kaggle_log(source), tmp_path / "whole", Choices())
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_too_little_room_is_known_before_anything_is_written(
    tmp_path: Path, raw_log: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = raw_log(300)
    usage = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage)
    with pytest.raises(DataError, match=r"rows need 0\.0 GB .* only 0\.0 GB are free; choose another --out"):
        prepare(kaggle_log(source), tmp_path / "out", Choices())
    assert {path.name for path in tmp_path.iterdir()} == {"train.txt"}
