"""The live view of a running sweep: what trains now, how much is done, the frontier so far."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ttrec_cli import console

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from ttrec_cli.sweep.events import Event
    from ttrec_cli.sweep.frontier_so_far import FrontierPoint
    from ttrec_cli.sweep.progress import SweepProgress
    from ttrec_cli.sweep.run import Sweep

RunningRow = tuple[str, int, int, float | None, float | None]
"""Label, samples so far, samples in all, training log-loss, samples a second."""

FRONTIER_ROWS = 6


class LiveView:
    """An observer that shows a sweep: a picture that is redrawn on a terminal, plain lines where piped."""

    def __init__(self, sweep: "Sweep", progress: "SweepProgress") -> None:
        self._sweep = sweep
        self._progress = progress
        self._stack = ExitStack()
        self._data: console.Progress | None = None
        self._live: console.Live | None = None

    def __enter__(self) -> "LiveView":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def __call__(self, event: "Event") -> None:
        """Show what an event changes; `progress` has seen it already."""
        from ttrec_cli.sweep import events

        if isinstance(event, events.DataMade):
            self._generating(event.rows)
        elif isinstance(event, events.SweepStarted):
            self._stack.close()  # the bar of the data, if there was one
            self._live = self._stack.enter_context(console.live())
        elif isinstance(event, events.WorkerReady):
            if event.machine.warning:
                self._line(event.machine.warning)
        elif isinstance(event, events.Note):
            self._line(event.text)
        elif isinstance(event, events.TrialPaused):
            self._line(f"paused  {event.trial.label} at {event.samples:,} samples")
        elif isinstance(event, events.TrialFinished):
            self._finished(event)
        if self._live is not None:
            self._live.update(self._picture, self._plain)

    def _generating(self, rows: int) -> None:
        if self._data is None:
            total = getattr(self._sweep.loaded.config.data, "rows", 0)
            self._data = self._stack.enter_context(console.progress("making synthetic data", total))
        self._data.advance(rows)

    def _finished(self, event: "Event") -> None:
        from ttrec_cli.commands import sweep_view
        from ttrec_cli.sweep.events import TrialFinished

        if isinstance(event, TrialFinished):
            done = self._progress.done + self._progress.failed
            line = sweep_view.trial_line(event.trial, event.row, event.shared)
            self._line(f"{done}/{self._progress.total} {line}")

    def _line(self, text: str) -> None:
        if self._live is not None:
            self._live.line(text)
        else:
            console.say(text)

    def _counts(self) -> str:
        progress = self._progress
        failed = f", {progress.failed} failed" if progress.failed else ""
        eta = progress.eta_seconds
        left = "" if eta is None else f", {console.clock(eta)} left"
        return f"{self._sweep.loaded.config.name}: {progress.done} of {progress.total} trials done{failed}{left}"

    def _plain(self) -> str:
        running = (
            f"{run.trial.label}: {run.samples:,} of {run.trial.train_samples:,} samples"
            + (f", loss {run.loss:.4f}" if run.loss is not None else "")
            for run in self._progress.running[:4]
        )
        return "; ".join([self._counts(), *running])

    def _picture(self) -> "RenderableType":
        from rich.console import Group
        from rich.progress_bar import ProgressBar

        trained, left = self._progress.samples
        rows = [
            (run.trial.label, run.samples, run.trial.train_samples, run.loss, run.samples_per_second)
            for run in self._progress.running
        ]
        parts: list[RenderableType] = [ProgressBar(total=max(1, trained + left), completed=trained, width=60)]
        paused = f", {self._progress.paused} paused" if self._progress.paused else ""
        parts.append(console.one_line(f"{self._counts()}, {self._progress.pending} pending{paused}"))
        if rows:
            parts.append(running_table(rows[:12]))
        if self._progress.frontier:
            parts.append(frontier_table(self._progress.frontier[:FRONTIER_ROWS], self._sweep.loaded.config.objectives))
        return Group(*parts)


def running_table(rows: Sequence[RunningRow]) -> "Table":
    """Trials that train now, a line each."""
    table = console.plain_table("training now", "samples", "of", "loss", "samples/s")
    for label, samples, total, loss, speed in rows:
        shown = "–" if loss is None else f"{loss:.4f}", "–" if speed is None else f"{speed:,.0f}"
        table.add_row(console.one_line(label), f"{samples:,}", f"{total:,}", *shown)
    return table


def frontier_table(points: "Sequence[FrontierPoint]", objectives: tuple[str, str]) -> "Table":
    """The best finished points, a line each."""
    from ttrec_cli.commands.sweep_view import megabytes

    size, quality = objectives
    table = console.plain_table("frontier so far", size.replace("_", " "), f"validation {quality}", "seeds")
    for point in points:
        table.add_row(
            console.one_line(point.label), megabytes(point.size_bytes), f"{point.quality:.4f}", str(point.seeds)
        )
    return table
