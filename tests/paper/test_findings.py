"""Findings from measurements made up for the purpose: each word of a verdict has data that brings it about."""

import copy
import json
from typing import Any

import pandas as pd
import pytest
from paper.conftest import ITEMS

from ttrec_cli.config.bench_plans import load_bench_plans
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.findings.density import figure_three
from ttrec_cli.paper.findings.hot_rows import figure_nine
from ttrec_cli.paper.findings.initials import figure_five_c, table_one
from ttrec_cli.paper.findings.lookups import figure_eight, figure_eleven, figure_twelve
from ttrec_cli.paper.findings.ranks import figure_five_a
from ttrec_cli.paper.findings.sizes import figure_six, table_two
from ttrec_cli.paper.findings.steps import figure_seven
from ttrec_cli.paper.measure import measure_plan
from ttrec_cli.paper.training import Study
from ttrec_cli.paper.verdict import Verdict, overall
from ttrec_cli.pareto import groups

AGREES, DIFFERS, CANNOT = Verdict.AGREES, Verdict.DIFFERS, Verdict.CANNOT


def content_of(name: str) -> dict[str, Any]:
    return measure_plan(load_bench_plans(ITEMS / f"{name}.yaml").full, "cpu", lambda _: None)[0]


def words(finding: Finding) -> dict[str, Verdict]:
    return {claim.name: claim.verdict for claim in finding.claims}


def test_table_two_is_exactly_the_papers() -> None:
    content = content_of("table2_shapes")
    assert set(words(table_two(content)).values()) == {AGREES}
    changed = copy.deepcopy(content)
    changed["models"][0]["compressed"][0]["parameters"] += 1
    assert words(table_two(changed))["cells with the printed shape and parameters"] == DIFFERS


def test_figure_six_is_exactly_the_papers_and_finds_the_112() -> None:
    finding = figure_six(content_of("fig06_model_size"))
    measured = {claim.name: claim.measured for claim in finding.claims}
    assert set(words(finding).values()) == {AGREES}
    assert [measured[f"Kaggle, {n} tables, rank 32: times smaller"] for n in (3, 5, 7)] == [4.06, 48.29, 117.36]
    assert [measured[f"Terabyte, {n} tables, rank 32: times smaller"] for n in (3, 5, 7)] == [2.55, 21.84, 95.5]
    assert measured["Terabyte, 7 tables, rank 8: times smaller"] == 112.54
    assert "117.36×: 2.161 GB become 18.41 MB" in finding.errata[0].shown_by
    bars = [series for plot in finding.plots for series in plot.series if series.kind == "stacked bar"]
    assert len(bars) == 2 * 8
    assert sum(series.ys[0] for series in bars[:8]) == 33_762_577 * 64


def case(name: str, milliseconds: float, **labels: Any) -> dict[str, Any]:
    spread = {"p20_ms": 0.95 * milliseconds, "median_ms": milliseconds, "p80_ms": 1.05 * milliseconds}
    bytes_held = {"weight_bytes": labels.pop("bytes", 1000), "peak_bytes": labels.pop("peak", 2000)}
    return {"name": name, "phase": "train", **spread, **bytes_held, **labels}


@pytest.mark.parametrize(
    ("times", "verdict"),
    [((9, 5, 0.5, 0.4), AGREES), ((9, 0.5, 0.4, 0.3), DIFFERS), ((9, 5, 3, 2), DIFFERS), ((9, 5, 3, 0.9), DIFFERS)],
)
def test_figure_twelve_is_about_where_the_cache_wins(times, verdict) -> None:
    rates = (0.0, 0.5, 0.9, 1.0)
    cases = [case("tt-cache", time, hit_rate=rate) for rate, time in zip(rates, times, strict=True)]
    cases += [case("embedding-bag", 1.0, hit_rate=rate) for rate in rates]
    assert overall(figure_twelve({"cases": cases, "pooling": 10}).claims)[0] == verdict


