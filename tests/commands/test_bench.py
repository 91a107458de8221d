"""`ttrec bench`: the names scripts rely on, the Parquet file, and errors as one line with exit code 2."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ttrec_cli.app import main

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
