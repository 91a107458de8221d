"""The command as a person meets it: help, version, usage errors and exit codes."""

import json
import subprocess
import sys

import pytest

VERBS = ("factorize", "sweep", "pareto", "data", "status", "show", "schema")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ttrec_cli.app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_verb_and_the_exit_codes() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)
    assert "130" in done.stdout


def test_no_arguments_show_the_help() -> None:
    done = run()
    assert done.returncode == 2
    assert "factorize" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["factorise"],
        ["factorize", "--rows", "many", "--dim", "4"],
        ["sweep"],
        ["sweep", "none.yaml", "--device", "tpu"],
    ],
    ids=" ".join,
)
def test_usage_errors_are_one_line_and_exit_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("ttrec: ")
    assert "Traceback" not in done.stderr


def test_usage_errors_speak_json() -> None:
    done = run("sweep", "none.yaml", "--json")
    assert done.returncode == 2
    assert set(json.loads(done.stdout)) == {"ttrec", "command", "error"}


def test_version() -> None:
    assert run("--version").stdout.startswith("ttrec ")
