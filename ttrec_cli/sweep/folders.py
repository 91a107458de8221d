"""Results folders seen from outside: which sweeps lie below a folder, what each has come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttrec_cli.config.models import SweepConfig
from ttrec_cli.config.run_settings import Objectives
from ttrec_cli.config.yaml_document import read_document
from ttrec_cli.errors import ConfigError, NothingToReportError
from ttrec_cli.store import Status, read_rows
from ttrec_cli.sweep.frontier_so_far import FrontierPoint, FrontierSoFar
from ttrec_cli.sweep.status import STATUS_FILE, SweepStatus, read_status

RESOLVED = "sweep.yaml"


@dataclass(frozen=True)
class SweepFolder:
    """One sweep's folder: its rows, damaged files, what its driver wrote last, the settings it was made with."""

    directory: Path
    rows: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...]
    status: SweepStatus | None
    config: SweepConfig | None

    @property
    def is_running(self) -> bool:
        """Whether a driver trains here now."""
        return self.status is not None and self.status.is_running

    @property
    def counts(self) -> dict[str, int]:
        """Trials by how they ended."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[str(row["status"])] = found.get(str(row["status"]), 0) + 1
        return dict(sorted(found.items()))

    @property
    def total(self) -> int:
        """Trials of the sweep as its driver knew them; of the rows where it wrote nothing."""
        return max(len(self.rows), self.status.total if self.status else 0)

    @property
    def failed(self) -> tuple[Mapping[str, Any], ...]:
        """Rows of trials that did not end as they should."""
        fine = (Status.OK, Status.STOPPED, Status.INTERRUPTED)
        return tuple(row for row in self.rows if row["status"] not in fine)

    @property
    def objectives(self) -> Objectives:
        """The two axes of the frontier."""
        return self.config.objectives if self.config else ("model_bytes", "logloss")

    @property
    def frontier(self) -> tuple[FrontierPoint, ...]:
        """The best finished points, smallest model first."""
        found = FrontierSoFar(self.objectives)
        for row in self.rows:
            if row["status"] == Status.OK:
                found.add(row)
        return found.points()


def sweep_folders(path: Path) -> tuple[SweepFolder, ...]:
    """All sweeps at or below a folder, in order of name. Raises `NothingToReportError` where there is none."""
    if not path.is_dir():
        raise NothingToReportError(f"{path}: must be a folder of results, but there is none; run `ttrec sweep` first")
    names = {file.parent for pattern in (STATUS_FILE, "trials.parquet") for file in path.rglob(pattern)}
    names |= {folder.parent for folder in path.rglob("trials") if folder.is_dir()}
    found = tuple(open_folder(folder) for folder in sorted(names) if folder.name != "trials")
    if not found:
        raise NothingToReportError(f"{path}: holds no sweep; run `ttrec sweep` first")
    return found


def open_folder(directory: Path) -> SweepFolder:
    """Read one sweep's folder; what is damaged is named in `problems`."""
    rows, problems = read_rows(directory)
    return SweepFolder(directory, rows, problems, read_status(directory), _resolved(directory))


def _resolved(directory: Path) -> SweepConfig | None:
    """The settings beside the results; none where they are absent or not ours."""
    try:
        return SweepConfig.model_validate(read_document(directory / RESOLVED).values)
    except (ConfigError, ValueError):
        return None
