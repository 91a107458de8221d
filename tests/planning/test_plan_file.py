"""Plans to YAML and back, and what is refused on the way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import TABLE_NAMES, ShapeSettings, is_plan, plan_from_values, plan_tables, plan_yaml
from ttrec_cli.planning.tables import KAGGLE_ROWS, TERABYTE_ROWS
from ttrec_kernels import TableKind, TablePlan, smallest_shape

NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20).filter(str.isprintable)
AWKWARD = ("null", "true", "No", "1e5", "0x1F", "~", "- a", "a: b", "#", "'", '"', "\\", "{x}", "<b>", "%41", "é", "表")


@st.composite
def plans(draw):
    names = draw(st.lists(st.one_of(NAMES, st.sampled_from(AWKWARD)), min_size=1, max_size=4, unique=True))
    found = []
    for name in names:
        rows, dim = draw(st.integers(1, 10**6)), draw(st.integers(1, 16))
        if draw(st.booleans()):
            found.append(TablePlan(name, rows, dim))
        else:
            ranks = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
            found.append(TablePlan(name, rows, dim, TableKind.TT, smallest_shape(rows, dim, ranks)))
    return tuple(found)


def read(text):
    return YAML(typ="safe", pure=True).load(text)


@settings(deadline=None, max_examples=60)
@given(plans())
def test_round_trip(found) -> None:
    values = read(plan_yaml(found))
    assert is_plan(values)
    assert plan_from_values(values, "plan.yaml") == found


def test_a_plan_is_one_readable_line_a_table() -> None:
    text = plan_yaml(plan_tables(("C3", "C 9"), (10131227, 3), 16, 32, 1, shape=ShapeSettings(rule="entropy")))
    assert text.splitlines() == [
        "tables:",
        "- {name: C3, rows: 10131227, dim: 16, kind: tt, row_factors: [200, 220, 250], dim_factors: [2, 2, 4], "
        "ranks: [1, 32, 32, 1]}",
        '- {name: "C 9", rows: 3, dim: 16, kind: dense}',
    ]


@pytest.mark.parametrize(
    ("rows", "dim", "rank", "largest", "times_smaller"),
    [
        (KAGGLE_ROWS, 16, 32, 3, 4.06),
        (KAGGLE_ROWS, 16, 32, 5, 48.29),
        (KAGGLE_ROWS, 16, 32, 7, 117.36),
        (KAGGLE_ROWS, 16, 8, 7, 221.90),
        (TERABYTE_ROWS, 64, 32, 3, 2.55),
        (TERABYTE_ROWS, 64, 32, 5, 21.84),
        (TERABYTE_ROWS, 64, 32, 7, 95.50),
        (TERABYTE_ROWS, 64, 8, 7, 112.54),
    ],
)
def test_the_papers_shapes_cost_from_a_file_what_the_paper_says(rows, dim, rank, largest, times_smaller) -> None:
    paper = plan_tables(TABLE_NAMES, rows, dim, rank, largest, shape=ShapeSettings(rule="entropy"))
    found = plan_from_values(read(plan_yaml(paper)), "paper.yaml")
    smaller = plan_tables(TABLE_NAMES, rows, dim, rank, largest)
    dense = sum(rows) * dim
    assert round(dense / sum(plan.parameters for plan in found), 2) == times_smaller
    assert dense / sum(plan.parameters for plan in smaller) > dense / sum(plan.parameters for plan in found)


GOOD = {"name": "a", "rows": 10, "dim": 4, "kind": "dense"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([GOOD], "a table plan is `tables:`"),
        ({"tables": []}, "a list of 1 …"),
        ({"tables": GOOD}, "with a list"),
        ({"tables": [GOOD], "rows": 3}, "the key tables alone, but here is 'rows'"),
        ({"tables": [GOOD, GOOD]}, "table 2 of 2: names must differ, but 'a' occurs twice"),
        ({"tables": [GOOD, 7]}, "table 2 of 2: a table plan is a mapping"),
        ({"tables": [GOOD | {"kind": "robe"}]}, "table 1 of 1: table 'a': kind must be one of dense, tt"),
        (None, "a table plan is"),
    ],
)
def test_refusals_are_one_line_with_the_file(values, said) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_from_values(values, "plan.yaml")
    assert str(caught.value).startswith("plan.yaml: ")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_list_of_names_and_rows_is_no_plan() -> None:
    assert not is_plan({"tables": [{"name": "a", "rows": 10}]})
    assert not is_plan([GOOD])
    assert not is_plan("tables")
