"""A running sweep as a person sees it: the live view on a terminal, `ttrec status` beside it, a search to its end."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from ttrec_cli.store import read

SEARCHED = """\
name: searched
data: {format: synthetic, rows: 56000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
grid: {method: [tt, tt-frozen], rank: [1, 4], tables: [1, 3], dim: [4]}
seeds: [0]
search: {method: halving, eta: 3}
"""


class Terminal:
    """A pseudo-terminal that keeps all that is written to it."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        self.text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other side was closed
            while chunk := os.read(self._master, 65536):
                self.text += chunk.decode(errors="replace")

    def close(self) -> str:
        os.close(self.slave)
        self._reader.join(10)
        os.close(self._master)
        return self.text


def status(place: Path) -> dict:
    command = [sys.executable, "-m", "ttrec_cli.app", "status", "results", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, timeout=60, check=False)
    return json.loads(done.stdout)["result"]["sweeps"][0] if done.returncode == 0 else {}


def test_a_search_on_a_terminal_with_status_beside_it(tmp_path: Path) -> None:
    (tmp_path / "searched.yaml").write_text(SEARCHED)
    terminal = Terminal()
    command = [sys.executable, "-m", "ttrec_cli.app", "sweep", "searched.yaml", "--json"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    sweep = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=terminal.slave, text=True, cwd=tmp_path, env=environment
    )
    seen: dict = {}
    end = time.monotonic() + 120
    while not seen.get("running_trials") and sweep.poll() is None and time.monotonic() < end:
        seen = status(tmp_path)
    output, _ = sweep.communicate(timeout=300)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.close())
    assert sweep.returncode == 0, shown

    assert seen["running"]
    assert seen["driver"]["pid"] == sweep.pid
    assert seen["trials"]["total"] == 9
    (running,) = seen["running_trials"]
    assert re.fullmatch(r"[0-9a-f]{16}", running["key"])
    assert "dim 4, seed 0" in running["label"]

    for words in ("training now", "samples/s", "frontier so far", "of 9 trials done", "left", "stopped  tt-frozen"):
        assert words in shown, words
    assert "Traceback" not in shown

    assert json.loads(output)["result"]["trials"] == {"total": 9, "ok": 9, "skipped": 0, "failed": 0}
    frame = read(tmp_path / "results")
    assert set(frame["status"]) == {"ok", "stopped"}
    assert set(frame.loc[frame["status"] == "stopped", "train_samples"]) == {2700, 16000}
    assert frame.loc[frame["status"] == "stopped", "val_logloss"].notna().all()
    dense = frame[frame["method"] == "dense"].iloc[0]
    assert (dense["status"], dense["train_samples"], dense["resumed_samples"]) == ("ok", 48000, 16000)
    assert list((tmp_path / "results" / "searched" / "checkpoints").iterdir()) == []
    after = status(tmp_path)
    assert (after["running"], after["trials"]["pending"], after["failures"]) == (False, 0, [])


def test_what_cannot_fit_is_recorded_before_it_starts(ttrec, tiny: Path, tmp_path: Path) -> None:
    done = ttrec("sweep", tiny, "--json", "--set", "resources.device_memory=900kB", "--set", "seeds=[0]")
    assert done.returncode == 3
    assert json.loads(done.stdout)["result"]["trials"] == {"total": 5, "ok": 4, "skipped": 0, "failed": 1}
    frame = read(tmp_path / "results")
    (row,) = frame[frame["status"] == "out-of-memory"].to_dict("records")
    assert row["method"] == "dense"
    assert re.fullmatch(r"does not fit: needs \S+ MB at least, 0\.90 MB there", row["reason"])
    assert "--retry failed" in done.stderr
