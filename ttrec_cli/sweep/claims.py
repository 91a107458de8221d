"""Claims on what is trained, so that two sweeps on one results folder train nothing twice."""

import contextlib
import fcntl
import json
import os
import platform
from pathlib import Path

from ttrec_cli.errors import DataError

FOLDER = "claims"


class Claims:
    """Names taken by this process: each a locked file in `directory`/claims.

    The system frees the lock of a process that dies, however it dies: its claim can be taken at once.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER
        self._descriptors: dict[str, int] = {}

    def take(self, name: str, wait: bool = False) -> bool:
        """Take a name unless a living process has it (or wait for that one); whether it is ours now.

        Raises `DataError` when the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while True:
                descriptor = os.open(self._path(name), os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                except BaseException as error:
                    os.close(descriptor)
                    if isinstance(error, BlockingIOError):
                        return False
                    raise
                if self._is_there(name, descriptor):
                    break
                os.close(descriptor)  # its last owner removed it between our opening and locking
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps({"pid": os.getpid(), "host": platform.node()}).encode())
        except OSError as error:
            raise DataError(
                f"{self._folder}: cannot be written: {error.strerror}; free space or choose --out"
            ) from None
        self._descriptors[name] = descriptor
        return True

    def release(self, name: str) -> None:
        """Give a name back."""
        descriptor = self._descriptors.pop(name, None)
        if descriptor is not None:
            # Removed while still locked: whoever waits for this file finds that it is gone and makes a new one.
            self._path(name).unlink(missing_ok=True)
            os.close(descriptor)

    def release_all(self) -> None:
        """Give all names back."""
        for name in tuple(self._descriptors):
            self.release(name)

    def holder(self, name: str) -> str:
        """Who has a name: `process 123 on host`; empty when that cannot be read."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            owner = json.loads(self._path(name).read_text(encoding="utf-8"))
            return f"process {owner['pid']} on {owner['host']}"
        return ""

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _is_there(self, name: str, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path(name)), os.fstat(descriptor))
        except FileNotFoundError:
            return False
