"""Logs of one's own: Parquet and CSV with named columns, against plain Python; and what they may not hold."""

import math
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttrec_cli.data import Choices, DenseTransform, Order, SplitBy, open_raw_log, prepare, prepare_criteo_kaggle
from ttrec_cli.data.columns import Columns, read_columns
from ttrec_cli.data.raw_log import Place
from ttrec_cli.data.table_log import table_log
from ttrec_cli.errors import ConfigError, DataError

ROWS = 500
COLUMNS = Columns.model_validate(
    {"name": "shop", "label": "clicked", "dense": ["price"], "categorical": ["user", "item"]}
)
TIME = Choices(order=Order.TIME)
NO_CHANGE = DenseTransform.NONE


@pytest.fixture
def table() -> dict[str, list[Any]]:
    source = random.Random(2)
    return {
        "user": [source.choice([-(2**62), 0, 7, 10**15, None, 2**63 - 1]) for _ in range(ROWS)],
        "item": [source.choice(["", "ä", "sku-1", "x" * 300, None, "1"]) for _ in range(ROWS)],
        "price": [source.choice([None, -1.0, 0.0, 2.5, 1e9]) for _ in range(ROWS)],
        "clicked": [source.random() < 0.3 for _ in range(ROWS)],
        "other": [object.__name__] * ROWS,
    }


def first_seen(values: list[Any]) -> list[int]:
    seen: dict[Any, int] = {}
    return [seen.setdefault(value, len(seen)) for value in values]


def test_parquet_is_what_its_values_say(tmp_path: Path, table: dict[str, list[Any]]) -> None:
    pq.write_table(pa.table(table), tmp_path / "log.parquet", row_group_size=130)
    log = prepare(table_log(tmp_path / "log.parquet", COLUMNS), tmp_path / "out", TIME)
    assert (log.name, log.columns, log.dense_columns) == ("shop", ("user", "item"), ("price",))
    assert log.label.tolist() == [int(value) for value in table["clicked"]]
    assert log.sparse[:, 0].tolist() == first_seen(table["user"])
    assert log.sparse[:, 1].tolist() == first_seen(table["item"])
    expected = [math.log1p(max(value or 0.0, 0.0)) for value in table["price"]]
    assert log.dense[:, 0].tolist() == pytest.approx(expected, rel=1e-6)
    assert log.missing_ids == tuple(first_seen(table[name])[table[name].index(None)] for name in ("user", "item"))
    for number, name in enumerate(("user", "item")):
        rows = pq.read_table(log.path / "vocabulary" / f"{number:04}-{name}.parquet").to_pylist()
        assert [row["value"] for row in rows] == list(dict.fromkeys(table[name]))


