"""The README's Python runs, its commands exist, its links lead somewhere, and every verb is in it."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ").split("#")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ttrec")
]


def test_there_is_something_to_check() -> None:
    assert PYTHON
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: code.splitlines()[0][:40])
def test_python_runs(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@cache
def help_of(*verb: str) -> str:
    command = [sys.executable, "-m", "ttrec_cli.app", *verb, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={"COLUMNS": "200"})
    return done.stdout if done.returncode == 0 else ""


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_and_their_options_exist(command: str) -> None:
    words = shlex.split(command)[1:]
    verb = tuple(words[:2]) if words[0] in ("data", "bench") else tuple(words[:1])
    text = help_of() if verb[0].startswith("-") else help_of(*verb)
    assert text, f"no such verb: {verb}"
    for word in words:
        option = word.split("=")[0]
        if option.startswith("--"):
            assert re.search(rf"{re.escape(option)}\b", text), f"{verb} has no {option}"


def test_every_verb_is_documented() -> None:
    for verb in (
        "factorize",
        "sweep",
        "pareto",
        "status",
        "show",
        "schema",
        "data prepare",
        "data describe",
        "data synthesize",
        "doctor",
        "bench lookup",
        "bench cache",
        "bench step",
        "bench init",
        "paper",
    ):
        assert f"ttrec {verb}" in README


def test_links_to_files_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]
    assert [target for target in targets if not (ROOT / target).exists()] == []
