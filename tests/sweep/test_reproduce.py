"""`ttrec show` and `ttrec status` on a real results folder."""

import json
from pathlib import Path

import pytest

from ttrec_cli.store import read

PLAN = "tables:\n- {name: C3, rows: 5066, dim: 4, kind: tt, row_factors: [70, 73], dim_factors: [2, 2], ranks: [1, 3, 1]}\n"
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


@pytest.fixture
def results(ttrec, tmp_path: Path) -> Path:
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "mixed.yaml").write_text(MIXED)
    done = ttrec("sweep", "mixed.yaml")
    assert done.returncode == 3, done.stderr
    return tmp_path / "results"


def result(done) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


def test_every_trial_can_be_shown_and_trained_again(ttrec, results: Path, tmp_path: Path) -> None:
    rows = read(results)
    assert len(rows) == 5
    for key in rows["key"]:
        shown = result(ttrec("show", results, key, "--write", "again", "--json"))
        assert (shown["key"], (tmp_path / "again" / f"{key}.yaml").read_text()) == (key, shown["sweep"])
        assert f"ttrec sweep again/{key}.yaml --out reproduced --device cpu" == shown["command"]
        planned = result(ttrec("sweep", f"again/{key}.yaml", "--dry-run", "--no-probe", "--json"))["plan"]
        assert [trial["key"] for trial in planned] == [key]
    frozen = rows[rows["method"] == "tt-frozen"].iloc[0]
    again = ttrec("sweep", f"again/{frozen['key']}.yaml", "--out", "reproduced")
    assert again.returncode == 0, again.stderr
    (trained,) = read(tmp_path / "reproduced").to_dict("records")
    assert trained["val_logloss"] == frozen["val_logloss"]
    text = ttrec("show", results, frozen["key"][:10]).stdout
    for name in ("git_commit", "torch_version", "cpu", "host", "command_line", "dataset_fingerprint", "ended_at"):
        assert str(frozen[name]) in text


def test_a_key_must_name_one_trial(ttrec, results: Path) -> None:
    for key in ("", "zzz"):
        done = ttrec("show", results, key)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "keys here: " in done.stderr


def test_status_of_a_finished_sweep(ttrec, results: Path, tmp_path: Path) -> None:
    (sweep,) = result(ttrec("status", results, "--json"))["sweeps"]
    assert (sweep["name"], sweep["running"]) == ("mixed", False)
    assert sweep["trials"] == {"total": 5, "finished": {"diverged": 1, "ok": 4}, "pending": 0}
    assert [failure["status"] for failure in sweep["failures"]] == ["diverged"]
    assert sweep["frontier"]
    text = ttrec("status", results).stdout
    assert "mixed: idle; 1 diverged, 4 ok, 0 pending of 5 trials" in text
    assert "--retry failed" in text
    nothing = ttrec("status", tmp_path / "nowhere")
    assert nothing.returncode == 4
    assert nothing.stderr.count("\n") == 1
