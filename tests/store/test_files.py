"""The store: what is written is read back; what is damaged or foreign is named and left out."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttrec_cli.errors import DataError
from ttrec_cli.store import TRIAL_SCHEMA, read, read_curve, read_with_problems, write_curve, write_trial

ROW = {"key": "abc", "status": "ok", "rank": None, "tables": 0, "model_bytes": 2**40 + 1, "val_accuracy": 0.1 + 0.2}


def test_a_row_comes_back_exactly(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", ROW)
    write_trial(tmp_path / "b", ROW | {"key": "def", "rank": 8})
    frame = read(tmp_path)
    assert list(frame["key"]) == ["abc", "def"]
    assert frame["model_bytes"].tolist() == [2**40 + 1] * 2
    assert frame["val_accuracy"].tolist() == [0.1 + 0.2] * 2
    assert frame["rank"].isna().tolist() == [True, False]
    assert set(frame.columns) == set(TRIAL_SCHEMA.names)


def test_writing_again_replaces_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    write_trial(tmp_path, ROW)
    write_trial(tmp_path, ROW | {"status": "failed"})
    assert read(tmp_path)["status"].tolist() == ["failed"]
    assert [path.name for path in (tmp_path / "trials").iterdir()] == ["abc.parquet"]


def test_an_unknown_column_is_our_bug(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="colour"):
        write_trial(tmp_path, ROW | {"colour": 1})


def test_damaged_and_foreign_files_are_named_and_skipped(tmp_path: Path) -> None:
    good = write_trial(tmp_path, ROW)
    folder = good.parent
    (folder / "zero.parquet").write_bytes(b"")
    (folder / "text.parquet").write_text("not parquet at all")
    (folder / "torn.parquet").write_bytes(good.read_bytes()[:-40])
    pq.write_table(pa.table({"x": [1]}), folder / "foreign.parquet")
    newer = TRIAL_SCHEMA.empty_table().replace_schema_metadata({b"ttrec_schema": b"99"})
    pq.write_table(newer, folder / "newer.parquet")
    frame, problems = read_with_problems(tmp_path)
    assert frame["key"].tolist() == ["abc"]
    assert len(problems) == 5
    for name in ("zero", "text", "torn", "foreign", "newer"):
        assert any(f"{name}.parquet" in problem for problem in problems)
    assert all("\n" not in problem for problem in problems)


def test_an_empty_folder_has_no_rows(tmp_path: Path) -> None:
    assert len(read(tmp_path)) == 0


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        write_trial(tmp_path / "file", ROW)


def test_curves(tmp_path: Path) -> None:
    points = [{"samples": 10, "val_auc": 0.5}, {"samples": 20, "val_auc": None}]
    write_curve(tmp_path, "abc", points)
    curve = read_curve(tmp_path, "abc")
    assert curve["samples"].tolist() == [10, 20]
    assert pd.isna(curve["val_auc"][1])
