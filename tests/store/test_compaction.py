"""Compaction: no row is lost, whatever interrupts it; a trial's own file wins."""

from pathlib import Path

import pytest

from ttrec_cli.errors import DataError
from ttrec_cli.store import RowReader, compact, read, read_with_problems, write_trial


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(5):
        write_trial(tmp_path / "sweep", {"key": f"k{number}", "status": "ok", "tables": number})
    return tmp_path / "sweep"


def rows(folder: Path) -> dict[str, int]:
    frame = read(folder)
    assert frame["key"].is_unique
    return dict(zip(frame["key"], frame["tables"], strict=True))


def test_rows_are_the_same_before_and_after(folder):
    before = read(folder)
    assert compact(folder) == 5
    assert list((folder / "trials").iterdir()) == []
    assert read(folder).equals(before)
    assert read(folder.parent).equals(before)
    assert compact(folder) == 0


def test_a_single_file_wins_and_is_merged_next_time(folder):
    compact(folder)
    write_trial(folder, {"key": "k3", "status": "failed", "tables": 33})
    write_trial(folder, {"key": "k9", "status": "ok", "tables": 9})
    expected = {"k0": 0, "k1": 1, "k2": 2, "k3": 33, "k4": 4, "k9": 9}
    assert rows(folder) == expected
    assert compact(folder) == 2
    assert rows(folder) == expected


def test_a_crash_between_merging_and_removing_loses_and_doubles_nothing(folder, monkeypatch):
    before = rows(folder)

    def die(file: Path, stamp: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ttrec_cli.store.compaction._remove", die)
        with pytest.raises(KeyboardInterrupt):
            compact(folder)
    assert (folder / "trials.parquet").exists()
    assert len(list((folder / "trials").iterdir())) == 5
    assert rows(folder) == before
    compact(folder)
    assert rows(folder) == before


def test_a_crash_while_writing_leaves_the_single_files(folder, monkeypatch):
    before = rows(folder)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(DataError, match="No space left"):
            compact(folder)
    assert not (folder / "trials.parquet").exists()
    assert rows(folder) == before


def test_a_file_replaced_meanwhile_stays(folder, monkeypatch):
    from ttrec_cli.store import compaction

    def replace_then_write(table, path):
        write_trial(folder, {"key": "k1", "status": "ok", "tables": 77})
        write_table(table, path)

    write_table = compaction.write_table
    monkeypatch.setattr(compaction, "write_table", replace_then_write)
    compact(folder)
    assert [file.name for file in (folder / "trials").iterdir()] == ["k1.parquet"]
    assert rows(folder)["k1"] == 77


def test_damaged_files_stay_where_they_are(folder):
    damaged = folder / "trials" / "zz.parquet"
    damaged.write_bytes(b"torn")
    assert compact(folder) == 5
    assert damaged.exists()
    assert len(read_with_problems(folder)[1]) == 1


def test_a_damaged_whole_is_not_overwritten(folder):
    (folder / "trials.parquet").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"trials\.parquet"):
        compact(folder)
    assert len(rows(folder)) == 5
    assert "trials.parquet" in read_with_problems(folder)[1][0]


def test_each_sweep_below_has_its_own(folder):
    other = folder.parent / "other"
    write_trial(other, {"key": "k0", "status": "ok", "tables": 1000})
    compact(folder)
    compact(other)
    assert sorted(read(folder.parent)["tables"]) == [0, 1, 2, 3, 4, 1000]


def test_a_row_reader_sees_what_is_written_merged_and_damaged_meanwhile(folder):
    reader = RowReader(folder)
    assert reader.row("k1")["tables"] == 1
    assert reader.row("k9") is None
    compact(folder)
    assert (reader.row("k1")["tables"], reader.row("k1")["rank"]) == (1, None)
    write_trial(folder, {"key": "k1", "status": "ok", "tables": 11})
    assert reader.row("k1")["tables"] == 11
    compact(folder)
    assert reader.row("k1")["tables"] == 11
    (folder / "trials.parquet").write_bytes(b"torn")
    assert reader.row("k1") is None
