"""`ttrec show` and `ttrec status` on a real results folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ttrec_cli.config import load_sweep
from ttrec_cli.errors import ConfigError
from ttrec_cli.store import read
from ttrec_cli.sweep.dataset import describe
from ttrec_cli.sweep.folders import sweep_folders
from ttrec_cli.sweep.grid import expand
from ttrec_cli.sweep.reproduce import file_stem, find_trial, reproduction

PLAN = """\
tables:
- {name: C3, rows: 5066, dim: 4, kind: tt, row_factors: [70, 73], dim_factors: [2, 2], ranks: [1, 3, 1]}
"""
MIXED = """\
name: mixed
data: {format: synthetic, rows: 7000, table_scale: 0.0005, seed: 3}
model: {bottom_mlp: [8], top_mlp: [8]}
train: {optimizer: adagrad, learning_rate: 0.05, batch_size: 100, evaluations: 2}
plan: plan.yaml
trials:
  - {rank: [2, 3], tables: [C3, C12], dim: 4, train.batch_size: 50, shape.max_skew: .inf}
  - {method: tt-frozen, rank: 2, tables: 3, dim: 4}
  - {rank: 2, tables: 2, dim: 4, train.learning_rate: 1e30, train.optimizer: sgd}
seeds: [7]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder in which the mixed sweep ran once."""
    place = tmp_path_factory.mktemp("mixed")
    (place / "plan.yaml").write_text(PLAN)
    (place / "mixed.yaml").write_text(MIXED)
    assert call(place, "sweep", "mixed.yaml").returncode == 3
    return place


def call(place: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ttrec_cli.app", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=place, timeout=300, check=False)


def test_every_trial_s_file_means_that_trial(folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    folders = sweep_folders(Path("results"))
    keys = [row["key"] for row in folders[0].rows]
    assert len(keys) == 5
    for key in keys:
        found = reproduction(*find_trial(folders, key), Path("files"))
        Path("files").mkdir(exist_ok=True)
        (Path("files") / f"{key}.yaml").write_text(found.sweep_yaml)
        if found.plan_yaml is not None:
            (Path("files") / f"{key}.plan.yaml").write_text(found.plan_yaml)
        assert found.command == f"ttrec sweep files/{key}.yaml --out reproduced --device cpu"
        config = load_sweep(Path("files") / f"{key}.yaml").config
        assert [trial.key for trial in expand(config, describe(config.data))] == [key]


def test_shown_and_trained_again_it_gives_the_same_numbers(folder: Path) -> None:
    rows = read(folder / "results")
    frozen = rows[rows["method"] == "tt-frozen"].iloc[0]
    shown = call(folder, "show", "results", frozen["key"][:10], "--write", "again", "--json")
    result = json.loads(shown.stdout)["result"]
    assert (folder / "again" / f"{frozen['key']}.yaml").read_text() == result["sweep"]
    for name in ("git_commit", "torch_version", "cpu", "host", "command_line", "dataset_fingerprint", "ended_at"):
        assert str(frozen[name]) in result["sweep"]
    again = call(folder, *result["command"].split()[1:])
    assert again.returncode == 0, again.stderr
    (trained,) = read(folder / "reproduced").to_dict("records")
    assert trained["val_logloss"] == frozen["val_logloss"]


@pytest.mark.parametrize("key", ["", "zzz"])
def test_a_key_must_name_one_trial(folder: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="keys here: ") as caught:
        find_trial(sweep_folders(folder / "results"), key)
    assert "\n" not in str(caught.value)


def test_a_key_from_a_foreign_file_leads_nowhere(folder: Path) -> None:
    (found,) = sweep_folders(folder / "results")
    row = {**found.rows[0], "key": "../../evil"}
    assert file_stem(row) == "trial"


def test_status_of_a_finished_sweep(folder: Path) -> None:
    (sweep,) = json.loads(call(folder, "status", "results", "--json").stdout)["result"]["sweeps"]
    assert (sweep["name"], sweep["running"]) == ("mixed", False)
    assert sweep["trials"] == {"total": 5, "finished": {"diverged": 1, "ok": 4}, "pending": 0, "paused": 0}
    assert [failure["status"] for failure in sweep["failures"]] == ["diverged"]
    assert sweep["frontier"]
    text = call(folder, "status", "results").stdout
    assert "mixed: idle; 1 diverged, 4 ok, 0 pending of 5 trials" in text
    assert "--retry failed" in text
    nothing = call(folder, "status", "nowhere")
    assert nothing.returncode == 4
    assert nothing.stderr.count("\n") == 1
