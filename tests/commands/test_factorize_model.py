"""`ttrec factorize --tables`: whole models by rank, by budget, from files, as scripts and people meet it."""

import json
import subprocess
import sys

import pytest
from rich.console import Console

from ttrec_cli.app import main
from ttrec_cli.commands.factorize_model_view import show_model
from ttrec_cli.planning import TABLE_NAMES, ModelTable, plan_tables
from ttrec_cli.planning.model_record import table_records, totals_record

KAGGLE = ("--tables", "kaggle", "--dim", "16")
TABLE_KEYS = {
    "name", "rows", "dim", "kind", "row_factors", "dim_factors", "ranks", "parameters", "bytes", "compression",
    "flops_per_lookup", "padding_fraction", "bound_parameters", "larger_than_dense", "useless_rank", "dense_bytes",
    "share_before", "share_after", "reason", "usage",
}  # fmt: skip
TOTALS_KEYS = {
    "tables", "compressed", "rows", "dense_parameters", "parameters", "dense_bytes", "bytes", "compression",
    "flops_per_lookup", "usage",
}  # fmt: skip


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


def test_json_keys_are_a_contract(result) -> None:
    found = result(*KAGGLE, "--largest", 7, "--rank", 32)
    assert set(found) == {"tables", "totals", "dtype"}
    assert set(found["totals"]) == TOTALS_KEYS
    assert [table["name"] for table in found["tables"]] == list(TABLE_NAMES)
    assert all(set(table) == TABLE_KEYS for table in found["tables"])
    assert set(result(*KAGGLE, "--max-bytes", "20MB")) == {"tables", "totals", "dtype", "rank", "budget"}
    spread = result(*KAGGLE, "--max-bytes", "20MB", "--spread")
    assert set(spread) == {"tables", "totals", "dtype", "spread", "budget"}
    assert set(spread["spread"]) == {"objective", "loss", "weights"}


def test_totals_add_up(result) -> None:
    found = result(*KAGGLE, "--max-bytes", "20MB", "--dtype", "bf16")
    tables, totals = found["tables"], found["totals"]
    for key in ("rows", "parameters", "bytes", "dense_bytes", "flops_per_lookup"):
        assert totals[key] == sum(table[key] for table in tables)
    for key, value in totals["usage"].items():
        assert value == sum(table["usage"][key] for table in tables)
    assert totals["bytes"] <= 20_000_000 < 2 * totals["bytes"]
    assert totals["compression"] == totals["dense_bytes"] / totals["bytes"]
    for key in ("share_before", "share_after"):
        assert sum(table[key] for table in tables) == pytest.approx(1)
    assert totals["compressed"] == sum(table["kind"] == "tt" for table in tables)


@pytest.mark.parametrize(
    ("name", "dim", "rank", "largest", "times_smaller"),
    [
        ("kaggle", 16, 32, 3, 4.06),
        ("kaggle", 16, 32, 5, 48.29),
        ("kaggle", 16, 32, 7, 117.36),
        ("kaggle", 16, 8, 7, 221.90),
        ("terabyte", 64, 32, 3, 2.55),
        ("terabyte", 64, 32, 5, 21.84),
        ("terabyte", 64, 32, 7, 95.50),
        ("terabyte", 64, 8, 7, 112.54),
    ],
)
def test_the_paper_by_rule_and_by_plan_file(result, tmp_path, name, dim, rank, largest, times_smaller) -> None:
    plan = tmp_path / "paper.yaml"
    asked = ("--tables", name, "--dim", dim, "--largest", largest, "--rank", rank)
    paper = result(*asked, "--rule", "entropy", "--yaml", plan)
    assert paper.pop("plan") == str(plan)
    assert round(paper["totals"]["compression"], 2) == times_smaller
    read_back = result("--tables", plan)
    assert read_back == paper
    assert result(*asked)["totals"]["compression"] > paper["totals"]["compression"]


def test_without_largest_all_tables_that_get_smaller_are_compressed(result) -> None:
    found = {table["name"]: table for table in result(*KAGGLE)["tables"]}
    assert found["C15"]["kind"] == "tt"
    assert found["C9"]["kind"] == "dense"
    assert "would be larger than dense, 48" in found["C9"]["reason"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("t.csv", "name,rows\nuser,100000\nitem,5000\n"),
        ("t.yaml", "- {name: user, rows: 100000}\n- {name: item, rows: 5000}\n"),
        ("t.yml", "user: 100000\nitem: 5000\n"),
        ("t.json", '{"user": 100000, "item": 5000}'),
        ("meta.json", '{"schema": "ttrec-click-log", "columns": ["user", "item"], "cardinalities": [100000, 5000]}'),
    ],
)
def test_files_of_tables(result, tmp_path, file, text) -> None:
    path = tmp_path / file
    path.write_text(text)
    for given in (path, *((tmp_path,) if file == "meta.json" else ())):
        found = result("--tables", given, "--dim", 8, "--rank", 4)
        assert [(table["name"], table["rows"]) for table in found["tables"]] == [("user", 100000), ("item", 5000)]


