"""Opening datasets: batches as views, and every way a folder can fail to be a dataset."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ttrec_cli.data import ClickLog, SyntheticSpec, open_click_log, synthesize
from ttrec_cli.data.manifest import MAX_MANIFEST_BYTES
from ttrec_cli.errors import DataError

SPEC = SyntheticSpec(rows=700, table_scale=0.001, seed=4)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(SPEC, tmp_path_factory.mktemp("template") / "log").path


@pytest.fixture
def log(template: Path, tmp_path: Path) -> ClickLog:
    """A dataset that a test may damage."""
    return open_click_log(shutil.copytree(template, tmp_path / "log"))


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit meta.json as a skilled forger would: with a valid seal."""
    page = path / "meta.json"
    body = json.loads(page.read_text())
    del body["seal"]
    change(body)
    body["seal"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    page.write_text(json.dumps(body))


def test_batches_are_the_splits_rows_in_order_without_copies(log: ClickLog) -> None:
    for split, rows in log.splits.items():
        batches = list(log.batches(split, 64))
        assert [len(batch.label) for batch in batches[:-1]] == [64] * (len(batches) - 1)
        np.testing.assert_array_equal(np.concatenate([b.sparse for b in batches]), log.sparse[rows.start : rows.stop])
        np.testing.assert_array_equal(np.concatenate([b.dense for b in batches]), log.dense[rows.start : rows.stop])
        np.testing.assert_array_equal(np.concatenate([b.label for b in batches]), log.label[rows.start : rows.stop])
        assert all(np.shares_memory(batch.sparse, log.sparse) for batch in batches)
    assert (log.dense.dtype, log.sparse.dtype, log.label.dtype) == (np.float32, np.int32, np.uint8)
    assert not log.sparse.flags.writeable


@pytest.mark.parametrize(("split", "batch_size"), [("training", 8), ("train", 0), ("train", -1)])
def test_batches_refuse_what_cannot_be(log: ClickLog, split: str, batch_size: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        next(log.batches(split, batch_size))


@pytest.mark.parametrize("name", ["dense.f32", "sparse.i32", "label.u8"])
def test_a_file_cut_short_longer_or_gone_is_found_on_opening(log: ClickLog, name: str) -> None:
    path = log.path / name
    size = path.stat().st_size
    os.truncate(path, size - 1)
    with pytest.raises(DataError, match=rf"{name}: must have {size} bytes for 700 rows, has {size - 1}"):
        open_click_log(log.path)
    os.truncate(path, size + 4)
    with pytest.raises(DataError, match=rf"must have {size} bytes"):
        open_click_log(log.path)
    path.unlink()
    with pytest.raises(DataError, match=rf"{name}: cannot be read"):
        open_click_log(log.path)
    path.mkdir()
    with pytest.raises(DataError, match="must be a regular file"):
        open_click_log(log.path)


@pytest.mark.parametrize("name", ["dense.f32", "sparse.i32", "label.u8"])
def test_one_changed_byte_is_found_when_verifying(log: ClickLog, name: str) -> None:
    open_click_log(log.path, verify=True)
    content = bytearray((log.path / name).read_bytes())
    content[len(content) // 3] ^= 1
    (log.path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: was edited or damaged"):
        open_click_log(log.path, verify=True)


def test_an_id_out_of_range_is_found_even_under_a_matching_digest(log: ClickLog) -> None:
    ids = np.fromfile(log.path / "sparse.i32", dtype=np.int32).reshape(-1, 26)
    ids[300, 8] = 3
    ids.tofile(log.path / "sparse.i32")
    digest = hashlib.sha256(ids.tobytes()).hexdigest()
    rewrite(log.path, lambda body: body["digests"].update({"sparse.i32": digest}))
    with pytest.raises(DataError, match=r"row 300: an id of C9 must be in \[0, 3\), is 3"):
        open_click_log(log.path, verify=True)


def test_a_folder_that_is_not_there_or_not_whole(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder; make one with: ttrec data prepare"):
        open_click_log(tmp_path / "none")
    with pytest.raises(DataError, match=r"holds no whole dataset \(meta.json is missing\)"):
        open_click_log(tmp_path)


def test_an_edited_page_is_found(log: ClickLog) -> None:
    page = log.path / "meta.json"
    page.write_text(page.read_text().replace('"seed": 4', '"seed": 5'))
    with pytest.raises(DataError, match="was edited after it was written"):
        open_click_log(log.path)


def test_another_schema_version_is_named(log: ClickLog) -> None:
    rewrite(log.path, lambda body: body.update(schema_version=2))
    with pytest.raises(DataError, match="schema version is 2, this ttrec reads 1; prepare the dataset again"):
        open_click_log(log.path)


NO_PAGES = {
    "empty": b"",
    "cut": b"{",
    "list": b"[1, 2]",
    "null": b"null",
    "text": b'"meta"',
    "not utf-8": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "long number": b"1" * 10_000,
    "large": b" " * (MAX_MANIFEST_BYTES + 1),
}


@pytest.mark.parametrize("content", NO_PAGES.values(), ids=NO_PAGES.keys())
def test_a_page_that_is_no_json_object_of_ours(log: ClickLog, content: bytes) -> None:
    (log.path / "meta.json").write_bytes(content)
    with pytest.raises(DataError, match=r"meta\.json: ") as caught:
        open_click_log(log.path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": -1}, "rows must be a whole number"),
        ({"rows": True}, "rows must be"),
        ({"rows": 2**61}, "must have"),
        ({"rows": 10**400}, "rows must be"),
        ({"rows": "700"}, "rows must be"),
        ({"columns": "C1"}, "columns must be of type list"),
        ({"columns": ["C1"] * 26}, "columns must be at least one name, all different"),
        ({"columns": ["C1\n"] + [f"C{i}" for i in range(25)]}, "columns must be 1 to 100 printable characters"),
        ({"columns": [["x"]] * 26}, "columns must be 1 to 100"),
        ({"columns": [f"C{i}" for i in range(10_001)]}, "columns must have <= 10000 entries"),
        ({"cardinalities": [10] * 25}, "cardinalities must have 26 entries"),
        ({"cardinalities": [0] * 26}, "cardinalities must be a whole number from 1"),
        ({"cardinalities": [2**31] * 26}, "cardinalities must be"),
        ({"missing_ids": [10**9] * 26}, "missing_ids must be"),
        ({"dense_columns": []}, "dense_columns must be at least one name"),
        ({"splits": {"train": [0, 700]}}, "splits must be exactly train, test, validation"),
        ({"splits": {"train": [0, 700], "test": [0, 700], "validation": [0, 700]}}, "splits.test must be"),
        ({"splits": {"train": [0, 701], "test": [701, 701], "validation": [701, 701]}}, "splits.train must be"),
        ({"splits": {"train": [5, 2], "test": [5, 6], "validation": [6, 7]}}, "splits.train must be"),
        ({"splits": {"train": 3, "test": [5, 6], "validation": [6, 7]}}, r"must be \[first row"),
        ({"name": "\x1b[31mred"}, "name must be 1 to 100 printable characters"),
        ({"name": 3}, "name must be"),
        ({"synthetic": "no"}, "synthetic must be of type bool"),
        ({"choices": None}, "choices must be of type dict"),
        ({"digests": {"../../etc/passwd": "00"}}, "digests must be exactly those of"),
        ({"fingerprint": "../../x"}, "fingerprint must be 64 hex digits"),
        ({"schema": "other"}, "is not the meta.json of a dataset"),
    ],
)
def test_a_forged_page_is_refused_field_by_field(log: ClickLog, change: dict[str, Any], message: str) -> None:
    rewrite(log.path, lambda body: body.update(change))
    with pytest.raises(DataError, match=message) as caught:
        open_click_log(log.path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_every_field_is_needed(log: ClickLog) -> None:
    fields = set(json.loads((log.path / "meta.json").read_text())) - {"seal", "ttrec_version"}
    whole = (log.path / "meta.json").read_bytes()
    for field in fields:
        (log.path / "meta.json").write_bytes(whole)
        rewrite(log.path, lambda body, field=field: body.pop(field))
        with pytest.raises(DataError):
            open_click_log(log.path)


def test_a_pipe_for_a_page_does_not_hang(log: ClickLog) -> None:
    (log.path / "meta.json").unlink()
    os.mkfifo(log.path / "meta.json")
    with pytest.raises(DataError, match="must be a regular file"):
        open_click_log(log.path)
