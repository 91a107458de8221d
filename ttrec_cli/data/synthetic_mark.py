"""The mark of a made-up raw file: `NAME.synthetic.json` beside it, so that what is prepared from it says so.

Nothing in the rows themselves tells made-up from real ones: without the page beside it a file passes for real.
It goes with the file when that is packed: `train.txt.gz` is known by `train.txt.synthetic.json`, too.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ttrec_cli import __version__
from ttrec_cli.data.raw_lines import opened
from ttrec_cli.errors import DataError

SUFFIX = ".synthetic.json"
PACKED = (".gz", ".zst")
HEAD_BYTES = 1 << 20
MAX_MARK_BYTES = 1 << 16


def write_mark(path: Path, choices: Mapping[str, Any]) -> None:
    """Mark the raw file at `path` as made up, by these choices."""
    mark = {"ttrec": __version__, "synthetic": True, "bytes": path.stat().st_size, "head_sha256": _head(path)}
    path.with_name(path.name + SUFFIX).write_text(json.dumps(mark | {"specification": choices}, indent=1) + "\n")


def is_marked(path: Path) -> bool:
    """Whether a raw file is marked as made up.

    Raises:
        DataError: there is a mark, but the file is not, or no more, the one that was marked.
    """
    packed = path.suffix in PACKED
    for name in (path.name, path.stem) if packed else (path.name,):
        page = path.with_name(name + SUFFIX)
        if page.is_file():
            mark = _read(page)
            whole = packed or mark.get("bytes") == path.stat().st_size
            if not whole or mark.get("head_sha256") != _head(path):
                raise DataError(
                    f"{path}: {page.name} beside it says that it is synthetic, but it was changed since; "
                    "remove that page if the rows are real, else make the file again"
                )
            return True
    return False


def _read(page: Path) -> dict[str, Any]:
    try:
        with page.open("rb") as file:
            mark = json.loads(file.read(MAX_MARK_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{page}: cannot be read as the mark of a synthetic file: {error}; remove it") from None
    return mark if isinstance(mark, dict) else {}


def _head(path: Path) -> str:
    """SHA-256 of the first bytes of the text, in hex."""
    digest, left = hashlib.sha256(), HEAD_BYTES
    with opened(path) as (file, _):
        while left > 0 and (block := file.read(left)):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()
