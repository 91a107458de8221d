"""`ttrec data`: what it prints, the keys of its JSON, and errors as one line with exit code 2."""

import json
from pathlib import Path
from typing import Any

import pytest

from ttrec_cli.app import main

LINE = "\t".join(["{label}", *["{row}"] * 13, *["{row:08x}"] * 26])
FACTS = {"path", "name", "synthetic", "rows", "splits", "cardinalities", "click_rate", "fingerprint"}


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def raw_log(tmp_path: Path) -> Path:
    path = tmp_path / "train.txt"
    path.write_text("".join(LINE.format(label=row % 2, row=row % 5) + "\n" for row in range(40)))
    return path


def read_json(capsys: pytest.CaptureFixture[str], command: str) -> Any:
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"ttrec", "command", "result"}
    assert answer["command"] == command
    return answer["result"]


def test_prepare_then_describe(raw_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("data", "prepare", "criteo-kaggle", raw_log, "--out", out, "--json") == 0
    result = read_json(capsys, "data prepare")
    assert set(result) == FACTS | {"skipped_lines"}
    assert result["splits"] == {"train": 35, "test": 3, "validation": 2}
    assert (result["name"], result["synthetic"], result["rows"], result["skipped_lines"]) == (
        "criteo-kaggle", False, 40, 0,
    )  # fmt: skip
    assert result["cardinalities"]["C26"] == 5
    assert run("data", "describe", out, "--json") == 0
    result = read_json(capsys, "data describe")
    assert set(result) == FACTS | {"columns"}
    assert result["columns"][0] == {
        "name": "C1", "cardinality": 5, "missing_fraction": 0.2, "top1_share": 0.2, "top10_share": 0.8,
    }  # fmt: skip
    assert run("data", "describe", out) == 0
    shown = capsys.readouterr().out
    assert "C26" in shown
    assert "synthetic" not in shown


def test_synthetic_data_is_called_so_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("data", "synthesize", "--like", "kaggle", "--rows", "100", "--table-scale", "0.001", "--seed", "3")
    assert run(*arguments, "--out", tmp_path / "log") == 0
    assert "synthetic (made up" in capsys.readouterr().out
    assert run(*arguments, "--out", tmp_path / "log", "--json") == 0
    result = read_json(capsys, "data synthesize")
    assert set(result) == FACTS
    assert result["synthetic"] is True
    assert run("data", "describe", tmp_path / "log") == 0
    assert "synthetic-kaggle (synthetic)" in capsys.readouterr().out


def test_skipped_lines_are_said_on_stderr(raw_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw_log.write_text(raw_log.read_text() + "broken\n")
    arguments = ("data", "prepare", "criteo-kaggle", raw_log, "--out", tmp_path / "out")
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert f"{raw_log}:41: a line must have 40 fields" in error
    assert not (tmp_path / "out").exists()
    assert run(*arguments, "--skip-bad-lines", "--json") == 0
    said = capsys.readouterr()
    assert "left out 1 malformed lines of 41" in said.err
    assert json.loads(said.out)["result"]["skipped_lines"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prepare", "criteo-kaggle", "none.txt", "--out", "o"), "none.txt: cannot be read: No such file"),
        (("prepare", "avazu", "none.txt", "--out", "o"), "'avazu' is not"),
        (("prepare", "criteo-kaggle", "none.txt"), "--out"),
        (("describe", "nowhere"), "nowhere: there is no such folder; make one with: ttrec data prepare"),
        (("synthesize", "--rows", "5", "--out", "o"), "rows must be at least 14"),
        (("synthesize", "--rows", "50", "--table-scale", "7", "--out", "o"), "table_scale must be above 0"),
    ],
)
def test_errors_are_one_line_and_exit_2(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("data", *arguments) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []
