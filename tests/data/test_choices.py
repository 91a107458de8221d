"""Every choice of a preparation against the rule written out in plain Python, and what it leaves behind."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ttrec_cli.data import (
    Choices,
    ClickLog,
    DenseTransform,
    Missing,
    Order,
    SplitBy,
    kaggle_log,
    open_click_log,
    prepare,
    terabyte_log,
)
from ttrec_cli.data.days import day_sizes
from ttrec_cli.errors import ConfigError, DataError

Make = Callable[..., ClickLog]


@pytest.fixture
def lines(raw_lines: Callable[[int, int], list[str]]) -> list[str]:
    return raw_lines(2100, 8)


@pytest.fixture
def make(tmp_path: Path, lines: list[str]) -> Make:
    source = tmp_path / "train.txt"
    source.write_text("\n".join(lines) + "\n")

    def run(**choices: Any) -> ClickLog:
        return prepare(kaggle_log(source), tmp_path / "out", Choices(**choices), overwrite=True)

    return run


def first_seen(values: list[Any]) -> list[int]:
    seen: dict[Any, int] = {}
    return [seen.setdefault(value, len(seen)) for value in values]


def column(lines: list[str], number: int) -> list[str]:
    return [line.split("\t")[14 + number] for line in lines]


def test_an_index_range_is_taken_before_numbering(make: Make, lines: list[str]) -> None:
    log = make(order=Order.TIME, index_range=50)
    for number in range(26):
        expected = first_seen([int(text or "0", 16) % 50 for text in column(lines, number)])
        assert log.sparse[:, number].tolist() == expected
    assert max(log.cardinalities) <= 50


@pytest.mark.parametrize("index_range", [None, 50])
def test_missing_values_can_have_an_id_of_their_own(make: Make, lines: list[str], index_range: int | None) -> None:
    log = make(order=Order.TIME, missing=Missing.OWN_ID, index_range=index_range)
    for number in range(26):
        values = [None if not text else int(text, 16) % (index_range or 2**32) for text in column(lines, number)]
        assert log.sparse[:, number].tolist() == first_seen(values)
        assert log.missing_ids[number] == first_seen(values)[values.index(None)]


def test_rare_values_share_the_last_id(make: Make, lines: list[str]) -> None:
    log = make(order=Order.TIME, min_count=4, missing=Missing.OWN_ID)
    for number in range(26):
        values = [None if not text else int(text, 16) for text in column(lines, number)]
        counts = Counter(values)
        kept = list(dict.fromkeys(value for value in values if value is None or counts[value] >= 4))
        rare = len(kept) if len(kept) < len(counts) else None
        assert log.choices["rare_ids"][number] == rare
        assert log.sparse[:, number].tolist() == [kept.index(v) if v in kept else rare for v in values]
        assert log.cardinalities[number] == len(kept) + (rare is not None)


@pytest.mark.parametrize("choices", [{}, {"min_count": 3}, {"missing": Missing.OWN_ID}])
def test_vocabularies_say_value_id_and_count(make: Make, lines: list[str], choices: dict[str, Any]) -> None:
    log = make(order=Order.TIME, **choices)
    files = sorted((log.path / "vocabulary").iterdir())
    assert [path.name for path in files][:2] == ["0000-C1.parquet", "0001-C2.parquet"]
    for number, path in enumerate(files):
        table = pq.read_table(path).to_pylist()
        assert [row["id"] for row in table] == list(range(log.cardinalities[number]))
        assert [row["count"] for row in table] == np.bincount(log.sparse[:, number]).tolist()
        ids = {row["value"]: row["id"] for row in table if row["value"] is not None}
        own = choices.get("missing") == Missing.OWN_ID
        values = [None if own and not text else int(text or "0", 16) for text in column(lines, number)]
        rare = log.choices["rare_ids"][number]
        other = log.missing_ids[number] if own else rare
        assert log.sparse[:, number].tolist() == [ids.get(value, other) for value in values]


@pytest.mark.parametrize(("how", "shift", "floor"), [(DenseTransform.LOG1P, 1, 0), (DenseTransform.LOG3, 3, -2)])
def test_dense_transforms(make: Make, lines: list[str], how: DenseTransform, shift: int, floor: int) -> None:
    raw = np.array([[int(field or 0) for field in line.split("\t")[1:14]] for line in lines])
    log = make(order=Order.TIME, dense=how)
    np.testing.assert_allclose(log.dense, np.log(np.maximum(raw, floor) + shift), rtol=1e-6)
    assert make(order=Order.TIME, dense=DenseTransform.NONE).dense.tolist() == raw.tolist()


def test_dropping_negatives_keeps_every_click_and_the_days_of_rows(make: Make, lines: list[str]) -> None:
    log = make(drop_negatives=0.875, seed=5)
    label = np.array([int(line[0]) for line in lines])
    assert log.label.sum() == label.sum()
    assert (log.label == 0).sum() == pytest.approx(0.125 * (label == 0).sum(), rel=0.3)
    assert log.day is not None
    days = np.repeat(np.arange(7), day_sizes(len(lines)))
    clicks = np.bincount(days[label == 1], minlength=7)
    assert np.bincount(log.day[log.label == 1], minlength=7).tolist() == clicks.tolist()
    last = int((log.day == 6).sum())
    assert (len(log.splits["test"]), len(log.splits["validation"])) == ((last + 1) // 2, last // 2)
    again = make(drop_negatives=0.875, seed=5)
    assert again.fingerprint == log.fingerprint
    assert make(drop_negatives=0.875, seed=6).fingerprint != log.fingerprint


def test_days_stay_known_through_the_shuffle(make: Make, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttrec_cli.data.placement.BUCKET_ROWS", 300)
    by_time, shuffled = make(order=Order.TIME), make()
    assert by_time.day is not None
    assert shuffled.day is not None
    days = np.repeat(np.arange(7), day_sizes(len(lines)))
    assert by_time.day.tolist() == days.tolist()

    def rows(log: ClickLog) -> list[tuple[Any, ...]]:
        return sorted(map(tuple, np.hstack([log.day[:, None], log.label[:, None], log.dense, log.sparse])))  # type: ignore[index]

    assert rows(open_click_log(by_time.path)) == rows(shuffled)


def test_the_shuffle_mixes_the_whole_of_the_training_rows(
    make: Make, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ttrec_cli.data.placement.BUCKET_ROWS", 300)
    log = make(seed=3)
    assert log.day is not None
    train = len(log.splits["train"])
    for part in np.array_split(log.day[:train], 6):
        assert np.bincount(part, minlength=6)[:6].min() > 20  # 50 of each day expected, with a deviation of 6


def test_random_splits(make: Make, lines: list[str]) -> None:
    log = make(split=SplitBy.RANDOM, held_out=0.2, seed=1)
    for name in ("test", "validation"):
        rows = log.splits[name]
        assert len(rows) == pytest.approx(420, abs=80)
        assert log.day is not None
        assert set(log.day[rows.start : rows.stop].tolist()) == set(range(7))


def test_every_choice_is_in_meta_and_changes_the_job(make: Make) -> None:
    log = make(index_range=99, min_count=2, drop_negatives=0.25, seed=3)
    assert log.choices["index_range"] == 99
    assert log.choices["min_count"] == 2
    assert log.choices["drop_negatives"] == 0.25
    assert log.choices["seed"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"held_out": 0.5},
        {"index_range": 0},
        {"index_range": 2**31},
        {"min_count": 0},
        {"drop_negatives": 1.0},
    ],
)
def test_impossible_choices_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        Choices(**wrong)


def test_terabyte_days_are_files_and_the_last_is_halved(tmp_path: Path, lines: list[str]) -> None:
    for day, start in enumerate((0, 500, 1200)):
        stop = (500, 1200, 1301)[day]
        (tmp_path / f"day_{day}").write_text("\n".join(lines[start:stop]) + "\n")
    log = prepare(terabyte_log(tmp_path), tmp_path / "out", Choices(order=Order.TIME))
    assert log.name == "criteo-terabyte"
    assert [len(rows) for rows in log.splits.values()] == [1200, 51, 50]
    assert log.day is not None
    assert log.day.tolist() == [0] * 500 + [1] * 700 + [2] * 101
    assert log.sparse[:, 3].tolist() == first_seen([int(text or "0", 16) for text in column(lines[:1301], 3)])
    by_pattern = prepare(terabyte_log(tmp_path / "day_*"), tmp_path / "again", Choices(order=Order.TIME))
    assert by_pattern.fingerprint == log.fingerprint


def test_days_missing_or_twice_are_named(tmp_path: Path) -> None:
    for name in ("day_0", "day_2"):
        (tmp_path / name).write_text("x\n")
    with pytest.raises(DataError, match="day_1 is missing between day_0 and day_2"):
        terabyte_log(tmp_path)
    (tmp_path / "day_2.gz").write_text("x\n")
    with pytest.raises(DataError, match=r"day 2 is there twice, also as day_2; keep one"):
        terabyte_log(tmp_path)