def pooled(bag: tuple[float, float], train: tuple[float, float]) -> dict[str, Any]:
    labels = [{"pooling": pooling, "batch": 10, "rows": 100} for pooling in (1, 100)]
    cases = [case("embedding-bag", time, rank=None, **label) for time, label in zip(bag, labels, strict=True)]
    return {"cases": cases + [case("tt", time, rank=8, **each) for time, each in zip(train, labels, strict=True)]}


def test_figure_eleven_is_about_time_for_each_row() -> None:
    assert overall(figure_eleven(pooled((1, 10), (2, 60))).claims)[0] == AGREES
    shrinking = words(figure_eleven(pooled((1, 50), (4, 60))))
    assert shrinking["rank 8: EmbeddingBag's lead grows with pooling"] == DIFFERS
    dearer = words(figure_eleven(pooled((1, 200), (2, 400))))
    assert dearer["rank 8: a row costs less at pooling 100 than at 1"] == DIFFERS


def test_figure_eight_wants_speed_and_growing_savings() -> None:
    def content(slow: float, peak: int) -> dict[str, Any]:
        cases = []
        for rows in (1000, 10_000):
            cases += [case("tt", 1.0, rows=rows), case("reconstruct", slow, rows=rows, peak=peak * rows)]
        return {"cases": [each | {"phase": "forward"} for each in cases]}

    assert overall(figure_eight(content(3.0, 10)).claims)[0] == AGREES
    assert overall(figure_eight(content(0.3, 10)).claims)[0] == DIFFERS
    flat = figure_eight({"cases": [each | {"peak_bytes": 2000} for each in content(3.0, 10)["cases"]]})
    assert words(flat)["memory saved grows with the rows of the table"] == DIFFERS


def test_figure_seven_is_about_tables() -> None:
    def content(many: float) -> dict[str, Any]:
        labels = {"tables": "kaggle", "rank": 8}
        cases = [case("tt", 2.0, largest=3, **labels), case("tt", many, largest=7, **labels)]
        return {"cases": [case("dense", 1.5, largest=0, rank=None, tables="kaggle"), *cases]}

    assert overall(figure_seven(content(3.0)).claims)[0] == AGREES
    assert overall(figure_seven(content(1.0)).claims)[0] == DIFFERS
    assert overall(figure_seven(content(2.01)).claims)[0] == CANNOT


def log(time: tuple[float, ...], random: tuple[float, ...], drift: float = 0.0) -> dict[str, Any]:
    progress = [(at + 1) / len(time) for at in range(len(time))]
    columns = [{"name": "C3", "top": 10, "progress": progress, "time_order": time, "random_order": random}]
    return {"drift": drift, "synthetic": True, "dataset": "made up", "columns": columns}


def test_figure_nine_says_when_rows_do_not_settle_and_what_drift_does() -> None:
    falling, rising = (0.4, 0.1, 0.02), (0.1, 0.2, 0.4)
    settled = figure_nine({"synthetic": True, "logs": [log(falling, falling), log((0.4, 0.1, 0.04), falling, 0.3)]})
    assert overall(settled.claims)[0] == AGREES
    assert any("drift of 30 % a day" in note and "2×" in note for note in settled.notes)
    assert overall(figure_nine({"synthetic": True, "logs": [log(rising, falling)]}).claims)[0] == DIFFERS
    unlike = figure_nine({"synthetic": True, "logs": [log((0.4, 0.1, 0.05), falling)]})
    assert overall(unlike.claims)[0] == CANNOT  # without drift both orders must look alike


