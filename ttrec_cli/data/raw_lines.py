"""Whole lines of a click log, plain or compressed by gzip or zstd, in blocks of bounded size."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ttrec_cli.errors import DataError

BLOCK_BYTES = 4 << 20
MAX_LINE_BYTES = 1 << 16
"""Far above any line of the format; a file without line ends must not fill the memory."""

SAMPLE_BYTES = 4 << 20
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
REFUSED_MAGIC = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"PAR1": "a Parquet file, not text",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\xfd7zXZ": "compressed by xz: unpack it first",
    b"\xff\xfe": "UTF-16 text: convert it to plain ASCII",
}
WIDEST_MAGIC = max(map(len, REFUSED_MAGIC))


class ByteSource(Protocol):
    """What bytes are read from, after unpacking."""

    def read(self, size: int, /) -> bytes: ...
    def tell(self) -> int: ...


@dataclass(frozen=True)
class LineBlock:
    """Some whole lines, each ending in a line feed.

    Attributes:
        first_line: number of the first, from 1.
        end: bytes of the unpacked file up to the end of the block.
    """

    text: bytes
    first_line: int
    end: int = 0


def read_lines(
    source: Path, block_bytes: int = BLOCK_BYTES, *, offset: int = 0, first_line: int = 1
) -> Iterator[LineBlock]:
    """All lines of a file, in order, in blocks of about `block_bytes`.

    How a file is packed is read from its first bytes, not from its name. To go on where another reader
    stopped, give its block's `end` as `offset` and the number of the line that begins there.

    Raises:
        DataError: the file is missing, unreadable, empty, of another kind, truncated, or has endless lines.
    """
    with opened(source) as (file, _):
        _skip(file, source, offset, first_line)
        next_line, rest = first_line, b""
        while block := _read(file, source, block_bytes, next_line):
            end = block.rfind(b"\n") + 1
            if end:
                text = rest + block[:end]
                offset += len(text)
                yield LineBlock(text, next_line, offset)
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
            yield LineBlock(rest + b"\n", next_line, offset + len(rest))
            next_line += 1
    if next_line == 1:
        raise DataError(f"{source}: is empty; is the download complete?")


def _skip(file: ByteSource, source: Path, offset: int, line: int) -> None:
    """Go to an offset of the unpacked file."""
    if isinstance(file, io.BufferedReader):
        file.seek(offset)
        return
    while offset > 0:
        block = _read(file, source, min(offset, BLOCK_BYTES), line)
        if not block:
            return
        offset -= len(block)


def check_source(source: Path) -> None:
    """Raises `DataError` when the file is not there, not readable, or of another kind."""
    with opened(source):
        pass


def estimate_lines(source: Path) -> int:
    """About how many lines the file has, from the length of its first ones; at least 1."""
    with opened(source) as (file, packed):
        sample = _read(file, source, SAMPLE_BYTES, 1)
        taken = len(sample) if file is packed else packed.tell()
    return max(1, round(sample.count(b"\n") * source.stat().st_size / max(taken, 1)))


@contextmanager
def opened(source: Path) -> Iterator[tuple[ByteSource, ByteSource]]:
    """The source's text, and the file as it lies on the disk. Raises `DataError` when it cannot be opened."""
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
        elif start.startswith(ZSTD_MAGIC):
            import pyarrow as pa

            with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd") as unpacked:
                yield unpacked, file
        else:
            yield file, file


def _read(file: ByteSource, source: Path, size: int, line: int) -> bytes:
    try:
        return file.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{source}: is a truncated or damaged gzip file (after line {line - 1}: {error}); fetch it again"
        ) from None
    except OSError as error:
        if error.errno is None:  # PyArrow's own
            raise DataError(
                f"{source}: is a truncated or damaged zstd file (after line {line - 1}: {error}); fetch it again"
            ) from None
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from None
