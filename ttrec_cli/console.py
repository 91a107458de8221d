"""The only printer: results to stdout as tables or JSON, progress and talk to stderr."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import typer
from rich.console import Console, RenderableType

from ttrec_cli import __version__
from ttrec_cli.errors import ExitCode, TTRecError, exit_code
from ttrec_cli.fitted_table import FittedTable

if TYPE_CHECKING:
    from rich.live import Live as RichLive
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID
    from rich.table import Table

PLAIN_LINE_SECONDS = 10.0
"""Without a terminal, progress is one line at most this often."""

PICTURE_SECONDS = 0.25
"""A picture on a terminal is redrawn at most this often."""

PIPED_WIDTH = 200
"""Columns of a table that nobody looks at in a terminal."""


@dataclass(frozen=True)
class CommandResult:
    """What a command found: `payload` for programs, `shown` for people, and how the process ends."""

    command: str
    payload: Mapping[str, Any]
    shown: tuple[RenderableType | FittedTable, ...] = ()
    exit_code: ExitCode = ExitCode.DONE


def show(result: CommandResult, as_json: bool) -> None:
    """Print a result to stdout, as one JSON object or as tables; ends the command if its code is not 0."""
    if as_json:
        _print_json({"command": result.command, "result": result.payload})
    else:
        console = Console(highlight=False, width=_width())
        for item in result.shown:
            if isinstance(item, str):
                print(item)  # noqa: T201 - unfolded, whatever the width
            elif isinstance(item, FittedTable):
                _print_fitted(item, console)
            else:
                console.print(item)
    if result.exit_code != ExitCode.DONE:
        raise typer.Exit(result.exit_code)


def _print_fitted(item: FittedTable, console: Console) -> None:
    table, left_out = item.fitted(console.width)
    console.print(table)
    if left_out:
        say(f"left out at {console.width} columns: {', '.join(left_out)}; --json has all, a wider terminal shows them")


def _width() -> int | None:
    """The terminal's own width; piped tables are not cropped unless COLUMNS says so."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH


def show_error(error: TTRecError, command: str, as_json: bool) -> ExitCode:
    """Report an error that the user can mend: one line on stderr and, with --json, an object on stdout."""
    say(f"ttrec: {error}")
    if as_json:
        kind = type(error).__name__
        _print_json({"command": command, "error": {"kind": kind, "message": str(error)}})
    return exit_code(error)


def say(text: str) -> None:
    """One line on stderr, never folded."""
    print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201


def one_line(text: str) -> str:
    """The text without line breaks and control characters, so that hostile names cannot draw on a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _print_json(body: Mapping[str, Any]) -> None:
    print(json.dumps({"ttrec": __version__, **body}, ensure_ascii=False, allow_nan=False))  # noqa: T201


class Progress(Protocol):
    """How far something long has come."""

    def advance(self, amount: float, note: str = "") -> None:
        """Count `amount` more as done; `note` says what is being worked on."""

    def line(self, text: str) -> None:
        """Say something that stays, above the bar."""


@contextmanager
def progress(description: str, total: float, unit: str = "rows", done: float = 0.0) -> Iterator[Progress]:
    """Progress with rate and time left, on stderr: a bar on a terminal, else a plain line now and then.

    `done` of `total` was done before, by an interrupted run: it does not count in the rate.
    """
    if Console(stderr=True).is_terminal:
        with _bar(description, total, unit, done) as bar:
            yield bar
    else:
        lines = _PlainLines(description, total, unit, done)
        yield lines
        lines.finish()


@dataclass
class _PlainLines:
    description: str
    total: float
    unit: str
    done: float = 0.0
    note: str = ""
    started: float = field(default_factory=time.monotonic)
    said: float = field(init=False)
    before: float = field(init=False)

    def __post_init__(self) -> None:
        self.said, self.before = self.started, self.done

    def advance(self, amount: float, note: str = "") -> None:
        self.done += amount
        self.note = note or self.note
        now = time.monotonic()
        if now - self.said >= PLAIN_LINE_SECONDS:
            self.said = now
            self._say(now)

    def line(self, text: str) -> None:
        self.said = time.monotonic()
        say(text)

    def finish(self) -> None:
        """Say the end, unless it came before there was anything to say."""
        if self.said > self.started:
            self._say(time.monotonic())

    def _say(self, now: float) -> None:
        rate = (self.done - self.before) / max(now - self.started, 1e-9)
        left = (self.total - self.done) / rate if rate > 0 else float("inf")
        tail = f", {self.note}" if self.note else ""
        say(
            f"{self.description}: {self.done:,.0f} of {self.total:,.0f} {self.unit}, "
            f"{rate:,.0f} {self.unit}/s, {clock(left)} left{tail}"
        )


def clock(seconds: float) -> str:
    """A span of time as 1:02:03 or 2:03."""
    if seconds == float("inf"):
        return "unknown time"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@contextmanager
def _bar(description: str, total: float, unit: str, done: float) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as rich_progress:
        task = rich_progress.add_task(description, total=total, completed=int(done), rate="", note="")
        yield _Bar(rich_progress, task, unit, done)


class _Bar:
    """A Rich progress bar with a rate of its own: Rich's forgets the pauses of evaluation."""

    def __init__(self, rich_progress: "RichProgress", task: "TaskID", unit: str, done: float) -> None:
        self._rich = rich_progress
        self._task = task
        self._unit = unit
        self._done = self._before = done
        self._started = time.monotonic()

    def advance(self, amount: float, note: str = "") -> None:
        self._done += amount
        rate = (self._done - self._before) / max(time.monotonic() - self._started, 1e-9)
        self._rich.update(self._task, completed=self._done, rate=f"{rate:,.0f} {self._unit}/s")
        if note:
            self._rich.update(self._task, note=one_line(note))

    def line(self, text: str) -> None:
        self._rich.console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


def plain_table(first: str, *others: str) -> "Table":
    """An empty table without lines: the first column is text, the others are numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True, overflow="ellipsis")
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


class Live(Protocol):
    """A picture that is redrawn while something long runs."""

    def update(self, picture: Callable[[], RenderableType], plain: Callable[[], str]) -> None:
        """Redraw, if it is time to; without a terminal, say the `plain` line now and then."""

    def line(self, text: str) -> None:
        """Say something that stays, above the picture."""


@contextmanager
def live() -> Iterator[Live]:
    """A picture on stderr that goes away at the end; plain lines where there is no terminal."""
    if not Console(stderr=True).is_terminal:
        yield _LiveLines()
        return
    from rich.live import Live as RichLive

    with RichLive(console=Console(stderr=True), auto_refresh=False, transient=True) as rich_live:
        yield _LivePicture(rich_live)


class _LivePicture:
    def __init__(self, rich_live: "RichLive") -> None:
        self._rich = rich_live
        self._drawn = float("-inf")

    def update(self, picture: Callable[[], RenderableType], plain: Callable[[], str]) -> None:  # noqa: ARG002
        if time.monotonic() - self._drawn >= PICTURE_SECONDS:
            self._rich.update(picture(), refresh=True)
            self._drawn = time.monotonic()

    def line(self, text: str) -> None:
        self._rich.console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


class _LiveLines:
    def __init__(self) -> None:
        self._said = time.monotonic()

    def update(self, picture: Callable[[], RenderableType], plain: Callable[[], str]) -> None:  # noqa: ARG002
        if time.monotonic() - self._said >= PLAIN_LINE_SECONDS:
            self.line(plain())

    def line(self, text: str) -> None:
        self._said = time.monotonic()
        say(text)
