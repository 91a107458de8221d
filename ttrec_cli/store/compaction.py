"""Many small files into one: trials move into `trials.parquet`, where thousands read fast."""

from pathlib import Path

import pyarrow as pa

from ttrec_cli.errors import DataError
from ttrec_cli.store.files import COMPACTED, merge_trials, read_trials, sync_folder, write_table

_Stamp = tuple[int, int, int]


def compact(directory: Path) -> int:
    """Merge `directory`/trials/*.parquet into `directory`/trials.parquet; how many files were merged.

    No crash loses a row: single files go only after the merged one is on disk, and until then they win over it.
    Damaged files stay where they are. To be called when nothing writes trials there; a file that was replaced
    meanwhile stays all the same. Raises `DataError` when `trials.parquet` is damaged or cannot be written.
    """
    merged: dict[Path, _Stamp] = {}
    tables = []
    for file in sorted((directory / "trials").glob("*.parquet")):
        try:
            stamp = _stamp(file)
            tables.append(read_trials(file))
            merged[file] = stamp
        except (DataError, FileNotFoundError):
            continue
    if not tables:
        return 0
    whole = directory / COMPACTED
    older = read_trials(whole) if whole.exists() else None
    write_table(merge_trials(older, pa.concat_tables(tables)), whole)
    for file, stamp in merged.items():
        _remove(file, stamp)
    sync_folder(directory / "trials")
    return len(merged)


def _stamp(file: Path) -> _Stamp:
    facts = file.stat()
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _remove(file: Path, stamp: _Stamp) -> None:
    try:
        if _stamp(file) == stamp:
            file.unlink()
    except FileNotFoundError:
        pass
