"""`prepare_criteo_kaggle` against the rules written out in plain Python, and on input that is not as it should be."""

import gzip
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ttrec_cli.data import Order, Progress, Stages, open_click_log, prepare_criteo_kaggle
from ttrec_cli.errors import DataError


def told_of(step: str, told: list[int]) -> Stages:
    """Stages that note the progress of one step."""

    @contextmanager
    def stages(name: str, total: float, done: float) -> Iterator[Progress]:
        yield told.append if name == step else (lambda rows: None)

    return stages


@dataclass
class Expected:
    """Rows in file order, by the rules of the DLRM script."""

    label: list[int]
    dense: list[list[float]]
    ids: list[list[int]]
    cardinalities: tuple[int, ...]
    missing_ids: tuple[int | None, ...]


def by_the_rules(lines: list[str]) -> Expected:
    vocabularies: list[dict[int, int]] = [{} for _ in range(26)]
    label, dense, ids = [], [], []
    for line in lines:
        fields = line.split("\t")
        label.append(int(fields[0]))
        dense.append([math.log(max(int(field or "0"), 0) + 1) for field in fields[1:14]])
        values = [int(field or "0", 16) for field in fields[14:]]
        ids.append([seen.setdefault(value, len(seen)) for seen, value in zip(vocabularies, values, strict=True)])
    return Expected(label, dense, ids, tuple(map(len, vocabularies)), tuple(seen.get(0) for seen in vocabularies))


@pytest.mark.parametrize("rows", [14, 3000, 3004])
def test_in_time_order_every_row_is_as_the_rules_say(
    tmp_path: Path, raw_lines: Callable[[int, int], list[str]], rows: int
) -> None:
    lines = raw_lines(rows, rows)
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    log = prepare_criteo_kaggle(tmp_path / "train.txt", tmp_path / "out", order=Order.TIME)
    expected = by_the_rules(lines)
    assert log.label.tolist() == expected.label
    assert log.sparse.tolist() == expected.ids
    np.testing.assert_allclose(log.dense, expected.dense, rtol=1e-6)
    assert log.cardinalities == expected.cardinalities
    assert log.missing_ids == expected.missing_ids
    last_day = len(np.array_split(np.arange(rows), 7)[-1])
    assert [len(log.splits[name]) for name in ("train", "test", "validation")] == [
        rows - last_day,
        math.ceil(last_day / 2),
        last_day // 2,
    ]
    assert (log.name, log.synthetic) == ("criteo-kaggle", False)


