"""Every sweep file that is shipped: it loads and is planned at both scales, and its comment tells the truth."""

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from ttrec_cli import store
from ttrec_cli.commands import sweep_dry_run
from ttrec_cli.config import LoadedSweep, load_sweep
from ttrec_cli.sweep.resolved import write_resolved
from ttrec_cli.sweep.run import Sweep, prepare
from ttrec_kernels import TableKind

SWEEPS = Path(__file__).resolve().parents[2] / "sweeps"
FILES = [path for path in sorted(SWEEPS.rglob("*.yaml")) if not re.search(r"^bench:", path.read_text(), re.MULTILINE)]
ACCURACY = [path for path in FILES if path.parent.name == "paper" and not path.name.startswith("table1")]
NAMES = {
    "fig01_design_space", "fig05a_rank_by_tables", "fig05b_rank_by_tables", "fig05c_init", "fig10_cache_size",
    "fig10_warmup", "table1_init_uncompressed", "beyond_shapes", "beyond_uneven_ranks", "terabyte", "kaggle",
    "methods", "quickstart",
}  # fmt: skip

shipped = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@cache
def small(path: Path) -> Sweep:
    """The sweep as it runs where no data is."""
    return prepare(load_sweep(path), Path("results-of-nobody"))


@cache
def full(path: Path, tables: str = "") -> Sweep:
    """The sweep on real tables, planned without their data."""
    named = tables or ("terabyte" if "data/criteo-terabyte" in path.read_text() else "kaggle")
    return prepare(load_sweep(path, (f"data.tables={named}",), planning=True), Path("results-of-nobody"))


def test_no_file_is_missing() -> None:
    assert {path.stem for path in FILES} >= NAMES


@shipped
def test_it_opens_with_the_question_it_asks(path: Path) -> None:
    schema, question, *_ = path.read_text().splitlines()
    assert schema.endswith("sweep.schema.json")
    assert (path.parent / schema.partition("=")[2]).is_file()
    assert question.startswith("# ")
    assert "?" in "".join(re.findall(r"^# .*$", path.read_text(), re.MULTILINE)[1:3])


@shipped
def test_small_scale_is_synthetic_and_has_three_seeds(path: Path) -> None:
    sweep = small(path)
    assert sweep.dataset.synthetic
    assert len(sweep.loaded.config.seeds) >= 3
    assert sweep.loaded.config.train.optimizer == "adagrad"


@pytest.mark.parametrize("path", [path for path in FILES if path.stem != "quickstart"], ids=lambda path: path.stem)
def test_full_scale_is_planned_on_the_real_tables(path: Path) -> None:
    sweep = full(path)
    assert not sweep.dataset.synthetic
    assert sweep.loaded.only_planned
    assert max(sweep.dataset.cardinalities) > 9_000_000
    cells = {(trial.config.method, trial.config.table_count, trial.other_axes) for trial in sweep.trials}
    stand_in = {(trial.config.method, trial.config.table_count, trial.other_axes) for trial in small(path).trials}
    if path.stem != "terabyte":
        assert cells == stand_in, "both scales ask the same question"


@pytest.mark.parametrize("path", ACCURACY, ids=lambda path: path.stem)
def test_studies_of_accuracy_have_the_frozen_control(path: Path) -> None:
    for sweep in (small(path), full(path)):
        methods = Counter(trial.config.method.value for trial in sweep.trials)
        assert methods["tt-frozen"]
        assert methods["dense"]
        trained = {trial.plans for trial in sweep.trials if trial.config.method == "tt"}
        assert {trial.plans for trial in sweep.trials if trial.config.method == "tt-frozen"} <= trained


@shipped
def test_its_dry_run_says_every_trial(path: Path) -> None:
    sweep = small(path)
    result = sweep_dry_run.dry_run(sweep, sweep_dry_run.forecast_of(sweep, "cpu", probe=False))
    assert len(result.payload["plan"]) == len(sweep.trials)
    assert result.payload["stand_in"] == (path.stem != "quickstart")


