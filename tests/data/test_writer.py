"""A dataset is whole and in place, or not there: failures at every step, and what may not be replaced."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from ttrec_cli.data import open_click_log
from ttrec_cli.data.writer import ArrayWriter, Header, check_target, new_folder
from ttrec_cli.errors import DataError

HEADER = Header(
    name="made-up",
    synthetic=True,
    dense_columns=("I1",),
    columns=("C1", "C2"),
    cardinalities=(5, 7),
    missing_ids=(None, 0),
    splits={"train": range(3), "test": range(3, 4), "validation": range(4, 5)},
    choices={"seed": 1},
)


def write(folder: Path, value: int = 1) -> None:
    with ArrayWriter(folder) as writer:
        for rows in (2, 3):
            dense = np.full((rows, 1), value, dtype=np.float32)
            writer.append(dense, np.full((rows, 2), value, dtype=np.int32), np.ones(rows, dtype=np.uint8))
        writer.finish(HEADER)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with new_folder(tmp_path / "log") as folder:
        write(folder)
        assert not (tmp_path / "log").exists()
    log = open_click_log(tmp_path / "log", verify=True)
    assert (log.name, log.synthetic, log.columns, log.cardinalities) == ("made-up", True, ("C1", "C2"), (5, 7))
    assert (log.missing_ids, dict(log.splits), log.choices) == ((None, 0), dict(HEADER.splits), {"seed": 1})
    assert log.sparse.tolist() == [[1, 1]] * 5
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_non_contiguous_blocks_are_written_row_by_row(tmp_path: Path) -> None:
    sparse = np.arange(10, dtype=np.int32).reshape(2, 5).T % 5
    with new_folder(tmp_path / "log") as folder, ArrayWriter(folder) as writer:
        writer.append(np.zeros((5, 1), dtype=np.float32), sparse, np.zeros(5, dtype=np.uint8))
        writer.finish(HEADER)
    assert open_click_log(tmp_path / "log", verify=True).sparse.tolist() == sparse.tolist()


@pytest.mark.parametrize("error", [RuntimeError("ours"), KeyboardInterrupt()])
def test_a_failure_before_the_end_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "log") as folder:
            write(folder)
            raise error

    with pytest.raises(type(error)):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with (
        pytest.raises(DataError, match="log: cannot be written: No space left on device; nothing was left there"),
        new_folder(tmp_path / "log") as folder,
    ):
        write(folder)
    assert list(tmp_path.iterdir()) == []


def test_the_old_dataset_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "log") as folder:
        write(folder, 1)
    with new_folder(tmp_path / "log") as folder:
        write(folder, 2)
        assert open_click_log(tmp_path / "log", verify=True).sparse[0, 0] == 1
    assert open_click_log(tmp_path / "log", verify=True).sparse[0, 0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_only_datasets_and_empty_folders_may_be_replaced(tmp_path: Path) -> None:
    assert check_target(tmp_path / "new", overwrite=False) == tmp_path / "new"
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty", overwrite=False)
    with new_folder(tmp_path / "empty") as folder:
        write(folder)
    with pytest.raises(DataError, match="already holds a dataset; pass --overwrite to replace it"):
        check_target(tmp_path / "empty", overwrite=False)
    check_target(tmp_path / "empty", overwrite=True)
    (tmp_path / "empty" / "thesis.tex").touch()
    with pytest.raises(DataError, match="holds other files than a dataset; choose another --out"):
        check_target(tmp_path / "empty", overwrite=True)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DataError, match="is, or lies below, a file"):
            check_target(path, overwrite=True)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DataError, match="cannot be written: Permission denied"), new_folder(tmp_path / "log"):
        pass


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    target = check_target(tmp_path / "link", overwrite=False)
    with new_folder(target) as folder:
        write(folder)
    assert (tmp_path / "link").is_symlink()
    assert open_click_log(tmp_path / "link").name == "made-up"
