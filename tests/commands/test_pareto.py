"""`ttrec pareto` on folders of results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ttrec_cli.commands.pareto import pareto
from ttrec_cli.errors import ConfigError, ExitCode, NothingToReportError, exit_code
from ttrec_cli.planning import KAGGLE_ROWS, TABLE_NAMES, plan_tables
from ttrec_cli.planning.plan_file import plan_from_values
from ttrec_cli.store import compact, write_curve, write_trial


@pytest.fixture
def results(tmp_path, kaggle_rows):
    for row in kaggle_rows(seeds=(0, 1), synthetic=True, stand_in=True):
        write_trial(tmp_path / "results" / "kaggle", row)
    return tmp_path / "results"


@pytest.fixture
def run(capsys):
    def call(*results: Path, **options):
        pareto(list(results), **options)
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


def test_objectives_of_the_sweep_file_are_the_default(results, run):
    (results / "kaggle" / "sweep.yaml").write_text("objectives: [model_bytes, logloss]\n")
    assert json.loads(run(results, json=True).out)["result"]["metric"] == "logloss"
    assert json.loads(run(results, metric="auc", json=True).out)["result"]["metric"] == "auc"
    (results / "other").mkdir()
    (results / "other" / "sweep.yaml").write_text("name: other\n")
    assert json.loads(run(results, json=True).out)["result"]["metric"] == "accuracy", "sweeps that differ"
    (results / "other" / "sweep.yaml").write_text("objectives: [model_bytes, [auc]]\n")
    (results / "kaggle" / "sweep.yaml").write_text("{")
    assert json.loads(run(results, json=True).out)["result"]["metric"] == "accuracy"


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
        pareto([folder])
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
        "pareto([Path(sys.argv[1])]); "
        "print(sorted(light), sorted({'torch', 'cupy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(results)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] []"


@pytest.fixture
def few(tmp_path, make_row):
    """An uncompressed model and two compressed ones with their plans, compacted; one curve."""
    for rank, size, accuracy in ((None, 2_160_000_000, 0.79), (8, 10_000_000, 0.787), (32, 20_000_000, 0.7897)):
        plans = plan_tables(TABLE_NAMES, KAGGLE_ROWS, 16, rank or 8, 7 if rank else 0)
        row = make_row(
            method="tt" if rank else "dense",
            rank=rank,
            tables=7 if rank else 0,
            model_bytes=size,
            compression=117.0 if rank else 1.0,
            val_accuracy=accuracy,
            plan=json.dumps([plan.to_dict() for plan in plans]),
        )
        write_trial(tmp_path / "few" / "sweep", row)
        write_curve(tmp_path / "few" / "sweep", row["key"], [{"samples": 1000, "val_accuracy": accuracy}])
    compact(tmp_path / "few" / "sweep")
    return tmp_path / "few"


def test_a_wish_is_answered_and_its_plan_exported(few, run, tmp_path):
    chosen = tmp_path / "chosen.yaml"
    result = json.loads(run(few, max_bytes="15MB", export=chosen, json=True).out)["result"]
    assert result["answer"]["point"]["rank"] == 8
    assert result["exported"] == str(chosen)
    plans = plan_from_values(YAML(typ="safe").load(chosen.read_text(encoding="utf-8")), str(chosen))
    assert plans == plan_tables(TABLE_NAMES, KAGGLE_ROWS, 16, 8, 7)
    assert result["answer"]["plan"] == [plan.to_dict() for plan in plans]


@pytest.mark.parametrize(
    ("options", "rank"),
    [({"within": 0.05}, 32), ({"within": 0.5}, 8), ({"min_compression": 100.0}, 32), ({"pick": "knee"}, 32)],
)
def test_each_way_to_pick_says_so(few, run, options, rank):
    assert f"7 tables at rank {rank}, dim 16: " in run(few, **options).out


def test_nothing_to_export_is_one_clear_line(few, tmp_path):
    chosen = tmp_path / "chosen.yaml"
    with pytest.raises(
        NothingToReportError, match=r"chosen\.yaml: must hold the chosen table plan, but nothing on the"
    ):
        pareto([few], max_bytes="1kB", export=chosen)
    assert not chosen.exists()


def test_an_unknown_plan_cannot_be_exported(results, tmp_path):
    with pytest.raises(NothingToReportError, match="does not tell it"):
        pareto([results], export=tmp_path / "chosen.yaml")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"csv": True, "json": True}, "both want stdout"),
        ({"pick": "knee", "within": 0.1}, "choose differently"),
        ({"max_bytes": "50 parsecs"}, "--max-bytes must be bytes"),
        ({"export": Path("/")}, "must name a file"),
    ],
)
def test_options_that_cannot_be_meant(few, options, words):
    with pytest.raises(ConfigError, match=words):
        pareto([few], **options)


def test_three_folders_are_too_many(few):
    with pytest.raises(ConfigError, match="3 were given"):
        pareto([few, few, few])


def test_csv_is_all_that_is_printed(few, run):
    lines = run(few, csv=True).out.splitlines()
    assert lines[0].startswith("method,rank,tables,dim,seeds,")
    assert len(lines) == 1 + 3


def test_two_folders_are_compared(few, results, run):
    result = json.loads(run(few, results, json=True).out)["result"]
    compared = result["comparison"]
    assert compared["difference"] == compared["hypervolumes"][1] - compared["hypervolumes"][0]
    assert compared["obstacles"] == ["seeds"]
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert f"Hypervolume of {results} minus that of {few}" in page
    assert f"{few}: kaggle on criteo-kaggle" in page
    assert "Hypervolume of" in run(few, results).out


def test_a_third_objective_and_normalised_entropy(few, run):
    result = json.loads(run(few, third="step", metric="ne", json=True).out)["result"]
    assert (result["metric"], result["third_objective"]) == ("ne", "step")


def test_the_terminal_shows_the_plot_and_the_page_the_curves(few, run):
    shown = run(few).out
    assert "@ chosen  o frontier  * uncompressed" in shown
    assert "Validation accuracy over samples seen" in (few / "pareto.html").read_text(encoding="utf-8")


def test_what_weakens_the_answer_is_said_on_the_terminal(tmp_path, run, make_row):
    for rank, seed in ((32, 0), (32, 1), (8, 0)):
        write_trial(tmp_path / "same", make_row(rank=rank, seed=seed))
    lines = run(tmp_path / "same").out.splitlines()
    same = [line for line in lines if line.startswith("All models have the same accuracy, as when each")]
    assert len(same) == 1
    assert same[0] in (tmp_path / "same" / "pareto.html").read_text(encoding="utf-8")
    assert "1 of 2 points lacks seeds: shown, but not competing." in lines
    assert not any(line.startswith("All models") for line in run(tmp_path / "same", metric="auc").out.splitlines())


def test_folders_on_other_data_are_refused_before_a_page_is_written(few, tmp_path, make_row):
    write_trial(tmp_path / "other", make_row(dataset_fingerprint="b"))
    with pytest.raises(ConfigError, match=r"differ in data \(criteo-kaggle 0f3a and criteo-kaggle b\)") as caught:
        pareto([few, tmp_path / "other"])
    assert exit_code(caught.value) == ExitCode.USAGE == 2
    assert not (few / "pareto.html").exists()


def test_the_folder_of_trials_itself_hints_at_its_parent(results, monkeypatch):
    with pytest.raises(NothingToReportError, match=r"trials: must be .* did you mean its parent\?"):
        pareto([results / "kaggle" / "trials"])
    monkeypatch.chdir(results / "kaggle" / "trials")
    with pytest.raises(NothingToReportError, match="did you mean its parent"):
        pareto([Path()])
