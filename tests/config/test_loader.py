"""Sweep files: what is wrong is said with file, line, column and the nearest known key."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ttrec_cli.config import load_sweep
from ttrec_cli.errors import ConfigError

GOOD = """\
name: trial
data: {format: synthetic, rows: 10000, table_scale: 0.1}
train:
  learning_rate: 1e-3
grid:
  rank: [8, 16]
  tables: [3]
seeds: [0, 1]
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_file(text: str) -> Path:
        path = tmp_path / "sweep.yaml"
        path.write_text(text)
        return path

    return write_file


def error_of(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_sweep(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_good_file_is_read_as_yaml_1_2(write) -> None:
    config = load_sweep(write(GOOD)).config
    assert config.train.learning_rate == 0.001
    assert config.grid == {"rank": [8, 16], "tables": [3]}
    assert config.seeds == (0, 1)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seeds:", "sedes:", ":8:1: unknown key 'sedes'; did you mean 'seeds'?"),
        ("table_scale", "table_scal", ":2:40: unknown key 'table_scal'; did you mean 'table_scale'?"),
        ("learning_rate", "lerning_rate", ":4:3: unknown key 'lerning_rate'; did you mean 'learning_rate'?"),
        ("[8, 16]", "[8, -2]", ":6:13: rank: Input should be greater than or equal to 1, but is '-2'"),
        ("rank:", "ranks:", ":6:3: unknown axis 'ranks'; did you mean 'rank'?"),
        (
            "tables: [3]",
            "train.bach_size: [3]",
            ":7:3: unknown axis 'train.bach_size'; did you mean 'train.batch_size'?",
        ),
        ("rows: 10000", "rows: many", ":2:27: data.synthetic.rows"),
        ("seeds: [0, 1]", "seeds: [1, 1]", ":8:1: seeds: seeds must differ"),
        ("synthetic", "sinthetic", ":2:1: data.format: unknown format 'sinthetic'; did you mean 'synthetic'?"),
        ("rows:", "rowz:", ":2:27: unknown key 'rowz'; did you mean 'rows'?"),
        ("seeds: [0, 1]", "seeds: 0", ":8:1: seeds: Input should be a list, such as [0, 1], but is '0'"),
        ("grid:", "grid: &x", "anchors and aliases are not read"),
        ("trial\n", "!!python/object:os.system x\n", "YAML tags are not read"),
        ("[8, 16]", "[8, 16", "mend the YAML there"),
        ("name: trial", "name: trial\nname: again", ":2:1: found duplicate key"),
    ],
)
def test_mistakes_are_said_with_their_place(write, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    message = error_of(write(GOOD.replace(old, new, 1)))
    assert "sweep.yaml:" in message
    assert expected in message


def test_overrides_are_checked_like_the_file(write) -> None:
    path = write(GOOD)
    assert load_sweep(path, ("train.batch_size=64", "seeds=[3]")).config.train.batch_size == 64
    assert error_of(path, "train.bach_size=64").startswith("--set train.bach_size=64: unknown key")
    assert error_of(path, "grid.rank=[-4]").startswith("--set grid.rank=[-4]: rank:")
    assert "key=value" in error_of(path, "train.batch_size")
    assert "is not a mapping" in error_of(path, "name.x=1")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text", "a: [" * 40, "\x00", "a: " + "9" * 5000])
def test_what_is_no_sweep_file_gives_one_line(write, text: str) -> None:
    assert error_of(write(text)).count("\n") == 0


def test_missing_and_oversized_files(tmp_path: Path, write) -> None:
    assert "cannot be read" in error_of(tmp_path / "none.yaml")
    assert "is a folder" in error_of(tmp_path)
    assert "at most" in error_of(write("#" * 1_000_001))


STAND_IN = """\
name: real
data: {format: criteo-kaggle, path: PATH}
train: {batch_size: 128, optimizer: sgd}
grid: {rank: [8]}
otherwise:
  name: toy
  data: {format: synthetic, rows: 5000}
  train: {optimizer: adagrad}
"""


def test_otherwise_is_taken_only_where_the_data_is_absent(write, tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    path = write(STAND_IN.replace("PATH", str(folder)))
    loaded = load_sweep(path)
    assert loaded.stand_in
    assert loaded.missing_data == str(folder)
    assert (loaded.config.name, loaded.config.train.optimizer, loaded.config.train.batch_size) == (
        "toy",
        "adagrad",
        128,
    )
    folder.mkdir()
    (folder / "meta.json").write_text("{}")
    assert not load_sweep(path).stand_in
    assert load_sweep(path).config.name == "real"


def test_overrides_reach_the_stand_in_but_for_the_place_of_the_real_data(write) -> None:
    path = write(STAND_IN.replace("PATH", "nowhere"))
    loaded = load_sweep(path, ("train.optimizer=sgd", "otherwise.data.rows=6000", "data.path=elsewhere"))
    assert loaded.missing_data == "elsewhere"
    assert (loaded.config.train.optimizer, loaded.config.data.rows) == ("sgd", 6000)


def test_absent_data_without_otherwise_says_how_to_prepare_it(write) -> None:
    text = STAND_IN[: STAND_IN.index("otherwise")].replace("PATH", "nowhere")
    assert "ttrec data prepare criteo-kaggle" in error_of(write(text))


def test_a_mistake_under_otherwise_is_found_even_when_not_taken(write) -> None:
    message = error_of(write(STAND_IN.replace("optimizer: adagrad", "optimiser: adagrad")))
    assert ":8:11: unknown key 'optimiser'; did you mean 'optimizer'?" in message


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mutated_files_never_give_a_traceback(write, data) -> None:
    start = data.draw(st.integers(0, len(GOOD) - 1))
    length = data.draw(st.integers(0, 12))
    noise = data.draw(
        st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["&a", "*a", "!!x ", ": ", "- "])
    )
    try:
        load_sweep(write(GOOD[:start] + noise + GOOD[start + length :]))
    except ConfigError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message


def test_a_benchmarks_plan_is_sent_to_the_command_that_runs_it() -> None:
    told = error_of(Path(__file__).resolve().parents[2] / "sweeps" / "paper" / "fig12_hit_rate.yaml")
    assert ":4:1: this file plans a benchmark" in told
    assert "`ttrec paper fig12_hit_rate" in told
