"""`ttrec pareto` on folders of results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ttrec_cli.commands.pareto import pareto
from ttrec_cli.errors import ExitCode, NothingToReportError, exit_code
from ttrec_cli.store import write_trial


@pytest.fixture
def results(tmp_path, kaggle_rows):
    for row in kaggle_rows(seeds=(0, 1), synthetic=True, stand_in=True):
        write_trial(tmp_path / "results" / "kaggle", row)
    return tmp_path / "results"


@pytest.fixture
def run(capsys):
    def call(results: Path, **options):
        pareto(results, **options)
        return capsys.readouterr()

    return call


def test_json_has_the_frontier_and_the_page_lies_where_it_says(results, run):
    answer = json.loads(run(results, json=True).out)
    assert answer["command"] == "pareto"
    result = answer["result"]
    assert len(result["points"]) == 39
    assert len(result["frontier"]) >= 3
    assert result["baseline"]["method"] == "dense"
    assert Path(result["report"]) == results / "pareto.html"
    assert Path(result["report"]).is_absolute()
    assert Path(result["report"]).stat().st_size > 4_000_000


def test_people_see_the_frontier_the_sentence_and_the_place(results, run):
    shown = run(results).out
    assert "SYNTHETIC STAND-IN DATA" in shown
    assert "On synthetic data (a stand-in): 7 tables at rank" in shown
    assert shown.splitlines()[-1] == f"Page: {results / 'pareto.html'}"


def test_damaged_files_are_named_and_skipped(results, run):
    damaged = results / "kaggle" / "trials" / "zz.parquet"
    damaged.write_bytes(b"PAR1 torn")
    said = run(results, json=True)
    result = json.loads(said.out)["result"]
    assert said.err.startswith(f"ttrec: skipped {damaged}")
    assert len(result["points"]) == 39
    assert len(result["problems"]) == 1
    assert "zz.parquet" in (results / "pareto.html").read_text(encoding="utf-8")


def test_another_metric_and_another_place(results, run, tmp_path):
    result = json.loads(run(results, metric="logloss", out=tmp_path / "there" / "page.html", json=True).out)["result"]
    assert result["metric"] == "logloss"
    losses = [point["val_logloss"] for point in result["frontier"]]
    assert losses == sorted(losses, reverse=True)
    assert Path(result["report"]) == tmp_path / "there" / "page.html"
    assert not (results / "pareto.html").exists()


def test_a_relative_folder_gives_an_absolute_place(results, run, monkeypatch):
    monkeypatch.chdir(results.parent)
    assert json.loads(run(Path("results"), json=True).out)["result"]["report"] == str(results / "pareto.html")


def test_every_sweep_below_is_read(results, run, make_row):
    write_trial(results / "deeper" / "other", make_row(sweep="other", dataset_fingerprint="b", ended_at="2027"))
    result = json.loads(run(results, json=True).out)["result"]
    assert result["sweeps"] == ["other"]
    assert [group["sweeps"] for group in result["groups"]] == [["kaggle"]]
    assert "apart, on the page: 1 more" in run(results).out


def test_terminal_names_cannot_draw(results, run, make_row):
    write_trial(
        results / "hostile", make_row(sweep="\x1b[31mred", dataset="\x1b[2J", dataset_fingerprint="b", ended_at="2027")
    )
    assert "\x1b" not in run(results).out


@pytest.mark.parametrize("kind", ["absent", "empty", "foreign", "damaged", "failed", "file"])
def test_nothing_to_report_is_one_clear_line(tmp_path, make_row, capsys, kind):
    folder = tmp_path / "results"
    if kind == "file":
        folder.write_text("")
    elif kind != "absent":
        folder.mkdir()
    if kind == "foreign":
        (folder / "holiday.jpg").write_bytes(b"")
        (folder / "trials").mkdir()
        (folder / "trials" / "notes.txt").write_text("mine")
    if kind == "damaged":
        (folder / "trials").mkdir()
        (folder / "trials" / "a.parquet").write_bytes(b"torn")
    if kind == "failed":
        write_trial(folder, make_row(status="failed", reason="bad"))
    with pytest.raises(NothingToReportError) as caught:
        pareto(folder)
    assert exit_code(caught.value) == ExitCode.NOTHING_TO_REPORT == 4
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ("1 failed" in str(caught.value)) == (kind == "failed")
    assert capsys.readouterr().out == ""
    assert not (folder / "pareto.html").exists()


def test_neither_torch_nor_cupy_is_imported(results):
    code = (
        "import sys; from pathlib import Path; from ttrec_cli.commands.pareto import pareto; "
        "light = {'pandas', 'plotly', 'moocore', 'numpy'} & set(sys.modules); "
        "pareto(Path(sys.argv[1])); "
        "print(sorted(light), sorted({'torch', 'cupy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(results)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] []"
