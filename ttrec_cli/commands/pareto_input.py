"""What `ttrec pareto` reads: one folder of results as groups, failures and problems."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ttrec_cli import console
from ttrec_cli.errors import ConfigError, NothingToReportError

if TYPE_CHECKING:
    import pandas as pd

    from ttrec_cli.pareto import Failure, Group, Wish


@dataclass(frozen=True)
class Loaded:
    """One folder of results; at least one group."""

    groups: "tuple[Group, ...]"
    failures: "tuple[Failure, ...]"
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """What is asked for: folders, objectives by name, the wish, and where page and plan go."""

    results: tuple[Path, ...]
    metric: str
    third: str | None
    wish: "Wish"
    page: Path
    export: Path | None


def load(results: Path) -> Loaded:
    """All trials below the folder; damaged files are named on stderr and skipped. Raises `NothingToReportError`."""
    if not results.is_dir():
        raise NothingToReportError(
            f"{results}: must be a folder of results, but there is none; run `ttrec sweep` first"
        )
    from ttrec_cli.pareto import failures, groups
    from ttrec_cli.store import read_with_problems

    frame, problems = read_with_problems(results)
    for problem in problems:
        console.say(f"ttrec: skipped {problem}")
    found = groups(frame)
    if not found:
        raise NothingToReportError(_why_nothing(results, frame))
    return Loaded(found, failures(frame), problems)


def asked_metric(results: Sequence[Path]) -> str:
    """The quality that the sweep files of these results give under `objectives:`; accuracy where they give none or
    differ."""
    from ttrec_cli.config.yaml_document import read_document
    from ttrec_cli.pareto import Metric

    found: set[str] = set()
    for file in (file for folder in results for file in folder.rglob("sweep.yaml")):
        try:
            objectives = read_document(file).values.get("objectives")
        except ConfigError:  # a file of somebody else's, or damaged: results are read without it
            continue
        found.add(str(objectives[1]) if isinstance(objectives, list) and len(objectives) == 2 else "")
    only = found.pop() if len(found) == 1 else ""
    return only if only in set(Metric) else Metric.ACCURACY.value


def make_wish(max_bytes: str | None, within: float | None, min_compression: float | None, knee: bool) -> "Wish":
    """The options that choose a model, checked."""
    from ttrec_cli.pareto import Wish
    from ttrec_cli.planning.amounts import parse_bytes

    if knee and within is not None:
        raise ConfigError("--pick knee and --within choose differently; leave one of them out")
    return Wish(None if max_bytes is None else parse_bytes(max_bytes, "--max-bytes"), within, min_compression, knee)


def check(results: list[Path], export: Path | None) -> None:
    """Refuse what cannot be meant, before anything is read."""
    if len(results) > 2:
        raise ConfigError(f"pareto takes one folder, or two to compare, but {len(results)} were given")
    if export is not None and export.is_dir():
        raise ConfigError(f"{export}: --export must name a file, but this is a folder; add a name such as chosen.yaml")


def _why_nothing(results: Path, frame: "pd.DataFrame") -> str:
    if frame.empty and results.absolute().name == "trials":
        return f"{results}: must be a folder of results, but is the trials inside one; did you mean its parent?"
    if frame.empty:
        return f"{results}: must hold a finished trial, but has no readable result; run `ttrec sweep` first"
    counts = ", ".join(f"{count} {status}" for status, count in frame["status"].value_counts().items())
    return f"{results}: must hold a finished trial, but has only {counts}; `ttrec sweep --retry failed` runs them again"