def test_shuffling_moves_whole_training_rows_across_days_and_nothing_else(
    tmp_path: Path, raw_log: Callable[..., Path]
) -> None:
    source = raw_log(3004)
    time = prepare_criteo_kaggle(source, tmp_path / "time", order=Order.TIME)
    shuffled = prepare_criteo_kaggle(source, tmp_path / "shuffled", seed=3)
    train = len(time.splits["train"])

    def rows(log: object) -> np.ndarray:
        return np.hstack([log.label[:, None], log.dense, log.sparse])  # type: ignore[attr-defined]

    before, after = rows(time), rows(shuffled)
    np.testing.assert_array_equal(before[train:], after[train:])
    assert not np.array_equal(before[:train], after[:train])
    assert sorted(map(tuple, before[:train])) == sorted(map(tuple, after[:train]))
    first_ids_seen = shuffled.sparse[: train // 6, 2].max()
    assert first_ids_seen > time.sparse[: train // 6, 2].max()  # rows of later days came to the front


def test_same_seed_same_bytes_other_seed_other_order(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    source = raw_log(700)
    logs = [prepare_criteo_kaggle(source, tmp_path / str(run), seed=seed) for run, seed in enumerate((5, 5, 6))]
    for name in ("dense.f32", "sparse.i32", "label.u8", "meta.json"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
    assert logs[0].fingerprint == logs[1].fingerprint != logs[2].fingerprint
    assert {path.name for path in (tmp_path / "0").iterdir()} == {
        "dense.f32", "sparse.i32", "label.u8", "day.u8", "meta.json", "vocabulary",
    }  # fmt: skip


def test_gzip_and_a_missing_last_line_end_change_nothing(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    source = raw_log(100)
    packed = tmp_path / "train.bin"
    packed.write_bytes(gzip.compress(source.read_bytes().rstrip(b"\n")))
    plain_log = prepare_criteo_kaggle(source, tmp_path / "plain")
    packed_log = prepare_criteo_kaggle(packed, tmp_path / "packed")
    assert plain_log.fingerprint == packed_log.fingerprint
    assert packed_log.choices["source"] == "train.bin"


def test_a_bad_line_stops_with_file_and_line_and_leaves_nothing(
    tmp_path: Path, raw_lines: Callable[[int, int], list[str]]
) -> None:
    lines = raw_lines(50, 1)
    lines[16] = lines[16].replace(lines[16][0], "7", 1)
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"train\.txt:17: the label must be 0 or 1, is '7'"):
        prepare_criteo_kaggle(tmp_path / "train.txt", tmp_path / "deep" / "out")
    assert {path.name for path in tmp_path.rglob("*")} == {"train.txt", "deep"}


def test_bad_lines_can_be_skipped_and_are_counted(tmp_path: Path, raw_lines: Callable[[int, int], list[str]]) -> None:
    lines = raw_lines(60, 2)
    broken = [*lines[:20], "not a row", *lines[20:40], lines[3] + "\t1", *lines[40:], ""]
    (tmp_path / "train.txt").write_text("\n".join(broken) + "\n")
    told: list[int] = []
    log = prepare_criteo_kaggle(
        tmp_path / "train.txt", tmp_path / "out", skip_bad_lines=True, order=Order.TIME, stages=told_of("reading", told)
    )
    assert log.choices["skipped_lines"] == 3
    assert log.sparse.tolist() == by_the_rules(lines).ids
    assert sum(told) == 63


def test_a_file_of_only_bad_lines_says_why_even_when_skipping(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a,b\n" * 100)
    with pytest.raises(DataError, match=r"train\.txt:1: a line must have 40 fields"):
        prepare_criteo_kaggle(tmp_path / "train.txt", tmp_path / "out", skip_bad_lines=True)


def test_too_few_rows_for_seven_days(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="at least 14 rows are needed to make 7 days, has 13"):
        prepare_criteo_kaggle(raw_log(13), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_source_leaves_no_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        prepare_criteo_kaggle(tmp_path / "none", tmp_path / "deep" / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["reading", "numbering", "ordering"])
def test_an_interrupted_preparation_leaves_no_dataset_and_is_taken_up(
    tmp_path: Path, raw_log: Callable[..., Path], step: str
) -> None:
    @contextmanager
    def interrupt(name: str, total: float, done: float) -> Iterator[Progress]:
        def stop(rows: int) -> None:
            if name == step:
                raise KeyboardInterrupt

        yield stop

    source = raw_log(300)
    with pytest.raises(KeyboardInterrupt):
        prepare_criteo_kaggle(source, tmp_path / "out", stages=interrupt)
    assert {path.name for path in tmp_path.iterdir()} == {"train.txt", ".out.partial"}
    resumed = prepare_criteo_kaggle(source, tmp_path / "out")
    whole = prepare_criteo_kaggle(source, tmp_path / "whole")
    assert (resumed.path / "meta.json").read_bytes() == (whole.path / "meta.json").read_bytes()
    open_click_log(resumed.path, verify=True)
    assert {path.name for path in tmp_path.iterdir()} == {"train.txt", "out", "whole"}


def test_a_dataset_is_replaced_only_on_request_and_only_by_a_whole_one(
    tmp_path: Path, raw_log: Callable[..., Path]
) -> None:
    source, out = raw_log(30), tmp_path / "out"
    first = prepare_criteo_kaggle(source, out)
    with pytest.raises(DataError, match="already holds a dataset; pass --overwrite"):
        prepare_criteo_kaggle(source, out, seed=1)
    source.write_text("broken\n")
    with pytest.raises(DataError, match="must have 40 fields"):
        prepare_criteo_kaggle(source, out, overwrite=True)
    assert open_click_log(out, verify=True).fingerprint == first.fingerprint
    second = prepare_criteo_kaggle(raw_log(40), out, overwrite=True)
    assert len(open_click_log(out, verify=True).label) == 40
    assert second.fingerprint != first.fingerprint
    assert {path.name for path in tmp_path.iterdir()} == {"train.txt", "out"}
