"""`ttrec factorize` as scripts and people meet it."""

import json

import pytest
from rich.console import Console

from ttrec_cli.app import main
from ttrec_cli.commands.factorize_view import show_candidates
from ttrec_cli.planning import ShapeSettings, list_candidates

LARGEST = ("--rows", "10131227", "--dim", "16")
CANDIDATE_KEYS = {
    "row_factors",
    "dim_factors",
    "ranks",
    "parameters",
    "bytes",
    "compression",
    "flops_per_lookup",
    "padding_fraction",
    "bound_parameters",
    "larger_than_dense",
    "useless_rank",
}


@pytest.fixture
def run(capsys):
    def run_command(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["factorize", *arguments])
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


def test_json_keys_are_a_contract(run) -> None:
    _, out, _ = run(*LARGEST, "--json")
    whole = json.loads(out)
    assert set(whole) == {"ttrec", "command", "result"}
    assert whole["command"] == "factorize"
    assert set(whole["result"]) == {"rows", "dim", "cores", "rule", "max_skew", "candidates", "recommended"}
    assert all(set(candidate) == CANDIDATE_KEYS for candidate in whole["result"]["candidates"])
    assert whole["result"]["recommended"] in whole["result"]["candidates"]


def test_the_largest_kaggle_table(result) -> None:
    found = result(*LARGEST)
    assert [candidate["ranks"][1] for candidate in found["candidates"]] == [8, 16, 32, 64]
    assert found["recommended"]["parameters"] == 233344
    assert (found["rows"], found["dim"], found["cores"], found["max_skew"]) == (10131227, 16, 3, 1.5)
    unlimited = result(*LARGEST, "--max-skew", "inf")
    assert unlimited["recommended"]["parameters"] == 166208
    assert unlimited["max_skew"] is None


def test_the_papers_rule(result) -> None:
    found = result(*LARGEST, "--rule", "entropy")
    assert found["rule"] == "entropy"
    assert found["max_skew"] is None
    assert found["recommended"]["row_factors"] == [200, 220, 250]
    assert [candidate["parameters"] for candidate in found["candidates"]] == [39360, 135040, 495360, 1891840]


def test_a_rank_asked_for_is_recommended(result) -> None:
    found = result(*LARGEST, "--rank", "24,12")
    assert found["recommended"]["ranks"] == [1, 24, 12, 1]
    assert len(found["candidates"]) == 5


def test_fixed_halves(result) -> None:
    rows_fixed = result("--rows", "1000", "--dim", "16", "--row-factors", "40, 25")
    assert (rows_fixed["cores"], rows_fixed["max_skew"]) == (2, None)
    assert rows_fixed["recommended"]["row_factors"] == [40, 25]
    dim_fixed = result(*LARGEST, "--dim-factors", "2,2,4")
    assert dim_fixed["recommended"]["parameters"] == 387392
    both = result("--rows", "1000", "--dim", "16", "--row-factors", "10,10,10", "--dim-factors", "2,2,4")
    assert both["recommended"]["padding_fraction"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--rows 0 --dim 16", "the nearest valid value is 1"),
        ("--rows -7 --dim 16", "the nearest valid value is 1"),
        ("--rows 99999999999999999999999 --dim 16", "the nearest valid value is 1000000000000"),
        ("--rows ten --dim 16", "--rows"),
        ("--rows 10", "--dim"),
        ("--rows 10 --dim 70000", "the nearest valid value is 65536"),
        ("--rows 1000 --dim 16 --row-factors 10,10,9", "raising 9 to 10 is enough: 10,10,10"),
        ("--rows 1000 --dim 16 --row-factors 10,,10", "whole numbers with commas between"),
        ("--rows 1000 --dim 16 --dim-factors 2,2,5", "the nearest valid ones are 2,2,4"),
        ("--rows 1000 --dim 16 --dim-factors 2;2;4", "--dim-factors"),
        ("--rows 1000 --dim 16 --rank -8", "the nearest valid value is 1"),
        ("--rows 1000 --dim 16 --rank 8,16,32,64", "the nearest valid ranks are 8,16"),
        ("--rows 1000 --dim 16 --rank eight", "--rank"),
        ("--rows 1000 --dim 16 --cores 9", "the nearest valid value is 5"),
        ("--rows 1000 --dim 16 --cores 3 --row-factors 40,40", "3 cores need 3 row factors"),
        ("--rows 1000 --dim 16 --row-factors 9000000000,9000000000", "2^62"),
        ("--rows 1000 --dim 16 --max-skew 0.9", "the nearest valid value is 1"),
        ("--rows 1000 --dim 16 --max-skew nan", "the nearest valid value is 1"),
        ("--rows 1000 --dim 16 --rule entropy --max-skew 2", "leave one out"),
        ("--rows 1000 --dim 16 --rule entropy --row-factors 10,10,10", "leave out the row factors"),
        ("--rows 1000 --dim 16 --rule evenness", "'entropy'"),
    ],
)
def test_errors_are_one_line_and_exit_2(run, arguments, said) -> None:
    code, out, err = run(*arguments.split())
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("ttrec: ")
    assert said in err


def lines(width, candidates):
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(show_candidates(candidates)[0])
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    "settings", [ShapeSettings(), ShapeSettings(max_skew=float("inf")), ShapeSettings(rule="entropy")]
)
def test_the_table_of_three_cores_is_unfolded_at_80_columns(settings) -> None:
    shown = lines(80, list_candidates(10131227, 16, settings=settings))
    assert len(shown) == 1 + 2 + 1 + 4  # title, headings, rule, candidates
    assert not any("…" in line for line in shown)
    assert all(line.endswith(" %") for line in shown[4:])


@pytest.mark.parametrize("cores", [2, 4, 5])
def test_no_table_is_folded_at_100_columns(cores) -> None:
    for rows, dim in ((39884406, 128), (1000, 16)):
        shown = lines(100, list_candidates(rows, dim, settings=ShapeSettings(cores=cores)))
        assert len(shown) == 8, "\n".join(shown)
        assert not any("…" in line for line in shown)


def test_the_recommended_line_is_marked_without_colour() -> None:
    shown = lines(80, list_candidates(10131227, 16))
    assert [line.split()[:2] for line in shown if "▸" in line] == [["▸", "32"]]


def test_the_sentence_compares_sizes_at_equal_rank_only() -> None:
    for settings in (ShapeSettings(), ShapeSettings(rule="entropy")):
        _, sentence = show_candidates(list_candidates(10131227, 16, settings=settings))
        assert isinstance(sentence, str)
        assert "2.12× smaller at equal rank" in sentence
        assert "better" not in sentence


def test_flags_are_said_below_the_table() -> None:
    _, sentence, *flags = show_candidates(list_candidates(1000, 16, 64))
    assert "2.42× larger" in str(sentence)
    assert flags == [
        "! Rank 64: larger than dense, 38,656 parameters instead of 16,000; "
        "useless rank, this shape can use at most 44,48."
    ]
    marked = [line for line in lines(80, list_candidates(1000, 16, 64)) if "!" in line]
    assert [line.split()[:3] for line in marked] == [["▸", "!", "64"]]


def test_what_a_person_sees(run) -> None:
    code, out, err = run(*LARGEST)
    assert (code, err) == (0, "")
    assert "10,131,227 rows × 16: 648 MB uncompressed" in out
    assert out.splitlines()[-1].startswith("▸ Rank 32 with 246,166,249 × 4,1,4 takes 933 kB instead of 648 MB: 695×")
