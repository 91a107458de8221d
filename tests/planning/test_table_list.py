"""Lists of tables and weights from CSV, YAML and a dataset's own words."""

import pytest

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import KAGGLE_ROWS, ModelTable, named_tables
from ttrec_cli.planning.table_list import tables_from_csv, tables_from_values, weights_from_csv, weights_from_values

TWO = (ModelTable("user", 1000), ModelTable("item", 20))
DESCRIBED = {
    "ttrec": "1",
    "command": "data describe",
    "result": {"columns": [
        {"name": "user", "cardinality": 1000, "missing_fraction": 0.25, "top1_share": 0.1, "top10_share": 0.2},
        {"name": "item", "cardinality": 20, "missing_fraction": 0.0, "top1_share": 0.1, "top10_share": 0.2},
    ]},
}  # fmt: skip


def test_named_lists() -> None:
    assert tuple(table.rows for table in named_tables("kaggle")) == KAGGLE_ROWS
    with pytest.raises(ConfigError, match="did you mean kaggle"):
        named_tables("kagle")


@pytest.mark.parametrize(
    "text",
    [
        "name,rows\nuser,1000\nitem,20\n",
        "\ufeffname, rows\r\nuser, 1000\r\nitem, 20\r\n",
        "rows,note,name\n1000,x,user\n20,,item\n",
    ],
)
def test_csv(text) -> None:
    assert tables_from_csv(text, "t.csv") == TWO


@pytest.mark.parametrize(
    "values",
    [
        [{"name": "user", "rows": 1000}, {"name": "item", "rows": 20}],
        {"tables": [{"name": "user", "rows": 1000}, {"name": "item", "rows": 20}]},
        {"user": 1000, "item": 20},
        {"schema": "ttrec-click-log", "columns": ["user", "item"], "cardinalities": [1000, 20], "rows": 77},
        DESCRIBED,
    ],
)
def test_values(values) -> None:
    assert tables_from_values(values, "t.yaml") == TWO


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "t.csv:1: needs a header with name,rows, but has ''"),
        ("user,1000\n", "needs a header with name,rows, but has 'user,1000'"),
        ("name,rows\n", "1 … 10000 tables, but here are 0"),
        ("name,rows\nuser\n", "t.csv:2: needs name,rows, but has too few fields"),
        ("name,rows\nuser,1000\nuser,3\n", "t.csv:3: names must differ, but 'user' occurs twice"),
        ("name,rows\nuser,many\n", "t.csv:2: rows of 'user' must be whole"),
        ("name,rows\nuser,-1\n", "rows of 'user' must be whole"),
        ("name,rows\nuser,1e3\n", "but are '1e3'"),
        ("name,rows\nuser," + "9" * 5000 + "\n", "must be whole"),
        ("name,rows\nuser\x1b[2J,10\n", "printable"),
        ("name,rows\n,10\n", "a table needs a name"),
        ('name,rows\n"user,10\n', "not readable as CSV"),
    ],
)
def test_csv_refusals(text, said) -> None:
    with pytest.raises(ConfigError) as caught:
        tables_from_csv(text, "t.csv")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (None, "holds no tables"),
        ("tables", "holds no tables"),
        ([], "here are 0"),
        ([7], "t.yaml: table 1: must be {name: …, rows: …}, but is '7'"),
        ([{"name": "a"}], "must be {name: …, rows: …}"),
        ([{"name": "a", "rows": 1, "dmi": 4}], "here is 'dmi'"),
        ([{"name": "a", "rows": True}], "must be whole"),
        ([{"name": "a", "rows": 1.5}], "must be whole"),
        ([{"name": "a", "rows": 10**13}], "must be whole"),
        ([{"name": ["a"], "rows": 10}], "a table needs a name"),
        ({"a\nb": 5}, "printable"),
        ({"columns": ["a"], "cardinalities": [1, 2]}, "as many columns as cardinalities"),
        ({"result": {"columns": [{"name": "a"}]}}, "column 1: needs name and cardinality"),
    ],
)
def test_value_refusals(values, said) -> None:
    with pytest.raises(ConfigError) as caught:
        tables_from_values(values, "t.yaml")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_weights() -> None:
    assert weights_from_csv("name,lookups\nitem,2\nuser,0.5\nother,9\n", TWO, "w.csv") == (0.5, 2.0)
    assert weights_from_values({"user": 3, "item": 4}, TWO, "w.yaml") == (3.0, 4.0)
    assert weights_from_values(DESCRIBED, TWO, "d.json") == (0.75, 1.0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"user": 1}, "must weigh every table, but lacks 'item'"),
        ({"user": 1, "item": -2}, "the weight of 'item' must be a number of at least 0, but is -2"),
        ({"user": 1, "item": "many"}, "the weight of 'item' must be a number"),
        ({"user": 1, "item": float("inf")}, "the weight of 'item'"),
        ({"user": 1, "item": 10**400}, "the weight of 'item'"),
        ({"user": 0, "item": 0}, "all weights are 0"),
        ([1, 2], "holds no weights"),
    ],
)
def test_weight_refusals(values, said) -> None:
    with pytest.raises(ConfigError) as caught:
        weights_from_values(values, TWO, "w.yaml")
    assert said in str(caught.value)