def test_a_synthetic_dataset_s_folder(result, tmp_path) -> None:
    from ttrec_cli.data import SyntheticSpec, synthesize

    synthesize(SyntheticSpec(rows=1000, table_scale=0.001), tmp_path / "toy", lambda _: None)
    found = result("--tables", tmp_path / "toy", "--dim", 16, "--rank", 2)
    assert len(found["tables"]) == 26


def test_weights_move_ranks(result, tmp_path) -> None:
    tables, weights = tmp_path / "t.csv", tmp_path / "w.csv"
    tables.write_text("name,rows\na,1000000\nb,1000000\n")
    weights.write_text("name,lookups\na,9\nb,1\n")
    asked = ("--tables", tables, "--dim", 16, "--max-bytes", "1MB", "--spread")
    even = [table["ranks"][1] for table in result(*asked)["tables"]]
    uneven = [table["ranks"][1] for table in result(*asked, "--weights", weights)["tables"]]
    assert abs(even[0] - even[1]) <= 1
    assert uneven[0] > even[0] > uneven[1]


def test_a_plan_on_stdout_is_yaml_alone(run, tmp_path) -> None:
    code, out, err = run(*KAGGLE, "--largest", 7, "--yaml", "-")
    assert (code, err) == (0, "")
    assert out.startswith("tables:\n- {name: C1, rows: 1460, dim: 16, kind: dense}\n")
    plan = tmp_path / "plan.yaml"
    plan.write_text(out)
    assert run("--tables", plan)[0] == 0


HOSTILE = "<img src=x> [red]%{x}[/red] $title"


def test_hostile_names_are_only_text(run, tmp_path) -> None:
    tables, page, plan = tmp_path / "t.csv", tmp_path / "page.html", tmp_path / "plan.yaml"
    tables.write_text(f'name,rows\n"{HOSTILE}",100000\n')
    code, out, _ = run("--tables", tables, "--dim", 8, "--rank", 4, "--html", page, "--yaml", plan)
    assert code == 0
    assert HOSTILE[:15] in out
    text = page.read_text()
    assert "<img" not in text
    assert "&lt;img src=x&gt; [red]%{x}[/red] $title" in text
    assert json.loads(run("--tables", plan, "--json")[1])["result"]["tables"][0]["name"] == HOSTILE


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("t.csv", "name,rows\nuser\x1b[2J,10\n", "printable"),
        ("t.csv", "row,name\n1,a\n", "needs a header with name,rows"),
        ("t.csv", b"\xff\xfe", "UTF-8"),
        ("t.yaml", "a: !!python/object/apply:os.system [ls]\n", "YAML tags are not read"),
        ("t.yaml", "a: &x 1\nb: *x\n", "anchors and aliases are not read"),
        ("t.yaml", "[" * 50 + "]" * 50, "nested deeper"),
        ("t.yaml", "a: [\n", "t.yaml:2:1"),
        ("t.yaml", "", "holds no tables"),
        ("t.yaml", "- 5\n", "table 1: must be {name: …, rows: …}"),
        ("t.yaml", " " * 1_000_001, "at most 1000000 bytes"),
        ("t.json", "{", "not readable as JSON"),
        ("t.json", "[" * 100_000, "not readable as JSON"),
        ("t.json", '{"a": NaN}', "rows of 'a' must be whole"),
    ],
)
def test_hostile_files_are_one_line_and_exit_2(run, tmp_path, file, text, said) -> None:
    path = tmp_path / file
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, out, err = run("--tables", path, "--dim", 16)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert said in err


def plan_text(**change):
    record = {
        "name": "C3", "rows": 1000, "dim": 16, "kind": "tt",
        "row_factors": [10, 10, 10], "dim_factors": [2, 2, 4], "ranks": [1, 4, 4, 1],
    } | change  # fmt: skip
    return json.dumps({"tables": [record]})


