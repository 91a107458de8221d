"""`ttrec factorize` the other way round, for one table: from bytes to ranks, and what a plan costs to use."""

import json

import pytest

from ttrec_cli.app import main

LARGEST = ("--rows", "10131227", "--dim", "16")
PLAIN_KEYS = {"rows", "dim", "cores", "rule", "max_skew", "candidates", "recommended"}


@pytest.fixture
def run(capsys):
    def run_command(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["factorize", *map(str, arguments)])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return run_command


@pytest.fixture
def result(run):
    def json_result(*arguments):
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)["result"]

    return json_result


def test_a_budget_adds_keys_and_changes_none(result) -> None:
    found = result(*LARGEST, "--max-bytes", "2.05MB")
    assert set(found) == PLAIN_KEYS | {"dtype", "usage", "budget", "uneven"}
    assert found["budget"] == {"max_bytes": 2_050_000, "smallest_bytes": 6616, "fits_uncompressed": False}
    assert found["recommended"]["ranks"] == [1, 49, 49, 1]
    assert found["uneven"]["ranks"] == [1, 50, 49, 1]
    assert set(found["uneven"]) == set(found["recommended"])
    assert found["uneven"] in found["candidates"]
    assert found["usage"]["state_bytes_adagrad"] == found["uneven"]["bytes"] == 2_018_816
    assert [each["slices"] for each in found["usage"]["slices"]] == found["uneven"]["row_factors"]


def test_uneven_is_null_where_nothing_is_left(result) -> None:
    assert result(*LARGEST, "--max-bytes", "2MB")["uneven"] is None


def test_a_compression_is_reached(result) -> None:
    found = result(*LARGEST, "--compression", "100")
    assert found["recommended"]["compression"] >= 100
    assert found["budget"]["max_bytes"] == 10131227 * 64 // 100


@pytest.mark.parametrize(("dtype", "item_bytes"), [("fp32", 4), ("fp16", 2), ("bf16", 2)])
def test_dtype_counts_bytes(result, dtype, item_bytes) -> None:
    found = result(*LARGEST, "--dtype", dtype)
    assert found["recommended"]["bytes"] == 233344 * item_bytes
    assert found["recommended"]["compression"] == 10131227 * 16 / 233344
    assert ("usage" in found) == (dtype != "fp32")


def test_what_a_person_reads(run) -> None:
    code, out, err = run(*LARGEST, "--max-bytes", "2.05MB")
    assert (code, err) == (0, "")
    assert "Rank 49 is the largest on all bonds within 2,050,000 bytes; it uses 1,982,344, 96.7 %." in out
    assert "Ranks 50,49 with 246,166,249 × 4,1,4 lower none and use more of it: 2,018,816 bytes, 98.5 %." in out
    assert "Core 2: 166 slices, each for 61,005 to 61,254 rows after 246 prefixes at most; 40,688 products" in out
    assert "The budget holds the table uncompressed." in run("--rows", 5000, "--dim", 16, "--max-bytes", "1GB")[1]


def test_a_plan_of_one_table(run, tmp_path) -> None:
    path = tmp_path / "plan.yaml"
    code, out, _ = run(*LARGEST, "--rank", "24,12", "--yaml", path)
    assert code == 0
    assert out.splitlines()[-1] == f"Plan: {path}"
    line = path.read_text().splitlines()[1]
    assert line.startswith("- {name: table, rows: 10131227, dim: 16, kind: tt, ")
    assert line.endswith("ranks: [1, 24, 12, 1]}")
    code, out, _ = run(*LARGEST, "--rank", "24,12", "--yaml", "-")
    assert out == path.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--rows 10131227 --dim 16 --max-bytes 5kB", "below the smallest possible, 6616 bytes at rank 1"),
        ("--rows 10131227 --dim 16 --compression 1e6", "below the smallest possible, 6616 bytes"),
        ("--rows 10131227 --dim 16 --max-bytes -2MB", "--max-bytes must be above 0"),
        ("--rows 10131227 --dim 16 --max-bytes nan", "--max-bytes must be a number"),
        ("--rows 10131227 --dim 16 --max-bytes 2XB", "kB, MB, GB"),
        ("--rows 10131227 --dim 16 --compression 0.5", "the nearest valid value is 1"),
        ("--rows 10131227 --dim 16 --compression -3", "above 0"),
        ("--rows 10131227 --dim 16 --max-bytes 2MB --compression 9", "both a budget; leave one out"),
        ("--rows 10131227 --dim 16 --max-bytes 2MB --rank 8", "leave out --rank or it"),
        ("--rows 10131227 --dim 16 --largest 3", "--largest needs --tables"),
        ("--rows 10131227 --dim 16 --max-bytes 2MB --spread", "--spread needs --tables"),
        ("--rows 10131227 --dim 16 --weights w.csv", "--weights needs --spread"),
        ("--rows 10131227 --dim 16 --tables kaggle", "give one of the two"),
        ("--dim 16", "give one of the two"),
        ("--rows 10131227 --dim 16 --dtype int8", "'bf16'"),
        ("--rows 10131227 --dim 16 --yaml - --json", "give --yaml a file"),
        ("--rows 10131227 --dim 16 --yaml /dev/null/x.yaml", "cannot be written"),
        ("--rows 0 --dim 16 --max-bytes 2MB", "the nearest valid value is 1"),
        ("--rows 2 --dim 1 --html page.html", "none is smaller than its table"),
    ],
)
def test_errors_are_one_line_and_exit_2(run, arguments, said) -> None:
    code, out, err = run(*arguments.split())
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith("ttrec: ")
    assert said in err
    assert out == "" or "--json" in arguments
