"""CSV logs that are packed, whatever their name, and preparations of them taken up again."""

import gzip
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from ttrec_cli.data import Choices, DenseTransform, Order, Progress, prepare
from ttrec_cli.data.columns import Columns
from ttrec_cli.data.table_log import table_log
from ttrec_cli.errors import DataError

COLUMNS = Columns.model_validate({"label": "y", "dense": ["row"], "categorical": ["user", "item"]})
ROWS = 900
SKIPPING = Choices(order=Order.TIME, dense=DenseTransform.NONE, skip_bad_lines=True, min_count=2)
BAD = ("{0},u,i,2", "{0},u", "{0},u,i,1,5", "x,u,i,1", "")


@pytest.fixture
def text() -> tuple[str, list[int], int]:
    """A CSV log with bad lines, the rows of its good ones, and how many are bad."""
    source, lines, good, bad = random.Random(6), ["row,user,item,y"], [], 0
    for row in range(ROWS):
        if source.random() < 0.15:
            form = source.choice(BAD)
            bad += form != ""  # an empty line is none
            lines.append(form.format(row))
        else:
            good.append(row)
            lines.append(f"{row},u{int(source.paretovariate(0.6))},i{source.randrange(9)},{row % 2}")
    return "\n".join(lines) + "\n", good, bad


def packed(text: str, how: str) -> bytes:
    data = text.encode()
    if how == "gzip in two members":
        return gzip.compress(data[:5000]) + gzip.compress(data[5000:])
    if how == "gzip":
        return gzip.compress(data)
    return bytes(pa.compress(data, how, asbytes=True)) if how != "plain" else data


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.bin"])
@pytest.mark.parametrize("how", ["plain", "gzip", "gzip in two members", "zstd"])
def test_how_a_log_is_packed_is_read_from_its_bytes(
    tmp_path: Path, text: tuple[str, list[int], int], name: str, how: str
) -> None:
    (tmp_path / name).write_bytes(packed(text[0], how))
    log = prepare(table_log(tmp_path / name, COLUMNS), tmp_path / "out", SKIPPING)
    assert log.dense[:, 0].tolist() == text[1]
    assert log.choices["skipped_lines"] == text[2]
    with pytest.raises(DataError, match=rf"{name}:\d+: "):
        prepare(table_log(tmp_path / name, COLUMNS), tmp_path / "strict", Choices())


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_truncated_file_is_an_error(tmp_path: Path, text: tuple[str, list[int], int], how: str) -> None:
    whole = packed("row,user,item,y\n" + "".join(f"{row},u{row * 7919},i,1\n" for row in range(60_000)), how)
    (tmp_path / "a.csv.x").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"a\.csv\.x: "):
        prepare(table_log(tmp_path / "a.csv.x", COLUMNS), tmp_path / "out", Choices())
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv.x"}


@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_taken_up_after_every_chunk_the_same_lines_are_left_out(
    tmp_path: Path, text: tuple[str, list[int], int], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    (tmp_path / "a.csv").write_bytes(packed(text[0], how))
    monkeypatch.setattr("ttrec_cli.data.chunks.CHUNK_ROWS", 100)
    monkeypatch.setattr("ttrec_cli.data.table_csv.CSV_BLOCK_BYTES", 700)
    raw = table_log(tmp_path / "a.csv", COLUMNS)
    whole = prepare(raw, tmp_path / "whole", SKIPPING)
    told: list[tuple[str, float]] = []

    @contextmanager
    def stop_soon(name: str, total: float, done: float) -> Iterator[Progress]:
        told.append((name, done))
        left = random.Random(len(told)).randint(2, 9)

        def count(rows: int) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt

        yield count

    stops = 0
    while not (tmp_path / "resumed").exists():
        try:
            prepare(raw, tmp_path / "resumed", SKIPPING, stages=stop_soon, threads=1)
        except KeyboardInterrupt:
            stops += 1
    assert stops >= 5
    for name in ("meta.json", "dense.f32", "sparse.i32", "label.u8", "day.u8"):
        assert (tmp_path / "resumed" / name).read_bytes() == (whole.path / name).read_bytes(), name
    for step, total in (("reading", ROWS), ("numbering", 2 * len(text[1])), ("ordering", 2 * len(text[1]))):
        done = [rows for name, rows in told if name == step]
        assert done == sorted(done)  # what was done before is counted, more every time
        assert 0 <= done[-1] <= total
        assert step == "ordering" or done[-1] > 0
