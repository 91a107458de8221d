"""What a sweep file may say beyond a plain grid: zip, exclude, tune, budgets, resources, search."""

import re
from pathlib import Path

import pytest

from ttrec_cli.config import load_sweep
from ttrec_cli.config.cells import cells, tuned
from ttrec_cli.errors import ConfigError

HEAD = "name: t\ndata: {format: synthetic, rows: 7000}\n"


@pytest.fixture
def load(tmp_path: Path):
    def read(text: str):
        (tmp_path / "s.yaml").write_text(HEAD + text)
        return load_sweep(tmp_path / "s.yaml").config

    return read


@pytest.fixture
def error(load):
    def message(text: str) -> str:
        with pytest.raises(ConfigError) as caught:
            load(text)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return message


def test_zipped_axes_advance_together_and_multiply_the_grid(load) -> None:
    found = list(cells(load("grid: {rank: [8, 16]}\nzip: {dim: [16, 32], train.learning_rate: [0.1, 0.2]}\n")))
    assert found == [
        {"rank": rank, "dim": dim, "train.learning_rate": rate}
        for rank in (8, 16)
        for dim, rate in ((16, 0.1), (32, 0.2))
    ]


def test_excluded_cells_are_left_out_but_not_trials_written_out(load) -> None:
    config = load("grid: {rank: [8, 64], dim: [16, 32]}\nexclude: [rank == 64 and dim == 16]\ntrials: [{rank: 64}]\n")
    assert list(cells(config)) == [
        {"rank": 8, "dim": 16}, {"rank": 8, "dim": 32}, {"rank": 64, "dim": 32}, {"rank": 64},
    ]  # fmt: skip


def test_exclusion_sees_settings_that_are_no_axis(load) -> None:
    config = load("train: {batch_size: 64}\ngrid: {rank: [8, 16]}\nexclude: [train.batch_size == 64 and rank > 8]\n")
    assert list(cells(config)) == [{"rank": 8}]


def test_tuned_settings_are_every_combination(load) -> None:
    config = load("grid: {rank: [8]}\ntune: {train.learning_rate: [0.1, 0.2], init.scale: [paper]}\n")
    assert list(tuned(config)) == [{"train.learning_rate": rate, "init.scale": "paper"} for rate in (0.1, 0.2)]


def test_amounts_have_units(load) -> None:
    config = load(
        "grid: {rank: [8]}\n"
        "budget: {trials: 3, wall_time: 1h30m, trial_timeout: 90, samples: 1000}\n"
        "resources: {device_memory: 16GB, parallel: 2}\n"
    )
    assert (config.budget.wall_time, config.budget.trial_timeout) == (5400, 90)
    assert config.resources.device_memory == 16 * 10**9
    assert load("grid: {rank: [8]}\nresources: {device_memory: 1.5GiB}\n").resources.device_memory == 3 * 2**29


def test_uneven_ranks_and_named_tables_are_axes(load) -> None:
    config = load("grid: {rank: [8, [4, 16]], tables: [3, [C3, C12]]}\n")
    assert list(cells(config))[-1] == {"rank": [4, 16], "tables": ["C3", "C12"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zip: {rank: [8, 16], dim: [16]}", ":3:1: zip: axes of zip must be equally long"),
        ("grid: {rank: [8]}\nzip: {rank: [8]}", ":4:7: axis 'rank' is in `grid:` too"),
        ("grid: {rank: [8]}\nexclude: [rnk == 8]", ":4:11: 'rnk == 8': unknown axis 'rnk'"),
        ("grid: {rank: [8]}\nexclude: [rank == 8]", "exclude leaves nothing to train"),
        ("grid: {rank: [8]}\ntune: {rank: [8]}", ":4:8: tune takes settings such as train.learning_rate"),
        ("grid: {rank: [8]}\ntune: {train.samples: [8]}", "tune takes settings"),
        ("grid: {train.batch_size: [8]}\ntune: {train.batch_size: [8]}", "either compare its values or tune it"),
        ("grid: {rank: [8]}\ntune: {train.lerning_rate: [8]}", "did you mean 'train.learning_rate'?"),
        ("grid: {rank: [8]}\nbudget: {wall_time: soon}", "budget.wall_time: must be a time such as 90s"),
        ("grid: {rank: [8]}\nbudget: {wall_time: -5}", "budget.wall_time"),
        ("grid: {rank: [8]}\nresources: {device_memory: 16 apples}", "must be bytes such as 16GB"),
        ("grid: {rank: [8]}\nresources: {device_memory: 99999999TB}", "less than or equal"),
        ("grid: {rank: [8]}\nresources: {device_memory: 40}", "at least 1000 bytes, or have a unit, such as 40GB"),
        ("grid: {rank: [8]}\nresources: {paralel: 2}", "did you mean 'parallel'?"),
        ("grid: {rank: [8]}\nsearch: {method: bayes}", "search.method"),
        ("grid: {rank: [8]}\nsearch: {eta: 1}", "search.eta"),
        ("grid: {train.samples: [8, 9]}\nsearch: {eta: 3}", ":4:1: a search compares configurations after equally"),
        ("grid: {rank: [[4]]}", "has 2 inner ranks, but rank has 1"),
        ("grid: {rank: [[4, 0]]}", ":3:15: rank.1: Input should be greater than or equal to 1"),
        ("grid: {tables: [[C1, C1]]}", "names of tables must differ"),
        ("grid: {rank: [[4, 8]], shape.cores: [3, 4]}", "a tensor train of 4 cores has 3 inner ranks"),
        ("grid: {rank: [8]}\nobjectives: [logloss, model_bytes]", "objectives"),
        ("grid: {rank: [8], dim: [16]}\nseeds: [0.5]", "seeds"),
    ],
)  # fmt: skip
def test_mistakes_are_said_with_their_place(error, text: str, expected: str) -> None:
    assert expected in error(text + "\n")


def test_a_sweep_without_end_is_refused_before_it_is_unfolded(error) -> None:
    axis = ", ".join(str(value) for value in range(1, 101))
    text = "".join(f"  {name}: [{axis}]\n" for name in ("rank", "dim", "tables", "train.batch_size"))
    assert "at most 100000 trials, but this comes to 1e+08" in error("grid:\n" + text)


def test_what_the_readme_says_of_a_file_can_be_said(load) -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    first, second = re.findall(r"```yaml\n(.*?)```", readme, flags=re.DOTALL)[:2]
    grid = first[first.index("grid:") :].replace("  dim: [16]\n", "")
    config = load(grid + second)
    assert {"zip", "tune", "search", "budget", "resources", "exclude"} <= config.model_fields_set
    assert len(list(cells(config))) == 2 * (2 * 3 * 3) + 1
