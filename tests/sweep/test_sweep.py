"""`ttrec sweep` from end to end: trains, stores, resumes; what goes wrong becomes a row."""

import json
from pathlib import Path

import pytest

from ttrec_cli.store import read, read_curve


def result(done) -> dict:
    return json.loads(done.stdout)["result"]


def test_trains_stores_and_resumes(ttrec, tiny: Path, tmp_path: Path) -> None:
    done = ttrec("sweep", tiny, "--json")
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC DATA" in done.stderr
    assert result(done)["trials"] == {"total": 10, "ok": 10, "skipped": 0, "failed": 0}
    folder = Path(result(done)["directory"])
    frame = read(folder)
    assert (frame["status"] == "ok").all()
    assert frame["synthetic"].all()
    assert frame["val_logloss"].between(0.3, 0.9).all()
    frozen = frame["method"] == "tt-frozen"
    assert (frame.loc[frozen, "tt_core_change"] == 0).all()
    assert (frame.loc[frame["method"] == "tt", "tt_core_change"] > 0.01).all()
    assert (frame["train_samples"] == 6000).all()
    curve = read_curve(folder, frame["key"][0])
    assert curve["samples"].tolist() == [3000, 6000]
    assert curve["val_auc"].iloc[-1] == frame["val_auc"][0]

    again = ttrec("sweep", tiny, "--json")
    assert again.returncode == 0
    assert result(again)["trials"] == {"total": 10, "ok": 0, "skipped": 10, "failed": 0}
    assert read(folder).equals(frame)
    grown = ttrec("sweep", tiny, "--json", "--set", "seeds=[0, 1, 2]")
    assert result(grown)["trials"] == {"total": 15, "ok": 5, "skipped": 10, "failed": 0}


def test_the_resolved_file_gives_the_same_trials(ttrec, tiny: Path, tmp_path: Path) -> None:
    assert ttrec("sweep", tiny, "--set", "grid.rank=[2]", "--set", "shape.max_skew=.inf").returncode == 0
    resolved = tmp_path / "results" / "tiny" / "sweep.yaml"
    assert result(ttrec("sweep", resolved, "--json"))["trials"]["skipped"] == 6


def test_the_same_trial_gives_the_same_numbers(ttrec, tiny: Path, tmp_path: Path) -> None:
    metrics = []
    for out in ("one", "two"):
        assert ttrec("sweep", tiny, "--out", out, "--set", "seeds=[5]").returncode == 0
        metrics.append(read(tmp_path / out).set_index("key")[["val_logloss", "test_auc", "tt_core_change"]])
    assert metrics[0].equals(metrics[1])


def test_dry_run_lists_all_and_trains_nothing(ttrec, tiny: Path, tmp_path: Path) -> None:
    done = ttrec("sweep", tiny, "--dry-run", "--json")
    plan = result(done)["plan"]
    assert len(plan) == 10
    assert all(trial["state"] == "pending" for trial in plan)
    assert not (tmp_path / "results").exists()
    assert "tt-frozen" in ttrec("sweep", tiny, "--dry-run").stdout


def test_a_diverged_trial_is_a_row_and_exit_code_3(ttrec, tiny: Path, tmp_path: Path) -> None:
    overrides = ("--set", "train.optimizer=sgd", "--set", "train.learning_rate=1e30", "--set", "seeds=[0]")
    done = ttrec("sweep", tiny, *overrides, "--json")
    assert done.returncode == 3
    assert result(done)["trials"]["failed"] == 5
    frame = read(tmp_path / "results")
    assert (frame["status"] == "diverged").all()
    assert frame["val_accuracy"].isna().all()
    assert "not a finite" in frame["reason"][0] or "is nan" in frame["reason"][0] or "is inf" in frame["reason"][0]
    assert ttrec("sweep", tiny, *overrides).returncode == 3  # skipped, still failed
    retried = ttrec("sweep", tiny, *overrides, "--retry", "failed", "--json")
    assert result(retried)["trials"]["failed"] == 5


def test_cells_that_come_to_one_plan_are_trained_once(ttrec, tiny: Path, tmp_path: Path) -> None:
    overrides = ("--set", "grid.rank=[64, 128]", "--set", "grid.method=[tt]", "--set", "seeds=[0]")
    done = ttrec("sweep", tiny, *overrides, "--json")
    assert result(done)["trials"]["ok"] == 3
    assert done.stderr.count("same plan as a trained trial") == 2
    frame = read(tmp_path / "results").sort_values("rank")
    assert frame["trained_as"].nunique() == 1
    assert frame["rank"].tolist()[:2] == [64, 128]
    assert frame["val_logloss"].nunique() == 1
    assert "larger" in frame["left_dense"].iloc[0]
    grown = ttrec("sweep", tiny, *overrides, "--set", "grid.rank=[64, 128, 256]", "--json")
    assert result(grown)["trials"] == {"total": 4, "ok": 1, "skipped": 3, "failed": 0}
    assert "same plan as a trained trial" in grown.stderr


def test_many_finished_trials_are_compacted_and_still_resumed(tiny: Path, tmp_path: Path, monkeypatch) -> None:
    from ttrec_cli.config import load_sweep
    from ttrec_cli.sweep import results
    from ttrec_cli.sweep import run as engine
    from ttrec_cli.sweep.local_executor import LocalExecutor

    def local():
        return LocalExecutor("cpu", loaded.config.resources)

    def silent(event) -> None:
        pass

    monkeypatch.setattr(results, "COMPACT_TRIALS", 3)
    loaded = load_sweep(tiny, ("grid.rank=[2]", "grid.method=[tt]", "seeds=[0, 1]"))
    summary = engine.run(engine.prepare(loaded, tmp_path / "out"), local, silent)
    folder = tmp_path / "out" / "tiny"
    assert summary.ok == 4
    assert len(list((folder / "trials").glob("*.parquet"))) == 1  # merged as soon as they were many
    assert (folder / "trials.parquet").exists()
    again = engine.run(engine.prepare(loaded, tmp_path / "out"), local, silent)
    assert (again.ok, again.skipped) == (0, 4)


def test_a_hostile_name_stays_inside_the_results_folder(ttrec, tiny: Path, tmp_path: Path) -> None:
    name = "../../<img src=x onerror=alert(1)>"
    done = ttrec("sweep", tiny, "--set", f"name='{name}'", "--set", "grid.rank=[2]", "--set", "seeds=[0]", "--json")
    assert done.returncode == 0, done.stderr
    folder = Path(result(done)["directory"])
    assert folder.parent == tmp_path / "results"
    assert set(read(folder)["sweep"]) == {name}


def test_no_cuda_is_said_in_one_line(ttrec, tiny: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    done = ttrec("sweep", tiny, "--device", "cuda")
    assert done.returncode == 2
    assert "use --device cpu" in done.stderr


def test_a_folder_that_cannot_be_written(ttrec, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("in the way")
    done = ttrec("sweep", tiny)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
