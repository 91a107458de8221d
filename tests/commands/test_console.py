"""The printer: JSON on stdout, talk on stderr, never folded, never coloured by hostile text."""

import json

import pytest
import typer

from ttrec_cli import console
from ttrec_cli.errors import ConfigError, ExitCode, NothingToReportError


def test_json_is_one_object_with_version_command_and_result(capsys) -> None:
    console.show(console.CommandResult("factorize", {"a": (1, 2)}, ("for people",)), as_json=True)
    captured = capsys.readouterr()
    body = json.loads(captured.out)
    assert set(body) == {"ttrec", "command", "result"}
    assert body["result"] == {"a": [1, 2]}
    assert captured.err == ""


def test_strings_are_not_folded_and_codes_end_the_command(capsys) -> None:
    result = console.CommandResult("sweep", {}, ("x" * 500,), ExitCode.SOME_TRIALS_FAILED)
    with pytest.raises(typer.Exit) as ended:
        console.show(result, as_json=False)
    assert ended.value.exit_code == 3
    assert capsys.readouterr().out == "x" * 500 + "\n"


def test_errors_are_one_line_and_speak_json_too(capsys) -> None:
    code = console.show_error(ConfigError("f.yaml:1:2: bad\nline \x1b[31mred"), "sweep", as_json=True)
    captured = capsys.readouterr()
    assert code == ExitCode.USAGE
    assert captured.err.count("\n") == 1
    assert "\x1b" not in captured.err
    assert json.loads(captured.out)["error"]["kind"] == "ConfigError"
    assert console.show_error(NothingToReportError("none"), "pareto", as_json=False) == 4


def test_plain_progress_says_rate_and_time_left(capsys, monkeypatch) -> None:
    monkeypatch.setattr(console, "PLAIN_LINE_SECONDS", 0.0)
    with console.progress("training", 100, "samples") as bar:
        bar.advance(25, "trial 1")
        bar.line("1/4 ok")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("training: 25 of 100 samples")
    assert "left, trial 1" in lines[0]
    assert "1/4 ok" in lines


def test_what_ends_at_once_has_no_progress_line(capsys) -> None:
    with console.progress("table2_shapes", 100, "%") as bar:
        bar.advance(100)
    assert capsys.readouterr().err == ""
