"""Columns of lists: from Parquet and CSV to padded ids, by every way a preparation can go, against plain Python."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttrec_cli.data import Choices, ClickLog, Order, describe, open_click_log, prepare
from ttrec_cli.data.columns import Columns
from ttrec_cli.data.table_log import table_log
from ttrec_cli.errors import DataError

ROWS = 400
COLUMNS = Columns.model_validate(
    {"label": "y", "dense": ["row"], "categorical": ["history", "user", {"column": "tags", "at_most": 3}]}
)
TIME = Choices(order=Order.TIME)


@pytest.fixture
def table() -> dict[str, list[Any]]:
    source = random.Random(3)

    def bag(values: list[Any], longest: int) -> list[Any] | None:
        return None if source.random() < 0.1 else source.choices(values, k=source.randint(0, longest))

    return {
        "history": [bag([-5, 10**15, 7, 8, None, *range(100, 130)], 5) for _ in range(ROWS)],
        "user": [source.randrange(20) for _ in range(ROWS)],
        "tags": [bag(["a", "ä", "", "b", None, *map(str, range(30))], 7) for _ in range(ROWS)],
        "row": [float(row) for row in range(ROWS)],
        "y": [source.random() < 0.4 for _ in range(ROWS)],
    }


def written(path: Path, table: dict[str, list[Any]], **types: pa.DataType) -> Path:
    arrays = {name: pa.array(values, types.get(name)) for name, values in table.items()}
    pq.write_table(pa.table(arrays), path, row_group_size=90)
    return path


def expected(bags: list[list[Any] | None], at_most: int = 256) -> list[list[int]]:
    """Ids in first-seen order, and −1 up to the longest."""
    kept = [(bag or [])[-at_most:] for bag in bags]
    seen: dict[Any, int] = {}
    ids = [[seen.setdefault(value, len(seen)) for value in bag] for bag in kept]
    width = max(map(len, ids))
    return [bag + [-1] * (width - len(bag)) for bag in ids]


@pytest.mark.parametrize(
    "types",
    [
        {},
        {"history": pa.large_list(pa.int64()), "tags": pa.list_(pa.dictionary(pa.int8(), pa.string()))},
    ],
)
def test_lists_are_ids_padded_to_the_longest(
    tmp_path: Path, table: dict[str, list[Any]], types: dict[str, Any]
) -> None:
    log = prepare(table_log(written(tmp_path / "a.parquet", table, **types), COLUMNS), tmp_path / "out", TIME)
    assert log.bag_widths == (5, 0, 3)
    assert log.sparse.shape == (ROWS, 9)
    assert log.ids(0).tolist() == expected(table["history"])
    assert log.ids(1).tolist() == expected([[user] for user in table["user"]])
    assert log.ids(2).tolist() == expected(table["tags"], at_most=3)
    assert open_click_log(log.path, verify=True).bag_widths == log.bag_widths
    rows = pq.read_table(log.path / "vocabulary" / "0002-tags.parquet").to_pylist()
    ids = log.ids(2)
    assert [row["count"] for row in rows] == np.bincount(ids[ids >= 0]).tolist()
    names = [row["value"] for row in rows]
    for row in (0, 7, ROWS - 1):
        assert [names[id_] for id_ in ids[row] if id_ >= 0] == (table["tags"][row] or [])[-3:]


def test_batches_are_views_that_say_how_bags_lie(tmp_path: Path, table: dict[str, list[Any]]) -> None:
    log = prepare(table_log(written(tmp_path / "a.parquet", table), COLUMNS), tmp_path / "out", TIME)
    (batch, *_) = log.batches("train", 64)
    assert batch.bag_widths == (5, 0, 3)
    assert np.shares_memory(batch.sparse, log.sparse)


def test_neither_chunks_nor_threads_nor_parts_change_a_byte(
    tmp_path: Path, table: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = table_log(written(tmp_path / "a.parquet", table), COLUMNS)
    choices = Choices(min_count=2, drop_negatives=0.2, seed=4)
    monkeypatch.setattr("ttrec_cli.data.placement.BUCKET_IDS", 900)  # 100 rows of 9 slots
    whole = prepare(raw, tmp_path / "whole", choices, threads=1)
    sizes = {
        "chunks.CHUNK_ROWS": 60,
        "table_log.BATCH_ROWS": 25,
        "placing.PART_IDS": 200,
        "numbering.PADDED_NUMBERS": 40,
    }
    for name, value in (sizes | {"numbering.PADDED_NUMBERS": 40}).items():
        monkeypatch.setattr(f"ttrec_cli.data.{name}", value)
    parts = prepare(raw, tmp_path / "parts", choices, threads=3)
    assert parts.fingerprint == whole.fingerprint
    for file in sorted(path.relative_to(whole.path) for path in whole.path.rglob("*.*")):
        if file.suffix == ".parquet":
            assert pq.read_table(whole.path / file).equals(pq.read_table(parts.path / file)), file
        elif file.suffix != ".json":
            assert (whole.path / file).read_bytes() == (parts.path / file).read_bytes(), file


def test_rows_stay_together_through_shuffle_and_rare_values(tmp_path: Path, table: dict[str, list[Any]]) -> None:
    raw = table_log(written(tmp_path / "a.parquet", table), COLUMNS)
    by_time = prepare(raw, tmp_path / "time", Choices(order=Order.TIME, min_count=24))
    shuffled = prepare(raw, tmp_path / "shuffled", Choices(seed=1, min_count=24))

    def rows(log: ClickLog) -> list[Any]:
        return sorted(zip(log.dense[:, 0].tolist(), log.label.tolist(), log.sparse.tolist(), strict=True))

    assert rows(by_time) == rows(shuffled)
    rare = by_time.choices["rare_ids"][0]
    values = [value for bag in table["history"] for value in bag or []]
    kept = {value for value in values if value is None or values.count(value) >= 24}
    assert by_time.cardinalities[0] == len(kept) + 1
    got = by_time.ids(0)
    for row, bag in enumerate(table["history"]):
        assert [id_ == rare for id_ in got[row] if id_ >= 0] == [value not in kept for value in bag or []]


def test_texts_with_a_separator_are_lists(tmp_path: Path) -> None:
    genres = [["Action", "War"], [], ["War"], ["War", "Drama", "Action"]] * 10
    lines = ["y,genres", *(f"{row % 2},{'|'.join(bag)}" for row, bag in enumerate(genres))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    columns = Columns.model_validate({"label": "y", "categorical": [{"column": "genres", "separator": "|"}]})
    log = prepare(table_log(tmp_path / "a.csv", columns), tmp_path / "out", TIME)
    assert log.ids(0).tolist() == expected(genres)


def test_empty_lists_alone_and_fixed_sizes(tmp_path: Path) -> None:
    table = {"y": [0, 1] * 10, "none": [[]] * 20, "pair": [[1, 2], None] * 10}
    types = {"none": pa.list_(pa.int32()), "pair": pa.list_(pa.int64(), 2)}
    columns = Columns.model_validate({"label": "y", "categorical": ["none", "pair"]})
    with pytest.raises(DataError, match="none has no values at all; leave it out"):
        prepare(table_log(written(tmp_path / "a.parquet", table, **types), columns), tmp_path / "out", TIME)
    columns = Columns.model_validate({"label": "y", "categorical": ["pair"]})
    log = prepare(table_log(tmp_path / "a.parquet", columns), tmp_path / "out", TIME)
    assert log.ids(0).tolist() == [[0, 1], [-1, -1]] * 10


@pytest.mark.parametrize(
    ("category", "message"),
    [
        ({"column": "user", "at_most": 3}, "user holds no lists, at_most is for lists"),
        ({"column": "user", "separator": ","}, "user holds numbers, a separator is for texts"),
    ],
)
def test_settings_of_lists_are_for_lists(
    tmp_path: Path, table: dict[str, list[Any]], category: dict[str, Any], message: str
) -> None:
    path = written(tmp_path / "a.parquet", table)
    with pytest.raises(DataError, match=message):
        table_log(path, Columns.model_validate({"label": "y", "categorical": [category]}))


def test_described_by_lookups_and_empty_bags(tmp_path: Path, table: dict[str, list[Any]]) -> None:
    log = prepare(table_log(written(tmp_path / "a.parquet", table), COLUMNS), tmp_path / "out", TIME)
    history, user, _ = describe(log)
    values = [value for bag in table["history"] for value in bag or []]
    counts = sorted((values.count(value) for value in set(values) - {None}), reverse=True)
    assert history.top1_share == pytest.approx(counts[0] / len(values))
    assert history.top10_share == pytest.approx(sum(counts[:10]) / len(values))
    assert history.missing_fraction == sum(not bag or bag[0] is None for bag in table["history"]) / ROWS
    assert user.missing_fraction == 0
