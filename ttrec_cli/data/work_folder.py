"""The hidden folder in which a dataset is prepared: what is finished there survives a kill and is taken up again.

The folder belongs to one job: the same sources, choices and version. What another job left is removed.
Steps finish by writing a small JSON marker, renamed into place; a marker is only believed while the machine
has not restarted since, for nothing is forced to the disk before the end.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttrec_cli.errors import DataError

JOB_FILE = "job.json"
DATASET = "dataset"
"""The folder in it that becomes the dataset."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class WorkFolder:
    """Files of a preparation under way, and the facts of its finished steps."""

    folder: Path

    def path(self, name: str) -> Path:
        """Where the file of this name lies."""
        return self.folder / name

    def facts(self, step: str) -> dict[str, Any] | None:
        """What `finish` was told of the step; None if it is not finished."""
        try:
            facts: dict[str, Any] = json.loads(self.path(f"{step}.json").read_bytes())
        except FileNotFoundError:
            return None
        return facts

    def finish(self, step: str, facts: Mapping[str, Any]) -> None:
        """Mark a step as finished, or replace what was said of it."""
        page = self.path(f"{step}.json")
        draft = page.with_suffix(".draft")
        draft.write_text(json.dumps(facts))
        os.replace(draft, page)

    def remove(self, *names: str) -> None:
        """Delete files that are not needed any more, where they still are."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def used_bytes(self) -> int:
        """What its files take up on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def partial_path(target: Path) -> Path:
    """The hidden folder beside `target` in which it is prepared."""
    return target.parent / f".{target.name}.partial"


@contextmanager
def work_folder(target: Path, job: Mapping[str, Any]) -> Iterator[WorkFolder]:
    """The work folder of `target`, as the same job left it, else empty.

    Interrupts and full disks leave it for the next run; any other error, and success, remove it.

    Raises:
        DataError: another process is preparing the same dataset, or the folder cannot be written.
    """
    folder = partial_path(target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"{target}: cannot be written: {error.strerror}; nothing was left there") from None
    if not lock(descriptor):
        os.close(descriptor)
        raise DataError(f"{target}: another ttrec is writing it at this moment; wait for it, or end it")
    keep = False
    try:
        _take_up(folder, job)
        yield WorkFolder(folder)
    except KeyboardInterrupt:
        keep = True
        raise
    except OSError as error:
        keep = True
        raise DataError(
            f"{target}: cannot be written: {error.strerror or error}; what is finished is kept in {folder}: "
            "make room and run the same command again, or remove that folder"
        ) from None
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Lock an open folder for as long as it is open; False if another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_up(folder: Path, job: Mapping[str, Any]) -> None:
    text = json.dumps({"boot": _boot_id(), **job}, sort_keys=True)
    page = folder / JOB_FILE
    if page.is_file() and _boot_id() and page.read_text() == text:
        return
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    page.write_text(text)


def _boot_id() -> str:
    """Changes whenever the machine starts; empty where it cannot be known."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
