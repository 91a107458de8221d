"""Disks that are full or read-only, files that are damaged or edited: one line, the right exit code, nothing lost."""

import os
import subprocess
from pathlib import Path

import pytest

from ttrec_cli.store import read

SWEEP = """\
name: disks
data: {format: synthetic, rows: 21000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {rank: [2], tables: [3], dim: [4]}
baseline: false
seeds: [7, 8, 9]
"""


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 4 MB at `work/results`."""
    folder = tmp_path / "work" / "results"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "ttrec-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root and the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_finished_trials_stay(make_sweep, processes, small_disk: Path) -> None:
    sweep = make_sweep(SWEEP)
    process = sweep.start(**sweep.with_faults())  # the first is slow, so that there is time to fill the disk
    processes.wait_for(lambda: list(small_disk.rglob("logs/*")))
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        while file.tell() < 8_000_000:
            try:
                file.write(b"x" * 65536)
                file.flush()
            except OSError:
                break
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    assert "Traceback" not in errors
    assert "cannot be written: No space left on device" in errors.strip().splitlines()[-1]
    assert len(read(sweep.results)) == 0
    filler.unlink()
    code, _, errors = sweep.run()
    assert code == 0, errors
    assert set(read(sweep.results)["status"]) == {"ok"}


def test_a_read_only_results_folder_is_one_line(make_sweep, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    sweep = make_sweep(SWEEP)
    code, _, errors = sweep.run()
    assert code == 2, errors
    assert "cannot be written: Read-only file system" in errors.strip().splitlines()[-1]
    assert "Traceback" not in errors


def test_damaged_and_foreign_files_are_named_and_trained_again(make_sweep) -> None:
    sweep = make_sweep(SWEEP)
    assert sweep.run()[0] == 0
    before = read(sweep.results).set_index("key")["val_logloss"]
    files = sorted(sweep.results.rglob("trials/*.parquet"))
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) // 2])
    files[1].write_bytes(b"")
    (files[0].parent / "foreign.parquet").write_bytes(next(sweep.results.rglob("curves/*.parquet")).read_bytes())
    checkpoints = files[0].parents[1] / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    for name in read(sweep.results)["trained_as"]:
        (checkpoints / f"{name}.safetensors").write_bytes(b"")
    (checkpoints / f"{files[0].stem}.safetensors").write_bytes(os.urandom(1000))
    code, _, errors = sweep.run()
    assert code == 0, errors
    assert "Traceback" not in errors
    for file in (*files[:2], files[0].parent / "foreign.parquet"):
        assert any(line.startswith(str(file.relative_to(sweep.folder))) for line in errors.splitlines()), errors
    assert read(sweep.results).set_index("key")["val_logloss"].sort_index().equals(before.sort_index())


def test_editing_the_file_of_a_running_sweep_changes_nothing_of_it(make_sweep, processes) -> None:
    sweep = make_sweep(SWEEP)
    process = sweep.start(**sweep.with_faults())
    processes.wait_for(lambda: list(sweep.results.rglob("logs/*")))
    sweep.file.write_text(SWEEP.replace("learning_rate: 0.05", "learning_rate: 5").replace("[7, 8, 9]", "[1]"))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    frame = read(sweep.results)
    assert sorted(frame["seed"]) == [7, 8, 9]
    assert set(frame["learning_rate"]) == {0.05}