def test_a_dry_run_says_how_many_trials_fit_and_the_rungs_of_a_search() -> None:
    sweep = prepare(load_sweep(SWEEPS / "terabyte.yaml", planning=True), Path("results-of-nobody"))
    shown = sweep_dry_run.dry_run(sweep, sweep_dry_run.forecast_of(sweep, "cpu", probe=False))
    assert shown.payload["trials"] == {"total": 40, "pending": 40, "too_large": 16}
    *_, memory, total = shown.shown
    assert memory.startswith("Memory: 24 of 40 trials fit into 16.00 GB; 16 do not, they need 17.52 GB to 384.70 GB")
    assert total == "40 trials: 24 to train, 16 that cannot be trained, 0 finished."
    loaded = load_sweep(SWEEPS / "quickstart.yaml", ("search.method=halving", "seeds=[0, 1, 2]"))
    search = prepare(loaded, Path("results-of-nobody"))
    shown = sweep_dry_run.dry_run(search, sweep_dry_run.forecast_of(search, "cpu", probe=False))
    rungs = [line for line in shown.shown if str(line).startswith("rung ")]
    assert len(rungs) == 3
    assert f"rung 1 of 3: {len(search.trials) // 3} configurations × 1 of 3 seeds" in str(rungs[0])
    samples = search.trials[0].train_samples
    assert str(rungs[2]).endswith(f"trials, to {samples:,} of {samples:,} samples")


@shipped
def test_resolved_it_reads_back_as_the_same_trials(path: Path, tmp_path: Path) -> None:
    sweep = small(path)
    write_resolved(sweep.loaded, tmp_path)
    again = prepare(LoadedSweep(load_sweep(tmp_path / "sweep.yaml").config, stand_in=True), tmp_path)
    assert {trial.key for trial in again.trials} == {trial.key for trial in sweep.trials}


def test_trials_that_two_figures_need_are_the_same_training() -> None:
    trained = {path.stem: {trial.trained_as for trial in small(path).trials} for path in FILES}
    assert trained["fig05a_rank_by_tables"] <= trained["fig01_design_space"]
    assert trained["kaggle"] <= trained["fig01_design_space"]
    for stem, shared in {
        "fig05c_init": 9,
        "fig10_cache_size": 9,
        "fig10_warmup": 9,
        "table1_init_uncompressed": 3,
    }.items():
        assert len(trained[stem] & trained["fig01_design_space"]) == shared
    assert len(trained["fig10_warmup"] & trained["fig10_cache_size"]) == 9 + 6
    figures = set().union(*(trained[path.stem] for path in FILES if re.match("(fig|table)", path.stem)))
    assert len(figures) <= 330


def _cells(comment: str) -> dict[tuple[str, int, int], str]:
    rows = re.findall(r"^#   (10M|40M) +(\d) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", comment, re.MULTILINE)
    dims = (64, 128, 256, 512)
    return {(r, int(n), dim): text for r, n, *found in rows for dim, text in zip(dims, found, strict=True)}


def test_the_gigabytes_in_terabytes_comment_are_those_of_its_trials() -> None:
    path = SWEEPS / "terabyte.yaml"
    told = _cells(path.read_text())
    assert len(told) == 2 * 4 * 4
    for name, index_range in (("terabyte", "10M"), ("terabyte-40m", "40M")):
        for trial in full(path, name).trials:
            config = trial.config
            if config.rank in (None, 32):
                assert told[index_range, config.table_count, config.dim] == f"{trial.costs.needed_bytes / 1e9:.2f}"
            if (config.table_count, config.dim, index_range) == (0, 512, "40M"):
                assert f"{trial.costs.embedding_bytes / 1e9:.2f}" == "384.55"


