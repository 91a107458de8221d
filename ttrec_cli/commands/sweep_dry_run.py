"""What `ttrec sweep --dry-run` shows: every trial with its state, exact bytes, memory needed and predicted time."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ttrec_cli import console
from ttrec_cli.commands.sweep_dry_run_notes import is_too_large, notes
from ttrec_cli.commands.sweep_view import title
from ttrec_cli.fitted_table import FittedTable

if TYPE_CHECKING:
    from ttrec_cli.sweep.estimates import Forecast
    from ttrec_cli.sweep.grid import Trial
    from ttrec_cli.sweep.run import Sweep

PLACE = ("method", "rank", "tables", "dim", "seed")
COLUMNS = (*PLACE, "embedding bytes", "model bytes", "smaller", "needs", "time", "state")
LEAST = ("key", "embedding bytes", "smaller", "time")
"""What a narrow terminal does not show, the first first; --json has it all."""


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
        "trials": {
            "total": len(sweep.trials),
            "pending": len(pending),
            "too_large": sum(is_too_large(trial, forecast) for trial in sweep.trials),
        },
        "plan": [_record(sweep, trial, forecast) for trial in sweep.trials],
        "directory": str(sweep.directory.resolve()),
        "dataset": sweep.dataset.name,
        "synthetic": sweep.dataset.synthetic,
        "stand_in": sweep.loaded.stand_in,
        "predicted_seconds": forecast.total_seconds(pending),
        "memory_bytes": forecast.memory,
    }
    return console.CommandResult("sweep", payload, (_table(sweep, forecast), *notes(sweep, forecast)))


def _table(sweep: "Sweep", forecast: "Forecast") -> FittedTable:
    from ttrec_cli.sweep.grid import shown_rank
    from ttrec_cli.sweep.memory import gigabytes

    varied = any(trial.other_axes for trial in sweep.trials)
    rows = []
    for trial in sweep.trials:
        config, costs = trial.config, trial.costs
        cells = [config.method.value, shown_rank(config), str(config.table_count), str(config.dim), str(config.seed)]
        sizes = [f"{costs.embedding_bytes:,}", f"{costs.model_bytes:,}", f"{costs.model_compression:.1f}×"]
        estimate = forecast.estimates.get(trial.key)
        time = console.clock(estimate.seconds) if estimate else "–"
        state = _state(sweep, trial, forecast)
        rows.append((*cells, *sizes, gigabytes(costs.needed_bytes), time, state, trial.other_axes or trial.key))
    return FittedTable(title(sweep), (*COLUMNS, "also" if varied else "key"), tuple(rows), LEAST, ends_in_words=True)


def _state(sweep: "Sweep", trial: "Trial", forecast: "Forecast") -> str:
    if trial.key not in forecast.problems:
        return sweep.state(trial)
    return "too large" if is_too_large(trial, forecast) else "cannot"


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
