"""`ttrec bench`: the names scripts rely on, the Parquet file, and errors as one line with exit code 2."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ttrec_cli.app import main
from ttrec_cli.commands import bench_options

SMALL = ("--rows", "1000", "--dim", "8", "--rank", "4", "--batch", "16", "--seconds", "0.01", "--device", "cpu")
CASE = {
    "name", "phase", "median_ms", "p20_ms", "p80_ms", "p99_ms", "samples", "flops", "bytes", "gflops",
    "gigabytes_per_second", "compute_share", "memory_share", "weight_bytes", "workspace_bytes", "peak_bytes",
}  # fmt: skip


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["bench", *(str(argument) for argument in arguments)])
    return int(ended.value.code or 0)


def read_json(capsys: pytest.CaptureFixture[str], command: str) -> Any:
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"ttrec", "command", "result"}
    assert answer["command"] == command
    return answer["result"]


def test_lookup(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "bench.parquet"
    factors = ("--row-factors", "10,10,10", "--dim-factors", "2,2,2")
    assert run("lookup", *SMALL, *factors, "--pooling", "3", "--zipf", "1.1", "--parquet", file, "--json") == 0
    result = read_json(capsys, "bench lookup")
    assert set(result) == {
        "rows", "dim", "row_factors", "dim_factors", "ranks", "batch", "pooling", "zipf", "seed",
        "cases", "ceilings", "machine", "parquet",
    }  # fmt: skip
    assert (result["row_factors"], result["dim_factors"], result["ranks"]) == ([10, 10, 10], [2, 2, 2], [1, 4, 4, 1])
    found = {(case["name"], case["phase"]) for case in result["cases"]}
    phases = ("forward", "train", "infer")
    three = {(name, phase) for name in ("tt", "tt-reference", "embedding-bag") for phase in phases}
    assert found == three | {("reconstruct", "forward")}
    for case in result["cases"]:
        assert set(case) == CASE
        assert 0 < case["p20_ms"] <= case["median_ms"] <= case["p80_ms"] <= case["p99_ms"]
        assert case["samples"] >= 7
    assert result["ceilings"]["gflops"] > 0.1
    assert result["machine"]["device"] == "cpu"
    table = pd.read_parquet(file)
    assert len(table) == 10
    assert CASE | {"rows", "ranks", "ceiling_gflops", "git_commit", "cpu", "threads"} <= set(table.columns)


def test_lookup_shows_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lookup", *SMALL, "--cases", "tt, embedding-bag") == 0
    shown = capsys.readouterr().out
    assert "embedding-bag" in shown
    assert "reconstruct" not in shown
    assert "GFLOP/s in a large fp32 product" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--zipf", "0"), "--zipf must lie above 0"),
        (("--row-factors", "10,x"), "--row-factors takes whole numbers"),
        (("--row-factors", "9,10,10"), "hold 900 rows, fewer than the 1000"),
        (("--cases", "tt,magic"), "--cases knows tt, tt-reference"),
        (("--backend", "abacus"), "backend must be one of"),
    ],
)
def test_mistakes_are_one_line(arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lookup", *SMALL, *arguments) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said


def test_init(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "init.html"
    asked = ("--rows", "5000", "--dim", "8", "--rank", "16")
    assert run("init", *asked, "--html", page, "--json") == 0
    result = read_json(capsys, "bench init")
    assert set(result) == {
        "rows", "dim", "row_factors", "dim_factors", "ranks", "seed", "target_rms", "cases", "table1", "report",
    }  # fmt: skip
    scales = {(case["scale"], case["distribution"]) for case in result["cases"]}
    drawn = ("uniform", "gaussian", "sampled-gaussian")
    assert scales == {(scale, name) for scale in ("calibrated", "paper") for name in drawn} | {
        ("uncompressed", "Uniform(±1/√n)"), ("uncompressed", "N(0, 1/3n)"),
    }  # fmt: skip
    for case in result["cases"]:
        assert set(case) == {
            "distribution", "scale", "rank", "rms", "kurtosis", "kl_to_normal", "kl_to_uniform", "kl_from_uniform",
            "beyond_uniform", "near_zero",
        }  # fmt: skip
        times = case["rms"] / result["target_rms"]
        assert times > 5 if case["scale"] == "paper" else times == pytest.approx(1, rel=0.02)
    assert set(result["table1"][0]) == {"distribution", "variance", "kl", "printed", "erratum"}
    text = page.read_text()
    assert "Table 1 of the paper" in text
    assert "entries-figure" in text
    assert "http://" not in text.split("<script>")[0]
    assert run("init", *asked) == 0
    assert "what is wrong there" in capsys.readouterr().out


def test_a_page_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("init", "--rows", "50", "--dim", "4", "--rank", "2", "--html", tmp_path) == 2
    assert "the page must be written there" in capsys.readouterr().err


def test_cache(capsys: pytest.CaptureFixture[str]) -> None:
    asked = (*SMALL, "--pooling", "4", "--rows-fraction", "0.01", "--hit-rates", "0,0.9")
    assert run("cache", *asked, "--json") == 0
    result = read_json(capsys, "bench cache")
    assert set(result) == {
        "rows", "dim", "row_factors", "dim_factors", "ranks", "batch", "pooling", "rows_fraction", "cached_rows",
        "seed", "cases", "ceilings", "machine",
    }  # fmt: skip
    assert result["cached_rows"] == 10
    found = [(case["name"], case["phase"], case["hit_rate"]) for case in result["cases"]]
    assert found == [(name, "train", rate) for rate in (0.0, 0.9) for name in ("tt-cache", "embedding-bag")]
    assert all(set(case) == CASE | {"hit_rate"} for case in result["cases"])
    assert run("cache", *SMALL, "--hit-rates", "0,many") == 2
    assert "--hit-rates takes numbers" in capsys.readouterr().err


def test_step(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tables, file = tmp_path / "tables.csv", tmp_path / "step.parquet"
    tables.write_text("name,rows\nfirst,40\nlarge,5000\nlarger,9000\n")
    asked = ("--tables", tables, "--dim", "4", "--rank", "2,3", "--largest", "0,1,2", "--seconds", "0.01")
    assert run("step", *asked, "--batch", "4,8", "--device", "cpu", "--parquet", file, "--json") == 0
    result = read_json(capsys, "bench step")
    assert set(result) == {
        "tables", "rows", "dim", "zipf", "seed", "bottom_mlp", "top_mlp", "precision", "data", "cases", "ceilings",
        "machine", "parquet",
    }  # fmt: skip
    assert (result["tables"], result["rows"], result["data"]) == (3, 14040, "synthetic")
    trains = [("tt", largest, rank) for rank in (2, 3) for largest in (1, 2)]
    expected = [("dense", 0, None), *trains, ("plain", 0, None), ("mlp", None, None)]
    found = [(case["batch"], case["name"], case["largest"], case["rank"]) for case in result["cases"]]
    assert found == [(batch, *case) for batch in (4, 8) for case in expected]
    parts = {f"{part}_ms" for part in ("data", "lookups", "mlps", "interaction", "loss", "backward", "optimizer")}
    ratios = {"over_dense", "over_mlp", "over_plain"}
    own = {"batch", "largest", "rank", "samples_per_second", "floor_ms", "floor_share"}
    for case in result["cases"]:
        assert set(case) == CASE | parts | ratios | own
        assert case["phase"] == "step"
        assert case["samples_per_second"] == pytest.approx(1000 * case["batch"] / case["median_ms"])
        assert case["floor_share"] == pytest.approx(max(case["compute_share"], case["memory_share"]))
        assert case["over_dense"] == pytest.approx(
            case["median_ms"] / next(c["median_ms"] for c in result["cases"] if c["batch"] == case["batch"])
        )
        if case["name"] == "mlp":
            assert case["lookups_ms"] is case["interaction_ms"] is case["loss_ms"] is None
        else:  # our SGD is taken within the backward pass
            ours = {"optimizer_ms"} if case["name"] in ("dense", "tt") else set()
            assert all(case[part] is None for part in ours)
            assert all(case[part] > 0 for part in parts - ours)
    table = pd.read_parquet(file)
    assert len(table) == 14
    assert CASE | parts | ratios | own | {"ceiling_gflops", "git_commit", "cpu", "threads"} <= set(table.columns)


def test_step_shows_tables_and_refuses_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tables = tmp_path / "tables.csv"
    tables.write_text("name,rows\nlarge,5000\n")
    asked = ("step", "--tables", tables, "--dim", "4", "--batch", "4", "--seconds", "0.01", "--device", "cpu")
    assert run(*asked, "--largest", "0,1", "--rank", "2", "--cases", "dense, tt") == 0
    shown = capsys.readouterr().out
    assert "× dense" in shown
    assert "interaction" in shown
    for wrong, message in (
        (("--cases", "tt,magic"), "--cases knows dense, tt, plain, mlp"),
        (("--largest", "2"), "must lie in 0 … 1"),
        (("--batch", "0"), "--batch takes numbers of at least 1"),
        (("--rank", "x"), "--rank takes whole numbers"),
        (("--precision", "tf32"), "tf32 is a mode of GPUs"),
        (("--tables", "terabyte-40m", "--dim", "65536"), "uncompressed, but this machine has"),
        (("--tables", "kagle"), "did you mean kaggle?"),
    ):
        assert run(*asked, *wrong) == 2
        said = capsys.readouterr().err.strip()
        assert message in said
        assert "\n" not in said


def test_interrupted_it_claims_to_keep_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        assert run("lookup", *SMALL, "--cases", "embedding-bag", "--seconds", "60") == 130
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert capsys.readouterr().err == "ttrec: interrupted; nothing is kept\n"


def test_what_seems_to_hang_says_why(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_options, "HINT_SECONDS", 0.01)
    with bench_options.progress() as on_turn:
        time.sleep(0.2)
        on_turn(1)
    assert capsys.readouterr().err.startswith("getting ready; compiling kernels, once per installation")
    with bench_options.progress() as on_turn:
        on_turn(1)
        time.sleep(0.1)
    assert capsys.readouterr().err == ""
