"""Blocks of whole lines: nothing lost, whatever the block size; bad files refused with a reason."""

import gzip
import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ttrec_cli.data.raw_lines import MAX_LINE_BYTES, check_source, estimate_lines, read_lines
from ttrec_cli.errors import DataError

PACK = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": lambda text: pa.compress(text, codec="zstd", asbytes=True),
}
PACKINGS = sorted(PACK)


def test_a_truncated_zstd_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "day_0.zst"
    path.write_bytes(PACK["zstd"](random.Random(1).randbytes(100_000))[:-50_000])
    with pytest.raises(DataError, match="truncated or damaged zstd file"):
        list(read_lines(path, 1 << 20))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), min_size=1, max_size=30),
    st.booleans(),
    st.sampled_from(PACKINGS),
    st.integers(1, 40),
)
def test_blocks_put_together_are_the_file(
    tmp_path: Path, lines: list[bytes], ends: bool, packed: str, block_bytes: int
) -> None:
    text = b"a" + b"\n".join(lines) + (b"\n" if ends else b"")
    path = tmp_path / "log"  # the name says nothing about the packing
    path.write_bytes(PACK[packed](text))
    blocks = list(read_lines(path, block_bytes))
    whole = text if text.endswith(b"\n") else text + b"\n"
    assert b"".join(block.text for block in blocks) == whole
    next_line = 1
    for block in blocks:
        assert block.text.endswith(b"\n")
        assert block.first_line == next_line
        next_line += block.text.count(b"\n")
    after = blocks[len(blocks) // 2]
    rest = read_lines(path, 7, offset=after.end, first_line=after.first_line + after.text.count(b"\n"))
    assert b"".join(block.text for block in rest) == b"".join(b.text for b in blocks[len(blocks) // 2 + 1 :])


@pytest.mark.parametrize("packed", PACKINGS)
def test_estimate_is_near_the_number_of_lines(tmp_path: Path, packed: str) -> None:
    text = b"".join(b"%d\t%d\n" % (row, row * 7919 % 1000) for row in range(200_000))
    path = tmp_path / "log"
    path.write_bytes(PACK[packed](text))
    assert estimate_lines(path) == pytest.approx(200_000, rel=0.25)


def test_a_truncated_gzip_file_is_an_error_with_the_last_good_line(tmp_path: Path) -> None:
    path = tmp_path / "train.txt.gz"
    path.write_bytes(gzip.compress(bytes(range(48, 58)) * 1000 + b"\n", mtime=0)[:-12])
    with pytest.raises(DataError, match=r"train\.txt\.gz: is a truncated or damaged gzip file \(after line 0"):
        list(read_lines(path))


def test_a_damaged_gzip_file_is_an_error(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(bytes(range(256)) * 100, mtime=0))
    packed[len(packed) // 2 :] = b"\xff" * (len(packed) - len(packed) // 2)
    (tmp_path / "log").write_bytes(bytes(packed))
    with pytest.raises(DataError, match="truncated or damaged gzip"):
        list(read_lines(tmp_path / "log"))


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"PK\x03\x04rest", "zip archive: unpack it first"),
        (b"PAR1rest", "Parquet"),
        (b"\xff\xfe1\x00", "UTF-16"),
    ],
)
def test_other_kinds_of_files_are_named(tmp_path: Path, start: bytes, reason: str) -> None:
    (tmp_path / "log").write_bytes(start)
    with pytest.raises(DataError, match=reason):
        check_source(tmp_path / "log")


def test_missing_empty_and_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        check_source(tmp_path / "none.txt")
    with pytest.raises(DataError, match=r"must be a file, is a folder; name the file in it, such as .*train\.txt"):
        check_source(tmp_path)
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match="empty: is empty"):
        list(read_lines(tmp_path / "empty"))


def test_a_file_without_line_ends_does_not_fill_the_memory(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n2\n" + bytes(3 * MAX_LINE_BYTES))
    with pytest.raises(DataError, match=rf"log:3: a line must end within {MAX_LINE_BYTES} bytes"):
        list(read_lines(tmp_path / "log", block_bytes=MAX_LINE_BYTES))
