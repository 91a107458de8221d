"""What `ttrec sweep --dry-run` shows: every trial with its state, exact bytes, memory needed and predicted time."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ttrec_cli import console
from ttrec_cli.commands.sweep_view import title

if TYPE_CHECKING:
    from rich.table import Table

    from ttrec_cli.sweep.estimates import Forecast
    from ttrec_cli.sweep.grid import Trial
    from ttrec_cli.sweep.run import Sweep

SHOWN_NOTES = 10


class _Probing:
    """A progress bar that appears when there is something to probe."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bar: console.Progress | None = None

    def __enter__(self) -> "_Probing":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def __call__(self, done: int, of: int) -> None:
        if self._bar is None:
            console.say("trying a hundred steps of each shape to predict the time; --no-probe leaves that out")
            self._bar = self._stack.enter_context(console.progress("probing", of, "shapes"))
        self._bar.advance(min(done, 1))


def forecast_of(sweep: "Sweep", device: str, probe: bool) -> "Forecast":
    """Predict what training takes, with a progress bar while trials are probed."""
    from ttrec_cli.sweep.estimates import forecast

    with _Probing() as probing:
        return forecast(sweep, device, probe, probing)


def dry_run(sweep: "Sweep", forecast: "Forecast") -> console.CommandResult:
    """Every trial with its exact bytes and what is known of it; nothing is trained."""
    pending = sweep.pending()
    payload = {
        "trials": {"total": len(sweep.trials), "pending": len(pending)},
        "plan": [_record(sweep, trial, forecast) for trial in sweep.trials],
        "directory": str(sweep.directory.resolve()),
        "dataset": sweep.dataset.name,
        "synthetic": sweep.dataset.synthetic,
        "stand_in": sweep.loaded.stand_in,
        "predicted_seconds": forecast.total_seconds(pending),
        "memory_bytes": forecast.memory,
    }
    return console.CommandResult("sweep", payload, (_table(sweep, forecast), *_notes(sweep, forecast)))


def _table(sweep: "Sweep", forecast: "Forecast") -> "Table":
    from rich import box
    from rich.table import Table

    from ttrec_cli.sweep.grid import shown_rank

    table = Table(title=title(sweep), box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    # On a narrow terminal only the last column is cropped: --json has it whole.
    for column, width in (("method", 9), ("rank", 4), ("tables", 6), ("dim", 3), ("seed", 4)):
        table.add_column(column, justify="left" if column == "method" else "right", min_width=width, no_wrap=True)
    for column, width in (("embedding bytes", 15), ("model bytes", 12), ("smaller", 7), ("time", 5)):
        table.add_column(column, justify="right", min_width=width, no_wrap=True)
    table.add_column("state", min_width=7, no_wrap=True)
    varied = any(trial.other_axes for trial in sweep.trials)
    table.add_column("also" if varied else "key", overflow="ellipsis", no_wrap=True)
    for trial in sweep.trials:
        config, costs = trial.config, trial.costs
        cells = [config.method.value, shown_rank(config), str(config.table_count), str(config.dim), str(config.seed)]
        sizes = [f"{costs.embedding_bytes:,}", f"{costs.model_bytes:,}", f"{costs.model_compression:.1f}×"]
        estimate = forecast.estimates.get(trial.key)
        time = console.clock(estimate.seconds) if estimate else "–"
        table.add_row(*cells, *sizes, time, _state(sweep, trial, forecast), trial.other_axes or trial.key)
    return table


def _state(sweep: "Sweep", trial: "Trial", forecast: "Forecast") -> str:
    return "cannot" if trial.key in forecast.problems else sweep.state(trial)


def _notes(sweep: "Sweep", forecast: "Forecast") -> tuple[str, ...]:
    from ttrec_cli.sweep.memory import gigabytes

    pending = sweep.pending()
    left_dense = sorted({f"{plan.name}: {plan.reason}" for t in sweep.trials for plan in t.plans if plan.reason})
    notes = [f"left dense: {line}" for line in left_dense[:SHOWN_NOTES]]
    labels = {trial.key: trial.label for trial in sweep.trials}
    cannot = [f"cannot: {labels[key]}: {reason}" for key, reason in forecast.problems.items()]
    notes += cannot[:SHOWN_NOTES] + ([f"and {len(cannot) - SHOWN_NOTES} more"] if len(cannot) > SHOWN_NOTES else [])
    if sweep.trials:
        most = max(trial.costs.needed_bytes for trial in sweep.trials)
        there = f" of {gigabytes(forecast.memory)} there" if forecast.memory else ""
        notes.append(f"Memory: training needs {gigabytes(most)} at least{there}.")
    total = forecast.total_seconds(pending)
    sources = sorted({estimate.source for estimate in forecast.estimates.values()})
    known = {"finished": "from finished trials", "probe": "from a hundred steps of each shape"}
    time = "" if total is None else f" in about {console.clock(total)}"
    how = f" ({', '.join(known[source] for source in sources)})" if sources and time else ""
    done = len(sweep.trials) - len(pending)
    if sweep.loaded.config.search is not None:
        how += f", of which the search trains about {forecast.share:.0%}"
    notes.append(f"{len(sweep.trials)} trials, {len(pending)} to train{time}{how}, {done} finished.")
    return tuple(console.one_line(note) for note in notes)


def _record(sweep: "Sweep", trial: "Trial", forecast: "Forecast") -> dict[str, Any]:
    config, costs = trial.config, trial.costs
    estimate = forecast.estimates.get(trial.key)
    return {
        "key": trial.key,
        "trained_as": trial.trained_as,
        "method": config.method.value,
        "rank": config.largest_rank,
        "tables": config.table_count,
        "dim": config.dim,
        "seed": config.seed,
        "axes": trial.other_axes,
        "embedding_bytes": costs.embedding_bytes,
        "model_bytes": costs.model_bytes,
        "training_bytes": costs.training_bytes,
        "needed_bytes": costs.needed_bytes,
        "compression": costs.compression,
        "train_samples": trial.train_samples,
        "state": sweep.state(trial),
        "problem": forecast.problems.get(trial.key),
        "predicted_seconds": estimate.seconds if estimate else None,
        "predicted_from": estimate.source if estimate else None,
    }
