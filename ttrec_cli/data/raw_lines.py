"""Whole lines of a click log, plain or gzipped, in blocks of bounded size."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ttrec_cli.errors import DataError

BLOCK_BYTES = 4 << 20
MAX_LINE_BYTES = 1 << 16
"""Far above any line of the format; a file without line ends must not fill the memory."""

SAMPLE_BYTES = 1 << 18
GZIP_MAGIC = b"\x1f\x8b"
REFUSED_MAGIC = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it first",
    b"PAR1": "a Parquet file, not text",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\xfd7zXZ": "compressed by xz: unpack it first",
    b"\xff\xfe": "UTF-16 text: convert it to plain ASCII",
}
WIDEST_MAGIC = max(map(len, REFUSED_MAGIC))


@dataclass(frozen=True)
class LineBlock:
    """Some whole lines, each ending in a line feed; `first_line` is the number of the first, from 1."""

    text: bytes
    first_line: int


def read_lines(source: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[LineBlock]:
    """All lines of a file, in order, in blocks of about `block_bytes`.

    Whether a file is gzipped is read from its first bytes, not from its name.

    Raises:
        DataError: the file is missing, unreadable, empty, of another kind, truncated, or has endless lines.
    """
    with _opened(source) as (file, _):
        next_line, rest = 1, b""
        while block := _read(file, source, block_bytes, next_line):
            end = block.rfind(b"\n") + 1
            if end:
                text = rest + block[:end]
                yield LineBlock(text, next_line)
                next_line += text.count(b"\n")
                rest = block[end:]
            else:
                rest += block
            if len(rest) > MAX_LINE_BYTES:
                raise DataError(
                    f"{source}:{next_line}: a line must end within {MAX_LINE_BYTES} bytes; "
                    "is this a click log with one row a line?"
                )
        if rest:
            yield LineBlock(rest + b"\n", next_line)
            next_line += 1
    if next_line == 1:
        raise DataError(f"{source}: is empty; is the download complete?")


def check_source(source: Path) -> None:
    """Raises `DataError` when the file is not there, not readable, or of another kind."""
    with _opened(source):
        pass


def estimate_lines(source: Path) -> int:
    """About how many lines the file has, from the length of its first ones; at least 1."""
    with _opened(source) as (file, packed):
        sample = _read(file, source, SAMPLE_BYTES, 1)
        taken = len(sample) if file is packed else packed.tell()
    return max(1, round(sample.count(b"\n") * source.stat().st_size / max(taken, 1)))


@contextmanager
def _opened(source: Path) -> Iterator[tuple[BinaryIO | gzip.GzipFile, BinaryIO]]:
    """The source's text, and the file as it lies on the disk."""
    if source.is_dir():
        raise DataError(f"{source}: must be a file, is a folder; name the file in it, such as {source / 'train.txt'}")
    try:
        file = source.open("rb")
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror}") from None
    with file:
        start = file.peek(WIDEST_MAGIC)
        for magic, what in REFUSED_MAGIC.items():
            if start.startswith(magic):
                raise DataError(f"{source}: is {what}")
        if start.startswith(GZIP_MAGIC):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked, file
        else:
            yield file, file


def _read(file: BinaryIO | gzip.GzipFile, source: Path, size: int, line: int) -> bytes:
    try:
        return file.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{source}: is a truncated or damaged gzip file (after line {line - 1}: {error}); fetch it again"
        ) from None
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from None
