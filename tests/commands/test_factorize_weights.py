"""`ttrec factorize --weights`: a trained table to cores, errors by rank, files that are not what they should be."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ttrec_cli.app import main
from ttrec_kernels import load_cores, table_errors

ROWS, DIM = 3000, 8
TABLE = torch.randn(ROWS, DIM, generator=torch.Generator().manual_seed(0)) / (1 + torch.arange(ROWS)).sqrt()[:, None]


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run `ttrec factorize --weights …` in a folder with the table in every form."""
    monkeypatch.chdir(tmp_path)
    np.save("table.npy", TABLE.numpy())
    save_file({"user": TABLE, "item": TABLE[:50].clone(), "bias": torch.ones(3)}, "tables.safetensors")
    torch.save({"state_dict": {"user.weight": TABLE, "step": torch.tensor(3)}}, "model.pt")

    def go(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["factorize", "--weights", *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return go


def result(done: tuple[int, str, str]) -> dict:
    assert done[0] == 0, done[2]
    return json.loads(done[1])["result"]


@pytest.mark.parametrize("place", ["table.npy", "tables.safetensors:user", "model.pt", "model.pt:user.weight"])
def test_every_form_gives_the_same_errors_by_rank(run, place) -> None:
    found = result(run(place, "--rank", "8", "--json", "--out", "cores.safetensors"))
    assert (found["rows"], found["dim"], found["dense_bytes"]) == (ROWS, DIM, ROWS * DIM * 4)
    errors = [row["relative_error"] for row in found["ranks"]]
    assert len(errors) == 5
    assert errors == sorted(errors, reverse=True)
    chosen = found["chosen"]
    assert chosen["ranks"] == [1, 8, 8, 1]
    cores, shape = load_cores(found["out"])
    assert shape.ranks == (1, 8, 8, 1)
    assert table_errors(cores, TABLE).plain <= chosen["relative_error"] == pytest.approx(errors[1])


def test_a_tolerance_and_a_budget_choose_the_ranks(run) -> None:
    found = result(run("table.npy", "--tolerance", "0.5", "--json"))
    assert found["chosen"]["relative_error"] <= 0.5 + 1e-5
    found = result(run("table.npy", "--max-bytes", "8kB", "--json"))
    assert 6000 < found["chosen"]["bytes"] <= 8000


def test_keys_are_pinned(run) -> None:
    found = result(run("table.npy", "--json"))
    assert set(found) == {
        "weights", "rows", "dim", "dense_bytes", "chosen", "ranks", "importance", "refined", "out", "factors"
    }  # fmt: skip
    assert set(found["chosen"]) == {
        "row_factors", "dim_factors", "ranks", "parameters", "bytes", "compression", "relative_error", "weighted_error"
    }  # fmt: skip


def test_people_get_a_table_and_a_sentence(run) -> None:
    code, out, _ = run("table.npy", "--rank", "16")
    assert code == 0
    assert "3,000 rows × 8: 96.0 kB trained" in out
    assert "▸ 16" in out
    assert "miss at most" in out


def test_importance_comes_from_a_datasets_look_ups(run, tmp_path, capsys) -> None:
    synthesize = ["data", "synthesize", "--like", "kaggle", "--rows", "7000", "--table-scale", "0.0003", "--out", "toy"]
    with pytest.raises(SystemExit):
        main(synthesize)
    capsys.readouterr()
    meta = json.loads((tmp_path / "toy" / "meta.json").read_text())
    rows = max(meta["cardinalities"])
    column = meta["columns"][meta["cardinalities"].index(rows)]
    np.save("largest.npy", np.random.default_rng(0).standard_normal((rows, 4)).astype(np.float32))
    found = result(run("largest.npy", "--rank", "4", "--importance", f"toy:{column}", "--json"))
    assert found["importance"]
    assert found["refined"]["weighted_error"] <= found["chosen"]["weighted_error"] < found["chosen"]["relative_error"]
    code, out, _ = run("largest.npy", "--rank", "4", "--importance", f"toy:{column}")
    assert "weighted error" in out
    for place, said in (
        ("toy:C99", "has no column 'C99'"),
        ("toy", "takes a prepared dataset and a column"),
        (f"toy:{meta['columns'][0]}", f"but the table {rows} rows"),
    ):
        code, _, err = run("largest.npy", "--importance", place)
        assert code == 2
        assert said in err


class Evil:
    """Runs something when it is unpickled."""

    def __reduce__(self):
        return (open, ("pwned", "w"))


def test_hostile_files_are_one_line_and_run_nothing(run, tmp_path) -> None:
    (tmp_path / "evil.npy").write_bytes(pickle.dumps(Evil()))
    np.save("objects.npy", np.array([[Evil()]], dtype=object), allow_pickle=True)
    torch.save({"w": Evil()}, "evil.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "short.npy").write_bytes((tmp_path / "table.npy").read_bytes()[:-100])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "empty.npy").write_bytes(b"")
    np.save("whole.npy", np.ones((3, 4), dtype=np.int64))
    np.save("cube.npy", np.ones((3, 4, 5)))
    for name in ("evil.npy", "objects.npy", "evil.pt", "raw.pt", "short.npy", "empty.safetensors", "empty.npy",
                 "whole.npy", "cube.npy", "nothing.npy", "nothing.pt", "nothing.safetensors"):  # fmt: skip
        code, out, err = run(name)
        assert (code, out) == (2, ""), name
        line = err.splitlines()[-1]
        assert line.startswith(f"ttrec: {name}: "), err
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tables.safetensors"], "name the table after a colon, as in tables.safetensors:NAME; its tables: item, user"),
        (["tables.safetensors:bias"], "has no table 'bias'; its tables: item, user"),
        (["table.npy:user"], "holds one array; leave out :user"),
        (["table.npy", "--rank", "4", "--tolerance", "0.1"], "give one of them"),
        (["table.npy", "--tolerance", "1.5"], "--tolerance must lie in 0 … 1"),
        (["table.npy", "--rank", "x"], "--rank must be whole numbers"),
        (["table.npy", "--rank", "0"], "nearest valid value is 1"),
        (["table.npy", "--max-bytes", "9"], "max_bytes must be at least"),
        (["table.npy", "--rows", "9"], "leave out --rows"),
        (["table.npy", "--spread"], "leave out --spread"),
        (["table.npy", "--dtype", "fp16"], "leave out --dtype"),
        (["table.npy", "--out", "no/such/cores.safetensors"], "cannot be written"),
        (["lookups.csv", "--rows", "5", "--dim", "4", "--tolerance", "0.1"], "--tolerance needs --weights"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(run, arguments, said) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err.splitlines()[-1]