def test_a_plan_that_pays_for_nothing_is_flagged(run, tmp_path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(plan_text(ranks=[1, 64, 64, 1]))
    code, out, _ = run("--tables", path)
    assert code == 0
    assert out.splitlines()[-2:] == ["! C3: larger than dense.", "! C3: a rank that adds nothing to its shape."]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (plan_text(row_factors=[10, 10, 9]), "", "table 'C3': row factors 10,10,9 hold 900 rows, fewer than the 1000"),
        (plan_text(dim_factors=[2, 2, 2]), "", "must have dim 16"),
        (plan_text(ranks=[4, 4]), "", "3 cores need 4 ranks"),
        (plan_text(kind="robe"), "", "low-rank, tt+hash, but is 'robe'"),
        (plan_text(), "--rank 8", "is a table plan, where all is chosen; leave out --rank"),
        (plan_text(), "--max-bytes 1MB", "leave out --max-bytes"),
        (plan_text(), "--largest 1", "leave out --largest"),
        (plan_text(), "--rule entropy", "leave out --rule"),
        (plan_text(), "--dim 32", "is a table plan of dim 16, but --dim is 32; leave out --dim"),
    ],
)
def test_plans_that_cannot_be_are_one_line_and_exit_2(run, tmp_path, text, options, said) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    code, out, err = run("--tables", path, *options.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--tables kagle --dim 16", "did you mean kaggle?"),
        ("--tables nowhere.csv --dim 16", "nowhere.csv: cannot be read"),
        ("--tables /dev/zero --dim 16", "at most 1000000 bytes"),
        ("--tables kaggle", "--tables needs --dim"),
        ("--tables kaggle --dim 16 --max-bytes 30kB", "below the smallest possible, 38280 bytes at rank 1"),
        ("--tables kaggle --dim 16 --max-bytes 30kB --spread", "below the smallest possible, 38280 bytes"),
        ("--tables kaggle --dim 16 --largest 7 --max-bytes 1MB", "below the smallest possible"),
        ("--tables kaggle --dim 16 --largest 27", "the nearest valid value is 26"),
        ("--tables kaggle --dim 16 --spread", "--spread needs --max-bytes or --compression"),
        ("--tables kaggle --dim 16 --row-factors 2,2,2", "--row-factors needs --rows"),
        ("--tables kaggle --dim 16 --dim-factors 2,2,2", "the nearest valid ones are"),
        ("--tables kaggle --dim 16 --max-bytes 20MB --spread --weights nowhere.csv", "nowhere.csv: cannot be read"),
        ("--tables kaggle --dim 16 --max-bytes inf", "--max-bytes must be a number"),
        ("--tables kaggle --dim 16 --cores 9 --max-bytes 20MB", "the nearest valid value is 5"),
    ],
)
def test_errors_are_one_line_and_exit_2(run, arguments, said) -> None:
    code, out, err = run(*arguments.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert said in err


def shown(tables, width=80):
    plans = plan_tables([t.name for t in tables], [t.rows for t in tables], 16, 32, len(tables))
    items = show_model(table_records(plans), totals_record(plans), "all tables at rank 32")
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(items[0])
    return [line.rstrip() for line in capture.get().splitlines()], items[1:]


def test_kaggle_fits_80_columns_with_a_bar_a_table(run) -> None:
    from ttrec_cli.planning import named_tables

    lines, rest = shown(named_tables("kaggle"))
    assert len(lines) == 3 + 26
    assert not any("…" in line for line in lines)
    assert all(line[-1] in "█░▏" for line in lines[3:])
    assert any(line.startswith("C3 ") and line.endswith("░") for line in lines)
    assert rest[0].startswith("▸ 16 of 26 tables compressed, all tables at rank 32: ")


def test_of_many_tables_the_smallest_are_summed_up() -> None:
    lines, rest = shown([ModelTable(f"t{at}", 1000 + at) for at in range(100)])
    assert len(lines) == 3 + 40
    assert rest[0].startswith("60 smaller tables, together ")


@pytest.mark.parametrize(("spread", "imported"), [([], []), (["--spread"], ["numpy"])])
def test_nothing_heavy_is_imported_and_numpy_to_spread_only(tmp_path, spread, imported) -> None:
    script = (
        "import sys; from ttrec_cli.app import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = ('torch', 'numpy', 'pandas', 'cupy', 'numba', 'plotly.graph_objs')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    arguments = ["factorize", *KAGGLE, "--max-bytes", "20MB", *spread, "--html", tmp_path / "p.html", "--yaml", "-"]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == str(imported), done.stderr
