"""`plan:` in a sweep file: a table plan is trained as it stands."""

from pathlib import Path

import pytest

from ttrec_cli.config import SweepConfig
from ttrec_cli.errors import ConfigError
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.grid import expand, identity

DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 900), 6000, "f" * 64)
PLAN = """\
tables:
- {name: C1, rows: 50000, dim: 4, kind: tt, row_factors: [40, 1250], dim_factors: [2, 2], ranks: [1, 3, 1]}
- {name: C3, rows: 900, dim: 4, kind: tt, row_factors: [9, 10, 10], dim_factors: [1, 2, 2], ranks: [1, 2, 5, 1]}
"""
BASE = {"name": "t", "data": {"format": "synthetic", "rows": 7000}}


@pytest.fixture
def plan(tmp_path: Path):
    def write(text: str = PLAN, name: str = "plan.yaml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def trials(**changes):
    return expand(SweepConfig.model_validate(BASE | changes), DATA)


def test_a_plan_is_trained_as_it_stands_with_its_baseline(plan) -> None:
    dense, given = trials(plan=plan())
    assert (dense.config.method, dense.config.dim) == ("dense", 4)
    assert [table.shape.row_factors if table.shape else None for table in given.plans] == [
        (40, 1250),
        None,
        (9, 10, 10),
    ]
    assert (given.config.rank, given.config.tables, given.config.dim) == (5, 2, 4)
    assert given.costs.embedding_bytes == 4 * (sum(table.parameters for table in given.plans))
    assert given.plans[1].rows == 4


def test_the_key_follows_the_contents_not_the_name(plan) -> None:
    first = trials(plan=plan())[1]
    again = trials(plan=plan(name="renamed.yaml"))[1]
    other = trials(plan=plan(PLAN.replace("[1, 3, 1]", "[1, 4, 1]"), "other.yaml"))[1]
    assert first.key == again.key
    assert first.key != other.key
    assert first.trained_as != other.trained_as


def test_plans_are_an_axis_beside_the_grid(plan) -> None:
    both = [plan(), plan(PLAN.replace("[1, 3, 1]", "[1, 4, 1]"), "other.yaml")]
    found = trials(grid={"plan": both, "method": ["tt", "tt-frozen"]}, baseline=False)
    assert len({trial.trained_as for trial in found}) == 4
    beside = trials(plan=both[0], grid={"rank": [2], "tables": [1], "dim": [4]})
    assert len(beside) == 3


def test_a_trial_without_a_plan_does_not_mention_one() -> None:
    found = trials(grid={"rank": [2], "tables": [1], "dim": [4]})
    assert all("plan" not in identity(trial.config) for trial in found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: C3", "name: C9", "no table 'C9'"),
        ("rows: 900", "rows: 800", "800 rows in the plan, but 900 in toy"),
        ("row_factors: [40, 1250]", "row_factors: [40, 125]", "hold 5000 rows"),
        ("kind: tt", "kind: magic", "kind must be"),
        ("tables:", "tabels:", "tables"),
        ("[1, 3, 1]", "!!python/name:os.system [1, 3, 1]", "YAML tags are not read"),
    ],
)
def test_a_plan_of_something_else_is_refused_in_one_line(plan, old: str, new: str, expected: str) -> None:
    path = plan(PLAN.replace(old, new, 1), "bad.yaml")
    with pytest.raises(ConfigError) as caught:
        trials(plan=path)
    assert expected in str(caught.value)
    assert "bad.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plan_of_two_dims_is_refused(plan) -> None:
    mixed = PLAN.replace("rows: 900, dim: 4", "rows: 900, dim: 8").replace("[1, 2, 2]", "[2, 2, 2]")
    with pytest.raises(ConfigError, match="one dim"):
        trials(plan=plan(mixed))