def test_chunks_do_not_matter_to_texts_and_rare_ones_share_an_id(
    tmp_path: Path, table: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    table["item"] = [f"item-{int(random.Random(row).paretovariate(0.8))}" for row in range(ROWS)]
    pq.write_table(pa.table(table), tmp_path / "log.parquet", row_group_size=37)
    raw = table_log(tmp_path / "log.parquet", COLUMNS)
    whole = prepare(raw, tmp_path / "whole", Choices(order=Order.TIME, min_count=2, drop_negatives=0.2))
    monkeypatch.setattr("ttrec_cli.data.chunks.CHUNK_ROWS", 60)
    monkeypatch.setattr("ttrec_cli.data.table_log.BATCH_ROWS", 25)
    parts = prepare(raw, tmp_path / "parts", Choices(order=Order.TIME, min_count=2, drop_negatives=0.2))
    assert parts.fingerprint == whole.fingerprint
    names = [pq.read_table(log.path / "vocabulary" / "0001-item.parquet") for log in (whole, parts)]
    assert names[0].equals(names[1])
    assert names[0]["value"].to_pylist()[-1] is None  # the rare ones


def test_csv_holds_texts(tmp_path: Path, table: dict[str, list[Any]]) -> None:
    table["item"] = [value or "none" for value in table["item"]]
    table["user"] = [value or 0 for value in table["user"]]
    pd.DataFrame(table).assign(clicked=[int(value) for value in table["clicked"]]).to_csv(
        tmp_path / "a.csv", index=False
    )
    log = prepare(table_log(tmp_path / "a.csv", COLUMNS), tmp_path / "out", TIME)
    assert log.sparse[:, 0].tolist() == first_seen(table["user"])
    assert log.sparse[:, 1].tolist() == first_seen(table["item"])


CSV_HEADER = "user,item,price,clicked"


@pytest.mark.parametrize("values", [("True", "False"), ("true", "false"), ("1", "0"), ("1.0", "0.0")])
def test_labels_in_csv_may_be_booleans(tmp_path: Path, values: tuple[str, str]) -> None:
    lines = [f"u{row},i,1.5,{values[row % 3 > 0]}" for row in range(30)]
    (tmp_path / "a.csv").write_text("\n".join([CSV_HEADER, *lines]) + "\n")
    log = prepare(table_log(tmp_path / "a.csv", COLUMNS), tmp_path / "out", TIME)
    assert log.label.tolist() == [1, 0, 0] * 10


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("u,i,1,2", "clicked must be 0 or 1, is '2'"),
        ("u,i,1,yes", "clicked must be 0 or 1, is 'yes'"),
        ("u,i,1,", "clicked must be 0 or 1, is empty"),
        ("u,i,cheap,1", "price must be a number, is 'cheap'"),
        ("u,i,inf,1", "price must be a finite number, is 'inf'"),
        ("u,i,1", "must have 4 fields, has 3"),
        ("u,i,1,0,9", "must have 4 fields, has 5"),
    ],
)
def test_bad_lines_of_csv_are_named_as_an_editor_counts_or_left_out(tmp_path: Path, bad: str, problem: str) -> None:
    good = [f"u{row},i{row % 3},{row},{row % 2}" for row in range(40)]
    lines = [CSV_HEADER, *good[:5], "", '"u\n5",i5,5,1', *good[6:20], bad, *good[20:], "u,i,also bad,1", "short"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    line = path.read_text().split("\n").index(bad) + 1
    with pytest.raises(DataError) as raised:
        prepare(table_log(path, COLUMNS), tmp_path / "out", TIME)
    assert str(raised.value) == (
        f"{path}:{line}: {problem}; repair the line, or leave such lines out with --skip-bad-lines"
    )
    log = prepare(
        table_log(path, COLUMNS), tmp_path / "skipped", Choices(order=Order.TIME, skip_bad_lines=True, dense=NO_CHANGE)
    )
    assert log.choices["skipped_lines"] == 3
    assert log.dense[:, 0].tolist() == list(range(40))
    assert log.cardinalities == (40, 4)  # nothing of the lines left out


@pytest.mark.parametrize("seed", range(3))
def test_blocks_do_not_matter_to_bad_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    source = random.Random(seed)
    kinds = ["{0},i,{0},1", "{0},i,{0},0", "u,i,x,1", "u,i,1", "u,i,1,2,3", ""]
    picked = [source.choices(kinds, [10, 10, 2, 2, 1, 1])[0] for _ in range(300)] + kinds[3:5]
    (tmp_path / "a.csv").write_text("\n".join([CSV_HEADER, *(kind.format(row) for row, kind in enumerate(picked))]))
    good = [row for row, kind in enumerate(picked) if kind in kinds[:2]]
    choices = Choices(order=Order.TIME, skip_bad_lines=True, dense=NO_CHANGE)
    monkeypatch.setattr("ttrec_cli.data.chunks.CHUNK_ROWS", 20)
    monkeypatch.setattr("ttrec_cli.data.table_csv.CSV_BLOCK_BYTES", 200)
    raw = table_log(tmp_path / "a.csv", COLUMNS)
    log = prepare(raw, tmp_path / "out", choices)
    assert log.dense[:, 0].tolist() == good
    assert log.choices["skipped_lines"] == sum(kind in kinds[2:5] for kind in picked)
    pieces = [piece() for piece in raw.pieces(Place(), choices)]
    again = [piece() for piece in raw.pieces(pieces[3].next, choices)]
    assert [(piece.lines, piece.next) for piece in again] == [(piece.lines, piece.next) for piece in pieces[4:]]
    first = next(row for row, kind in enumerate(picked) if kind in kinds[2:5])
    with pytest.raises(DataError, match=rf"a\.csv:{first + 2}: "):
        prepare(raw, tmp_path / "strict", TIME)


def test_csv_that_is_not_utf_8_names_line_and_column(tmp_path: Path) -> None:
    rows = [b"u,i,1,0"] * 20
    rows[7] = b"u,\xff,1,0"
    (tmp_path / "a.csv").write_bytes(b"\n".join([CSV_HEADER.encode(), *rows]))
    with pytest.raises(DataError, match=r"a\.csv:9: item must be UTF-8 text"):
        prepare(table_log(tmp_path / "a.csv", COLUMNS), tmp_path / "out", TIME)


def test_bad_rows_of_parquet_are_left_out_too(tmp_path: Path) -> None:
    rows = {"user": [1] * 20, "item": ["a"] * 19 + ["b"], "price": [1.0] * 20, "clicked": [0] * 19 + [3]}
    pq.write_table(pa.table(rows), tmp_path / "log.parquet")
    choices = Choices(order=Order.TIME, skip_bad_lines=True)
    log = prepare(table_log(tmp_path / "log.parquet", COLUMNS), tmp_path / "out", choices)
    assert (len(log.label), log.choices["skipped_lines"], log.cardinalities) == (19, 1, (1, 1))


def test_labels_from_ratings_splits_from_a_column_and_no_dense_feature(tmp_path: Path) -> None:
    rows = {"movie": [1, 2, 3, 1] * 25, "rating": [5.0, 3.5, 4.0, 1.0] * 25, "part": ["a", "b", "c", "a"] * 25}
    pq.write_table(pa.table(rows), tmp_path / "log.parquet")
    (tmp_path / "movies.yaml").write_text(
        "name: movies\nlabel: {column: rating, at_least: 4}\ncategorical: [movie]\n"
        "split: {column: part, test: [b], validation: [c]}\n"
    )
    raw, _ = open_raw_log(str(tmp_path / "movies.yaml"), tmp_path / "log.parquet")
    log = prepare(raw, tmp_path / "out", Choices(order=Order.TIME, split=SplitBy.COLUMN))
    assert [len(part) for part in log.splits.values()] == [50, 25, 25]
    assert log.label.tolist() == [1, 0] * 25 + [0] * 25 + [1] * 25
    assert log.dense.shape == (100, 1)
    assert not log.dense.any()


def test_criteos_columns_in_csv_and_parquet_give_the_ids_of_the_raw_file(tmp_path: Path, raw_log: Any) -> None:
    source = raw_log(300)
    expected = prepare_criteo_kaggle(source, tmp_path / "raw")
    names = ["label", *(f"I{i}" for i in range(1, 14)), *(f"C{i}" for i in range(1, 27))]
    frame = pd.read_csv(source, sep="\t", header=None, names=names, dtype=str, keep_default_na=False)
    frame.to_csv(tmp_path / "log.csv", index=False)
    numbers = frame.replace("", None)
    numbers[names[:14]] = numbers[names[:14]].astype(float)
    numbers.to_parquet(tmp_path / "log.parquet")
    whole = numbers.copy()
    for name in names[14:]:
        whole[name] = [int(text or "0", 16) for text in frame[name]]
    whole.to_parquet(tmp_path / "numbers.parquet")
    for name in ("log.csv", "log.parquet", "numbers.parquet"):
        raw, taken_for = open_raw_log("auto", tmp_path / name)
        assert "Criteo's column names" in taken_for
        assert prepare(raw, tmp_path / f"out-{name}", Choices()).fingerprint == expected.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clicked": [2] * 20}, r"log\.parquet: row 0: clicked must be 0 or 1, is 2; mend the row"),
        ({"clicked": [0] * 7 + [None] + [0] * 12}, r"row 7: clicked must be 0 or 1, is None"),
        ({"price": [float("inf")] * 20}, r"row 0: price must be a finite number"),
        ({"price": ["a lot"] * 20}, "price must be numbers|price must hold numbers"),
        ({"user": [[[1], [2]]] * 20}, r"user must hold texts or whole numbers, holds list"),
        ({"user": [[1, 2]] * 19 + [[7] * 257]}, r"row 19: user must hold at most 256 values; say how many"),
        ({"user": [[1, -(2**63) + 1]] * 20}, r"row 0: user must be another number \(this one is reserved\)"),
        ({"user": [0.5] * 20}, r"user must hold texts or whole numbers, holds double"),
        ({"user": [-(2**63) + 1] * 20}, r"row 0: user must be another number \(this one is reserved\)"),
    ],
)
def test_values_that_cannot_be_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    good = {"user": [1] * 20, "item": ["a"] * 20, "price": [1.0] * 20, "clicked": [0] * 20}
    pq.write_table(pa.table(good | change), tmp_path / "log.parquet")
    with pytest.raises(DataError, match=message):
        prepare(table_log(tmp_path / "log.parquet", COLUMNS), tmp_path / "out", TIME)
    assert {path.name for path in tmp_path.iterdir()} == {"log.parquet"}


