"""`ttrec data`: what it prints, the keys of its JSON, and errors as one line with exit code 2."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttrec_cli.app import main
from ttrec_cli.data import open_click_log

LINE = "\t".join(["{label}", *["{row}"] * 13, *["{row:08x}"] * 26])
FACTS = {"path", "name", "synthetic", "rows", "splits", "cardinalities", "click_rate", "fingerprint"}


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def raw_log(tmp_path: Path) -> Path:
    path = tmp_path / "train.txt"
    path.write_text("".join(LINE.format(label=row % 2, row=row % 5) + "\n" for row in range(40)))
    return path


def read_json(capsys: pytest.CaptureFixture[str], command: str) -> Any:
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"ttrec", "command", "result"}
    assert answer["command"] == command
    return answer["result"]


def test_prepare_then_describe(raw_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("data", "prepare", "criteo-kaggle", raw_log, "--out", out, "--json") == 0
    result = read_json(capsys, "data prepare")
    assert set(result) == FACTS | {"skipped_lines"}
    assert result["splits"] == {"train": 35, "test": 3, "validation": 2}
    assert (result["name"], result["synthetic"], result["rows"], result["skipped_lines"]) == (
        "criteo-kaggle", False, 40, 0,
    )  # fmt: skip
    assert result["cardinalities"]["C26"] == 5
    assert run("data", "describe", out, "--json") == 0
    result = read_json(capsys, "data describe")
    assert set(result) == FACTS | {"columns", "dim"}
    assert result["columns"][0] == {
        "name": "C1", "cardinality": 5, "missing_fraction": 0.2, "top1_share": 0.2, "top10_share": 0.8,
        "top100_share": 0.8, "tail_exponent": None, "unseen_last_day": 0.0, "embedding_bytes": 5 * 16 * 4,
    }  # fmt: skip
    assert run("data", "describe", out) == 0
    shown = capsys.readouterr().out
    assert "C26" in shown
    assert "synthetic" not in shown


def test_synthetic_data_is_called_so_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("data", "synthesize", "--like", "kaggle", "--rows", "100", "--table-scale", "0.001", "--seed", "3")
    assert run(*arguments, "--out", tmp_path / "log") == 0
    assert "synthetic (made up" in capsys.readouterr().out
    assert run(*arguments, "--out", tmp_path / "log", "--json") == 0
    result = read_json(capsys, "data synthesize")
    assert set(result) == FACTS
    assert result["synthetic"] is True
    assert run("data", "describe", tmp_path / "log") == 0
    assert "synthetic-kaggle (synthetic)" in capsys.readouterr().out


def test_skipped_lines_are_said_on_stderr(raw_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw_log.write_text(raw_log.read_text() + "broken\n")
    arguments = ("data", "prepare", "criteo-kaggle", raw_log, "--out", tmp_path / "out")
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert f"{raw_log}:41: a line must have 40 fields" in error
    assert not (tmp_path / "out").exists()
    assert run(*arguments, "--skip-bad-lines", "--json") == 0
    said = capsys.readouterr()
    assert "left out 1 malformed lines of 41" in said.err
    assert json.loads(said.out)["result"]["skipped_lines"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prepare", "criteo-kaggle", "none.txt", "--out", "o"), "none.txt: cannot be read: No such file"),
        (("prepare", "avazu", "none.txt", "--out", "o"), "'avazu' is not"),
        (("prepare", "auto", "none.txt", "--out", "o"), "none.txt: cannot be read"),
        (("prepare", "none.yaml", "none.txt", "--out", "o"), "none.yaml: cannot be read"),
        (("prepare", "auto", ".", "--out", "o"), "must hold at least two days, named day_0, day_1"),
        (("synthesize", "--rows", "5", "--raw", "--out", "o"), "rows must be at least 14"),
        (("prepare", "criteo-kaggle", "none.txt"), "--out"),
        (("describe", "nowhere"), "nowhere: there is no such folder; make one with: ttrec data prepare"),
        (("synthesize", "--rows", "5", "--out", "o"), "rows must be at least 14"),
        (("synthesize", "--rows", "50", "--table-scale", "7", "--out", "o"), "table_scale must be above 0"),
    ],
)
def test_errors_are_one_line_and_exit_2(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("data", *arguments) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_raw_rows_go_the_whole_way_in_and_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("data", "synthesize", "--rows", "400", "--table-scale", "0.001", "--seed", "3")
    assert run(*arguments, "--raw", "--out", tmp_path / "train.txt") == 0
    assert "400 synthetic rows (made up, not real clicks)" in capsys.readouterr().out
    assert run(*arguments, "--raw", "--out", tmp_path / "train.txt") == 2
    assert "exists; choose another --out" in capsys.readouterr().err
    assert run("data", "prepare", "auto", tmp_path / "train.txt", "--out", tmp_path / "log", "--order", "time") == 0
    assert "is taken for criteo-kaggle: 40 fields separated by TABs" in capsys.readouterr().err
    assert run(*arguments, "--out", tmp_path / "direct") == 0
    raw, direct = open_click_log(tmp_path / "log"), open_click_log(tmp_path / "direct")
    assert raw.label.tolist() == direct.label.tolist()
    assert raw.dense.tolist() == direct.dense.tolist()
    for column in range(26):  # the same values by other ids
        pairs = set(zip(raw.sparse[:, column].tolist(), direct.sparse[:, column].tolist(), strict=True))
        assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    capsys.readouterr()
    page = tmp_path / "page.html"
    assert run("data", "describe", tmp_path / "log", "--settling", "--html", page, "--json") == 0
    result = read_json(capsys, "data describe")
    assert result["report"] == str(page)
    largest = sorted(raw.columns, key=lambda name: -raw.cardinalities[raw.columns.index(name)])[:3]
    assert [column["name"] for column in result["settling"]] == largest
    text = page.read_text()
    assert "order of time" in text
    assert 'src="http' not in text


def test_a_file_is_not_described_before_it_is_prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clicks.parquet"
    pq.write_table(pa.table({"clicked": [0, 1]}), path)
    assert run("data", "describe", path) == 2
    assert f"{path}: is a file, but must be the folder of a prepared dataset; " in capsys.readouterr().err


def test_bad_lines_of_a_csv_log_are_counted_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("user,clicked\n" + "u,True\nv,False\n" * 20 + "u,maybe\nu\n")
    (tmp_path / "a.yaml").write_text("label: clicked\ncategorical: [user]\n")
    arguments = ("data", "prepare", tmp_path / "a.yaml", tmp_path / "a.csv", "--out", tmp_path / "out")
    assert run(*arguments) == 2
    assert f"{tmp_path / 'a.csv'}:42: clicked must be 0 or 1, is 'maybe'; " in capsys.readouterr().err
    assert run(*arguments, "--skip-bad-lines") == 0
    assert "left out 2 malformed lines of 42" in capsys.readouterr().err


def test_a_log_of_ones_own_is_prepared_swept_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = 600
    table = {
        "user": [10**15 + row % 50 for row in range(rows)],
        "item": [f"sku-{row % 37}" for row in range(rows)],
        "hour": [row % 24 for row in range(rows)],
        "history": [list(range(row % 5)) for row in range(rows)],
        "price": [row / 7 for row in range(rows)],
        "clicked": [row % 3 == 0 for row in range(rows)],
    }
    pq.write_table(pa.table(table), tmp_path / "shop.parquet")
    (tmp_path / "shop.yaml").write_text(
        "name: shop\nlabel: clicked\ndense: [price]\ncategorical: [user, item, hour, history]\n"
    )
    assert run("data", "prepare", tmp_path / "shop.yaml", tmp_path / "shop.parquet", "--out", tmp_path / "log") == 0
    (tmp_path / "sweep.yaml").write_text(
        f"version: 1\nname: shop\ndata: {{format: prepared, path: {tmp_path / 'log'}}}\n"
        "model: {bottom_mlp: [4], top_mlp: [4]}\ntrain: {samples: 64, batch_size: 32, evaluations: 1}\n"
        "grid: {rank: [1], tables: [1], dim: [4]}\n"
    )
    capsys.readouterr()
    assert run("sweep", tmp_path / "sweep.yaml", "--out", tmp_path / "results", "--json") == 0
    assert json.loads(capsys.readouterr().out)["result"]["trials"]["ok"] == 2
    assert run("pareto", tmp_path / "results", "--json") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert {point["method"] for point in result["points"]} == {"dense", "tt"}
    assert "shop" in Path(result["report"]).read_text()


def test_a_dataset_is_the_model_of_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ",".join(["2", *["1"] * 25])
    arguments = ("data", "synthesize", "--rows", "300", "--table-scale", "0.001", "--drift", "0.1")
    assert run(*arguments, "--multi-hot", sizes, "--out", tmp_path / "log") == 0
    capsys.readouterr()
    assert (
        run("data", "synthesize", "--like", tmp_path / "log", "--rows", "200", "--out", tmp_path / "copy", "--json")
        == 0
    )
    result = read_json(capsys, "data synthesize")
    assert (result["name"], result["synthetic"], result["rows"]) == ("synthetic-kaggle", True, 200)
    assert open_click_log(tmp_path / "copy").bag_widths == (2, *[0] * 25)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--like", "nowhere"), "--like must be kaggle, terabyte or the folder of a dataset, is 'nowhere'"),
        (("--like", "."), "holds no whole dataset (meta.json is missing)"),
        (("--multi-hot", "many"), "--multi-hot must be mlperf or sizes such as 3,1,20, is 'many'"),
        (("--multi-hot", "3,1"), "multi-hot must be 26 sizes, one a column, but is 2"),
        (("--drift", "2"), "drift must be from 0 to 1, is 2.0"),
        (("--multi-hot", "mlperf", "--raw"), "--raw writes Criteo's layout"),
    ],
)
def test_what_cannot_be_synthesized_is_one_line(
    options: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("data", "synthesize", "--rows", "100", *options, "--out", "o") == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
