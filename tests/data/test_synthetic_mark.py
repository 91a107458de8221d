"""Raw files that were made up say so, and what is prepared from them does too."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ttrec_cli.data import Choices, SyntheticSpec, kaggle_log, prepare, synthesize_raw
from ttrec_cli.data.synthetic_mark import HEAD_BYTES
from ttrec_cli.errors import ConfigError, DataError

SPEC = SyntheticSpec(rows=60, table_scale=0.001, seed=3)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    synthesize_raw(SPEC, tmp_path / "train.txt")
    return tmp_path / "train.txt"


def test_what_is_prepared_from_a_made_up_file_is_synthetic(made: Path, tmp_path: Path) -> None:
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.txt", "train.txt.synthetic.json"]
    mark = json.loads((tmp_path / "train.txt.synthetic.json").read_text())
    assert mark["synthetic"] is True
    assert mark["specification"] == SPEC.choices()
    log = prepare(kaggle_log(made), tmp_path / "out", Choices())
    assert (log.synthetic, log.name) == (True, "synthetic-criteo-kaggle")


def test_the_mark_goes_with_the_file_when_it_is_packed(made: Path, tmp_path: Path) -> None:
    packed = tmp_path / "train.txt.gz"
    packed.write_bytes(gzip.compress(made.read_bytes()))
    made.unlink()
    assert prepare(kaggle_log(packed), tmp_path / "out", Choices()).synthetic


def test_real_files_are_real(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    log = prepare(kaggle_log(raw_log(30)), tmp_path / "out", Choices())
    assert (log.synthetic, log.name) == (False, "criteo-kaggle")


@pytest.mark.parametrize("change", ["appended", "edited", "other"])
def test_a_marked_file_that_was_changed_is_neither(
    made: Path, tmp_path: Path, raw_log: Callable[..., Path], change: str
) -> None:
    text = made.read_bytes()
    if change == "appended":
        made.write_bytes(text + text[: text.index(b"\n") + 1])
    elif change == "edited":
        made.write_bytes(b"1" + text[1:] if text[:1] == b"0" else b"0" + text[1:])
    else:
        raw_log(30)
    with pytest.raises(DataError, match=r"train\.txt\.synthetic\.json beside it says that it is synthetic, but"):
        prepare(kaggle_log(made), tmp_path / "out", Choices())
    assert not (tmp_path / "out").exists()


def test_a_mark_that_is_none_is_named(made: Path, tmp_path: Path) -> None:
    page = tmp_path / "train.txt.synthetic.json"
    for text in ("[" * 100_000, "no", "[]"):
        page.write_text(text)
        with pytest.raises(DataError, match=r"train\.txt\.synthetic\.json"):
            prepare(kaggle_log(made), tmp_path / "out", Choices())


def test_long_files_are_known_by_their_first_bytes_and_size(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    synthesize_raw(SyntheticSpec(rows=5000, table_scale=0.001), path)
    assert path.stat().st_size > HEAD_BYTES
    assert prepare(kaggle_log(path), tmp_path / "out", Choices()).synthetic


def test_a_file_that_is_there_is_not_replaced_and_nothing_is_left(made: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataError, match="exists"):
        synthesize_raw(SPEC, made)
    with pytest.raises(ConfigError, match="--raw writes Criteo's layout"):
        synthesize_raw(SyntheticSpec(rows=60, table_scale=0.001, multi_hot=(2, *[1] * 25)), tmp_path / "bags.txt")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