def test_files_that_are_no_such_tables(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "two.csv").write_text("a,b\n1,2\n")
    (tmp_path / "ragged.csv").write_text("user,item,price,clicked\n1,a,2,0\n1,a\n")
    for name, message in (
        ("cut.parquet", "cannot be read as Parquet"),
        ("two.csv", "must have one column 'clicked'; its columns are a, b"),
        ("ragged.csv", r"ragged\.csv:3: must have 4 fields, has 2; repair the line, or .* --skip-bad-lines"),
    ):
        with pytest.raises(DataError, match=message):
            prepare(table_log(tmp_path / name, COLUMNS), tmp_path / "out", TIME)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label: y\n", r"log\.yaml:1:1: categorical: Field required"),
        ("label: y\ncategorical: [a]\nsparse: [b]\n", r"log\.yaml:3:1: unknown key 'sparse'; known here: name, label"),
        ("label: y\ncatgorical: [a]\n", r"log\.yaml:2:1: unknown key 'catgorical'; did you mean 'categorical'\?"),
        ("label: y\ndens: [b]\ncategorical: [a]\n", r"log\.yaml:2:1: unknown key 'dens'; did you mean 'dense'\?"),
        ("label: {colum: y}\ncategorical: [a]\n", r"log\.yaml:1:9: unknown key 'colum'; did you mean 'column'\?"),
        ("label: y\ncategorical: [a, y]\n", "a column has one role, but 'y' is there twice"),
        ("label: y\ncategorical: []\n", "categorical"),
        ("name: ../../etc\nlabel: y\ncategorical: [a]\n", r"log\.yaml:1:1: name"),
    ],
)
def test_columns_files_that_break_a_rule(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "log.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_columns(tmp_path / "log.yaml")


def test_column_names_do_not_leave_the_folder(tmp_path: Path) -> None:
    hostile = {"../../up": ["a"] * 20, "y": [0] * 20}
    pq.write_table(pa.table(hostile), tmp_path / "log.parquet")
    columns = Columns.model_validate({"label": "y", "categorical": ["../../up"]})
    log = prepare(table_log(tmp_path / "log.parquet", columns), tmp_path / "deep" / "er" / "out", TIME)
    assert [path.name for path in (log.path / "vocabulary").iterdir()] == ["0000-______up.parquet"]
