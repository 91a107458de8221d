"""Every shipped item of the paper runs, in miniature, and what comes out is a page and one JSON object."""

import json
from pathlib import Path

import pytest
from paper.conftest import ITEMS

from ttrec_cli.app import main
from ttrec_cli.paper.catalogue import names_of

NAMES = list(names_of(ITEMS))
KEYS = {"id", "verdict", "measured", "published", "why", "scale", "state", "claims"}
WORDS = {"agrees", "differs", "cannot be compared"}
OURS = {name for name in NAMES if name.startswith("beyond_")}


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["paper", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def items(tmp_path_factory, write_miniatures) -> Path:
    return write_miniatures(tmp_path_factory.mktemp("paper"))


def test_all_items_run_in_miniature_and_are_not_run_again(items, tmp_path, capsys) -> None:
    out = tmp_path / "paper"
    arguments = ("--items", items, "--out", out, "--scale", "small", "--device", "cpu", "--json")
    assert run("all", *OURS, *arguments) == 0
    told = capsys.readouterr()
    first = json.loads(told.out)["result"]
    assert "fig05a_rank_by_tables: done before" in told.err  # all its trials are Figure 1's too
    assert set(first) == {"items", "directory", "report", "failed"}
    assert [item["id"] for item in first["items"]] == NAMES
    for item in first["items"]:
        assert set(item) == KEYS
        assert item["verdict"] in WORDS
        assert item["state"] == "done"
        assert set(item["measured"]) == set(item["published"]) == set(item["claims"])
        assert bool(item["measured"]) == (item["id"] not in OURS)
    assert Path(first["report"]).read_text().count('<section class="item"') == len(NAMES)
    assert run("all", *OURS, *arguments) == 0
    again = capsys.readouterr()
    assert again.err.count("done before") == len(NAMES)
    assert json.loads(again.out)["result"]["items"] == first["items"]