@pytest.mark.parametrize(
    ("memory", "too_large"),
    [("16GB", {0: 4, 3: 4}), ("40GB", {0: 4, 3: 2}), ("80GB", {0: 3, 3: 1}), ("141GB", {0: 2})],
)
def test_terabyte_says_without_data_what_fits_an_accelerator(memory: str, too_large: dict[int, int]) -> None:
    """By tables compressed: of how many of the four dims no plan of the 40M range can be trained."""
    command = [
        "sweep",
        str(SWEEPS / "terabyte.yaml"),
        "--dry-run",
        "--json",
        "--set",
        f"resources.device_memory={memory}",
    ]
    process = subprocess.run(
        [sys.executable, "-m", "ttrec_cli.app", *command], capture_output=True, text=True, timeout=120, check=True
    )
    assert "PLANNED, NOT TRAINABLE" in process.stderr
    result = json.loads(process.stdout)["result"]
    assert (result["synthetic"], result["stand_in"], result["dataset"]) == (False, False, "criteo-terabyte-40m")
    refused = {(trial["tables"], trial["dim"]) for trial in result["plan"] if trial["problem"]}
    assert Counter(tables for tables, _ in refused) == too_large
    for trial in result["plan"]:
        assert (trial["problem"] is not None) == (trial["needed_bytes"] > result["memory_bytes"])


def test_shapes_without_bound_are_a_third_of_the_papers_at_the_same_rank() -> None:
    sweep = full(SWEEPS / "paper" / "beyond_shapes.yaml")
    sizes = {
        (trial.config.shape.rule, trial.config.shape.max_skew): sum(
            plan.parameters for plan in trial.plans if plan.kind == TableKind.TT
        )
        for trial in sweep.trials
        if trial.config.method == "tt" and trial.config.rank == 32
    }
    assert sizes["parameters", float("inf")] / sizes["entropy", 1.5] == pytest.approx(1 / 3, abs=0.03)


def test_uneven_ranks_of_one_product_take_the_same_bytes() -> None:
    for sweep in (
        small(SWEEPS / "paper" / "beyond_uneven_ranks.yaml"),
        full(SWEEPS / "paper" / "beyond_uneven_ranks.yaml"),
    ):
        free = [
            trial for trial in sweep.trials if trial.config.method == "tt" and trial.config.shape.dim_factors is None
        ]
        by_product: dict[int, set[int]] = {}
        for trial in free:
            rank = trial.config.rank
            product = rank[0] * rank[1] if isinstance(rank, tuple) else (rank or 0) ** 2
            by_product.setdefault(product, set()).add(trial.costs.embedding_bytes)
        assert set(by_product) == {64, 256, 1024}
        assert all(len(sizes) == 1 for sizes in by_product.values()), by_product


def test_an_uncompressed_model_that_does_not_fit_is_recorded_before_it_starts(ttrec, tmp_path: Path) -> None:
    """A miniature of terabyte's stand-in: at dim 256 it needs more than its accelerator of 80 MB."""
    settings = ("otherwise.data.rows=7000", "seeds=[0]", "grid={rank: [8], tables: [7], dim: [256]}")
    arguments = [word for setting in settings for word in ("--set", setting)]
    process = ttrec("sweep", SWEEPS / "terabyte.yaml", "--json", *arguments)
    assert process.returncode == 3, process.stderr
    assert json.loads(process.stdout)["result"]["trials"] == {"total": 2, "ok": 1, "skipped": 0, "failed": 1}
    rows = store.read(tmp_path / "results").set_index("method")
    assert rows.status.to_dict() == {"dense": "out-of-memory", "tt": "ok"}
    assert rows.reason["dense"] == "does not fit: needs 119.93 MB at least, 80.00 MB there"


def test_the_stand_ins_cache_of_a_hundredth_has_as_many_rows_as_the_papers_of_a_ten_thousandth() -> None:
    path = SWEEPS / "paper" / "fig10_cache_size.yaml"
    for ours, papers in zip(
        sorted(small(path).dataset.cardinalities)[-7:], sorted(full(path).dataset.cardinalities)[-7:], strict=True
    ):
        assert ours * 0.01 == pytest.approx(papers * 0.0001, abs=1)
