"""Items and their records: which file, which scale, what is done already, and mistakes in one line."""

import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from paper.conftest import ITEMS

from ttrec_cli.app import main
from ttrec_cli.config.bench_plans import load_bench_plans
from ttrec_cli.errors import ConfigError, DataError
from ttrec_cli.paper.catalogue import Scale, at_other_scale, chosen, load, names_of
from ttrec_cli.paper.page import page_html
from ttrec_cli.paper.records import Record, form_of, key_of, read_record, write_record
from ttrec_cli.paper.run import NOT_RUN, Means, report_of, report_of_either, run_item

NAMES = names_of(ITEMS)
MEASURED = ("median_ms", "p20_ms", "p80_ms", "weight_bytes", "peak_bytes")
ONE_SCALE = {"table2_shapes": Scale.EXACT, "fig06_model_size": Scale.EXACT, "fig03_init_density": Scale.FULL}


def test_all_are_the_papers_and_ours_are_asked_for_by_name() -> None:
    assert len(chosen(["all"], NAMES)) == 15
    assert chosen(["table2_shapes", "fig01_design_space", "table2_shapes"], NAMES) == (
        "fig01_design_space",
        "table2_shapes",
    )
    assert chosen(["all", "beyond_shapes"], NAMES)[-1] == "beyond_shapes"
    assert chosen([], NAMES) == ()


@pytest.mark.parametrize(
    ("asked", "near"), [("fig5a", "fig05a_rank_by_tables"), ("table2", "table2_shapes"), ("al", "all")]
)
def test_an_unknown_item_is_told_with_near_names(asked: str, near: str) -> None:
    with pytest.raises(ConfigError, match=near) as told:
        chosen([asked], NAMES)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_item_opens_with_a_question_and_loads_at_small_scale(name: str) -> None:
    item = load(ITEMS, name, Scale.SMALL, has_accelerator=True)
    assert item.scale == ONE_SCALE.get(name, Scale.SMALL)
    assert item.heading.question.endswith("?")
    assert len(item.heading.about) > 40
    if item.sweep is not None:
        assert item.sweep.stand_in
        assert len(item.sweep.config.seeds) >= 3


def test_full_scale_wants_the_real_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("fig05c_init", "fig09_hot_rows"):
        with pytest.raises(ConfigError, match="no prepared dataset at data/criteo-kaggle"):
            load(ITEMS, name, Scale.FULL, has_accelerator=False)
        assert load(ITEMS, name, Scale.AUTO, has_accelerator=True).scale == Scale.SMALL
    assert load(ITEMS, "fig12_hit_rate", Scale.FULL, has_accelerator=False).scale == Scale.FULL
    assert load(ITEMS, "fig12_hit_rate", Scale.AUTO, has_accelerator=True).scale == Scale.FULL


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ranks: [8]\nrows: 5\n", r"it\.yaml:\d+:1: sizes\.rows|Extra inputs"),
        ("ranks: many\n", "ranks"),
        ("ranks: [8]\notherwise: 3\n", "`otherwise:` is a mapping"),
    ],
)
def test_a_mistake_in_a_plan_names_its_place(tmp_path: Path, change: str, told: str) -> None:
    head = (
        "# Why?\nbench: sizes\ntitle: it\nlargest: [3]\nmodels: [{tables: kaggle, dim: 16, dim_factors: [2, 2, 4]}]\n"
    )
    (tmp_path / "it.yaml").write_text(head + change)
    with pytest.raises(ConfigError, match=told) as found:
        load_bench_plans(tmp_path / "it.yaml")
    assert str(found.value).startswith(f"{tmp_path}/it.yaml:")


def test_an_item_without_a_question_is_refused(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_text((ITEMS / "table2_shapes.yaml").read_text().replace("?", "."))
    with pytest.raises(ConfigError, match="asks its question"):
        load(tmp_path, "it", Scale.SMALL, has_accelerator=False)


def test_records_come_back_and_damaged_ones_do_not(tmp_path: Path) -> None:
    plan = load_bench_plans(ITEMS / "table2_shapes.yaml").full
    record = Record(key_of(plan), form_of(plan), {"models": []}, {"cpu": "some"}, "2026", 1.5)
    write_record(tmp_path, "it", Scale.SMALL, record)
    assert read_record(tmp_path, "it", Scale.SMALL) == record
    assert read_record(tmp_path, "it", Scale.FULL) is None
    for damage in ("", "[]", "{", json.dumps({"key": 1}), "\x00\xff"):
        (tmp_path / "items" / "it-small.json").write_text(damage)
        with pytest.raises(DataError, match=r"it-small\.json is broken"):
            read_record(tmp_path, "it", Scale.SMALL)
    assert key_of(plan) != key_of(plan.model_copy(update={"ranks": (8,)}))


def test_what_was_run_at_the_other_scale_alone_is_shown_from_there(tmp_path: Path) -> None:
    small = load(ITEMS, "fig12_hit_rate", Scale.SMALL, has_accelerator=False)
    full = at_other_scale(ITEMS, small)
    assert full is not None
    assert full.bench is not None
    assert (full.scale, at_other_scale(ITEMS, full)) == (Scale.FULL, small)
    assert (report_of_either(small, full, tmp_path).scale, report_of(small, tmp_path).state) == ("small", NOT_RUN)
    cases = [
        {"name": name, "hit_rate": rate, "phase": "train", **dict.fromkeys(MEASURED, 1.0)}
        for name in ("tt-cache", "embedding-bag")
        for rate in (0.0, 1.0)
    ]
    record = Record(key_of(full.bench), form_of(full.bench), {"cases": cases, "pooling": 10}, {}, "2026", 1.0)
    write_record(tmp_path, full.id, Scale.FULL, record)
    report = report_of_either(small, full, tmp_path)
    assert (report.scale, report.state) == ("full", "done")
    write_record(tmp_path, small.id, Scale.SMALL, replace(record, key="older"))
    assert report_of_either(small, full, tmp_path).scale == "small"
    assert at_other_scale(ITEMS, load(ITEMS, "table2_shapes", Scale.FULL, has_accelerator=False)) is None


def test_a_broken_record_is_named_and_measured_again(tmp_path: Path) -> None:
    item = load(ITEMS, "table2_shapes", Scale.AUTO, has_accelerator=False)
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "table2_shapes-exact.json").write_text("{")
    report = report_of(item, tmp_path)
    assert "table2_shapes-exact.json is broken" in report.state
    assert "run it again" in report.told
    said: list[str] = []
    run_item(
        item, tmp_path, Means(lambda _: pytest.fail("a sweep"), lambda _: nullcontext(lambda _: None), said.append)
    )
    assert "is broken" in said[0]
    assert report_of(item, tmp_path).state == "done"


def test_studies_that_were_not_run_are_not_marked_as_synthetic(tmp_path: Path) -> None:
    item = load(ITEMS, "fig05c_init", Scale.SMALL, has_accelerator=False)
    report = report_of(item, tmp_path)
    assert (report.state, report.warning) == (NOT_RUN, "")
    assert "SYNTHETIC STAND-IN" not in page_html([report])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nonsense",), "known: all, fig01_design_space"),
        (("table2_shapes", "--out", __file__), "is a file"),
        pytest.param(
            ("table2_shapes", "--device", "cuda"),
            "torch sees no CUDA device here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["paper", "--items", str(ITEMS), *arguments])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_the_command_tells_an_unknown_item_in_one_line_with_exit_code_two(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ttrec_cli.app", "paper", "fig5", "--items", str(ITEMS), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "did you mean" in done.stderr
    assert not list(tmp_path.iterdir())