def test_figure_three_finds_the_scale_that_grows_with_rank(tmp_path) -> None:
    plan = load_bench_plans(ITEMS / "fig03_init_density.yaml").full.model_copy(update={"rows": 20_000, "ranks": (2, 4)})
    finding = figure_three(measure_plan(plan, "cpu", lambda _: None)[0])
    assert words(finding)["products of sampled Gaussians crowd least at zero"] == AGREES
    assert words(finding)["Algorithm 3 gives entries as large as N(0, 1/3n)"] == DIFFERS
    assert [each.place for each in finding.errata if "1.04" in each.correct] == ["Table 1, N(0, 1/8)"]
    assert sum("the sign is turned" in each.correct for each in finding.errata) == 5
    assert sum("18n/π" in each.correct for each in finding.errata) == 1
    assert finding.errata[-1].place == "Algorithm 3"


def study(rows: list[dict[str, Any]]) -> Study:
    return Study(groups(pd.DataFrame(rows)), synthetic=True, stand_in=True, total=len(rows), finished=len(rows))


def losses(make_row, loss_of, **changes: Any) -> list[dict[str, Any]]:
    noise = (0.0, 0.0002, -0.0001)
    return [
        make_row(seed=seed, val_logloss=loss_of + shift + 0.01 * seed, **changes) for seed, shift in enumerate(noise)
    ]


@pytest.mark.parametrize(
    ("gain", "frozen", "verdict"), [(-0.02, 0.0, AGREES), (0.02, 0.0, DIFFERS), (-0.02, -0.02, CANNOT)]
)
def test_figure_five_a_counts_what_frozen_cores_do_not_show(make_row, gain, frozen, verdict) -> None:
    rows = losses(make_row, 0.5, method="dense", rank=None, tables=0)
    for tables in (3, 7):
        for step, rank in enumerate((8, 64)):
            rows += losses(make_row, 0.51 + step * gain, rank=rank, tables=tables)
            rows += losses(make_row, 0.53 + step * frozen, rank=rank, tables=tables, method="tt-frozen")
    finding = figure_five_a(study(rows))
    assert words(finding)["7 tables: log-loss falls from rank 8 to 64"] == verdict
    assert words(finding)["accuracy lost at the best rank, in points"] == CANNOT


def test_figure_five_c_judges_both_scales(make_row) -> None:
    rows = losses(make_row, 0.5, method="dense", rank=None, tables=0, settings="{}")
    for scale, best in (("paper", "sampled-gaussian"), ("calibrated", "uniform")):
        for distribution in ("sampled-gaussian", "gaussian", "uniform"):
            settings = json.dumps({"init": {"distribution": distribution, "scale": scale}})
            loss = 0.51 if distribution == best else 0.52
            rows += losses(make_row, loss, settings=settings)
            rows += losses(make_row, 0.55, settings=settings, method="tt-frozen")
    found = words(figure_five_c(study(rows)))
    assert found["Algorithm 3 as published: sampled Gaussian has a lower log-loss than gaussian"] == AGREES
    assert found["calibrated: sampled Gaussian has a lower log-loss than uniform"] == DIFFERS
    assert found["calibrated: sampled Gaussian has a lower log-loss than gaussian"] == CANNOT


def test_table_one_measures_small_gaps_by_large_ones(make_row) -> None:
    gaps = {"normal-1": 0.1, "normal-1/2": 0.08, "normal-1/8": 0.04, "normal-1/3n": 0.0, "normal-1/9n2": 0.01}
    rows = losses(make_row, 0.5, method="dense", rank=None, tables=0, settings="{}")
    for name, gap in gaps.items():
        settings = json.dumps({"init": {"dense_distribution": name}})
        shifted = losses(make_row, 0.5 + gap, method="dense", rank=None, tables=0, settings=settings)
        rows += [row | {"val_logloss": row["val_logloss"] + 0.0001 * row["seed"]} for row in shifted]
    found = words(table_one(study(rows)))
    assert found["N(0, 1/3n) is as good as Uniform"] == AGREES
    assert found["N(0, 1) has a higher log-loss than Uniform"] == AGREES
    assert found["Uniform(±1/√n): accuracy in %"] == CANNOT
