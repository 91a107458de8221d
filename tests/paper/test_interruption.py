"""Interrupted, the command draws what there is; run again, it goes on from there."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ttrec_cli.app import main

NAME = "table1_init_uncompressed"


def test_an_interrupted_study_goes_on(tmp_path: Path, write_miniatures, capsys: pytest.CaptureFixture[str]) -> None:
    items, out = write_miniatures(tmp_path, seeds=tuple(range(5)), names=(NAME,)), tmp_path / "out"
    arguments = [
        "paper",
        NAME,
        "--items",
        str(items),
        "--out",
        str(out),
        "--scale",
        "small",
        "--device",
        "cpu",
        "--json",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "ttrec_cli.app", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "/30 ok" in line:
                process.send_signal(signal.SIGINT)
                break
        told = process.stderr.read()
        assert process.wait(60) == 130
    assert told.splitlines()[-1].startswith("ttrec: interrupted")
    assert "of 30 trials finished; the same command goes on" in (out / "index.html").read_text()
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code in (0, None)
    (item,) = json.loads(capsys.readouterr().out)["result"]["items"]
    assert item["state"] == "done"
    assert len(item["measured"]) == 12
