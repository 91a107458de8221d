"""A folder that may not be written to, with real permissions: root obeys them too once it gives up the right not to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROW = "\t".join(["1", *["2"] * 13, *["0a"] * 26]) + "\n"
OBEYING = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: holds for what is started now
os.execv(sys.argv[1], sys.argv[1:])
"""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OBEYING, sys.executable, "-m", "ttrec_cli.app", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    folder = tmp_path / "closed"
    folder.mkdir()
    (tmp_path / "train.txt").write_text(ROW * 30)
    folder.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", OBEYING, "/bin/sh", "-c", f"touch '{folder}/x'"], capture_output=True, check=False
    )
    assert done.returncode != 0, "permissions do not hold here"
    return folder


@pytest.mark.parametrize("out", ["closed/log", "closed/deep/log"])
@pytest.mark.parametrize(
    "command", [("prepare", "criteo-kaggle", "train.txt"), ("synthesize", "--rows", "100", "--table-scale", "0.001")]
)
def test_a_folder_that_may_not_be_written_to_is_named(
    closed: Path, tmp_path: Path, command: tuple[str, ...], out: str
) -> None:
    arguments = [str(tmp_path / part) if part == "train.txt" else part for part in command]
    done = run("data", *arguments, "--out", tmp_path / out)
    assert done.returncode == 2, done.stderr
    assert f"{tmp_path / out}: cannot be written: Permission denied; nothing was left there" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(closed) == []


def test_a_raw_file_that_may_not_be_read_or_written(closed: Path, tmp_path: Path) -> None:
    done = run("data", "synthesize", "--rows", "100", "--table-scale", "0.001", "--raw", "--out", closed / "raw.txt")
    assert done.returncode == 2
    assert f"{closed / 'raw.txt'}: cannot be written: Permission denied; nothing was left there" in done.stderr
    (tmp_path / "train.txt").chmod(0)
    done = run("data", "prepare", "auto", tmp_path / "train.txt", "--out", tmp_path / "log")
    assert done.returncode == 2
    assert f"{tmp_path / 'train.txt'}' is not readable" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "log").exists()
