"""What a person sees of a sweep: warnings about its data, the dry run, a line per trial."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from ttrec_cli.console import CommandResult

if TYPE_CHECKING:
    from ttrec_cli.sweep.grid import Trial
    from ttrec_cli.sweep.run import Sweep


def data_warnings(sweep: "Sweep") -> tuple[str, ...]:
    """What must be said before training on data that is not real."""
    if sweep.loaded.stand_in:
        return (
            f"STAND-IN, SYNTHETIC DATA: no prepared dataset at {sweep.loaded.missing_data}; training on synthetic "
            "click logs with the settings under `otherwise:` instead. Numbers say nothing about real data.",
        )
    if sweep.dataset.synthetic:
        return ("SYNTHETIC DATA: the click logs of this sweep are made up.",)
    return ()


def trial_line(trial: "Trial", row: Mapping[str, Any], shared: bool) -> str:
    """How one trial ended: `ok   tt rank 8, 3 tables, dim 16, seed 0: accuracy 0.7812, …`."""
    if row["status"] != "ok":
        return f"{row['status']}  {trial.label}: {row['reason']}"
    measured = (
        "same plan as a trained trial"
        if shared
        else f"{row['train_seconds'] + row['evaluate_seconds']:.1f} s, {row['samples_per_second']:,.0f} samples/s"
    )
    return (
        f"ok  {trial.label}: validation accuracy {row['val_accuracy']:.4f}, log-loss {row['val_logloss']:.4f}, "
        f"{megabytes(row['model_bytes'])}, {row['model_compression']:.1f}× smaller, {measured}"
    )


def dry_run(sweep: "Sweep") -> CommandResult:
    """Every trial with its exact bytes and what is known of it; nothing is trained."""
    from ttrec_cli.sweep.grid import shown_rank

    table = Table(title=title(sweep), box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    # On a narrow terminal only the last column is cropped: --json has it whole.
    for column, width in (("method", 9), ("rank", 4), ("tables", 6), ("dim", 3), ("seed", 4)):
        table.add_column(column, justify="left" if column == "method" else "right", min_width=width, no_wrap=True)
    for column, width in (("embedding bytes", 15), ("model bytes", 12), ("smaller", 7)):
        table.add_column(column, justify="right", min_width=width, no_wrap=True)
    table.add_column("state", min_width=7, no_wrap=True)
    varied = any(trial.other_axes for trial in sweep.trials)
    table.add_column("also" if varied else "key", overflow="ellipsis", no_wrap=True)
    for trial in sweep.trials:
        config = trial.config
        cells = [config.method.value, shown_rank(config), str(config.table_count), str(config.dim), str(config.seed)]
        sizes = [f"{trial.costs.embedding_bytes:,}", f"{trial.costs.model_bytes:,}"]
        smaller = f"{trial.costs.model_compression:.1f}×"
        table.add_row(*cells, *sizes, smaller, sweep.state(trial), trial.other_axes or trial.key)
    left_dense = sorted({f"{plan.name}: {plan.reason}" for t in sweep.trials for plan in t.plans if plan.reason})
    pending = len(sweep.pending())
    closing = f"{len(sweep.trials)} trials, {pending} to train, {len(sweep.trials) - pending} finished."
    payload = {
        "trials": {"total": len(sweep.trials), "pending": pending},
        "plan": [_record(sweep, trial) for trial in sweep.trials],
        "directory": str(sweep.directory.resolve()),
        "dataset": sweep.dataset.name,
        "synthetic": sweep.dataset.synthetic,
        "stand_in": sweep.loaded.stand_in,
    }
    notes = tuple(f"left dense: {line}" for line in left_dense[:10])
    return CommandResult("sweep", payload, (table, *notes, closing))


def title(sweep: "Sweep") -> str:
    """The sweep's name, data and whether that is synthetic."""
    kind = "SYNTHETIC STAND-IN" if sweep.loaded.stand_in else "synthetic" if sweep.dataset.synthetic else "logged"
    return f"{sweep.loaded.config.name} on {sweep.dataset.name} ({kind} data)"


def megabytes(count: int) -> str:
    """Bytes as kB or MB (10^3, 10^6), three digits or more."""
    value, unit = (count / 1e6, "MB") if count >= 1e6 else (count / 1e3, "kB")
    return f"{value:,.1f} {unit}" if value >= 10 else f"{value:.2f} {unit}"


def _record(sweep: "Sweep", trial: "Trial") -> dict[str, Any]:
    config = trial.config
    return {
        "key": trial.key,
        "trained_as": trial.trained_as,
        "method": config.method.value,
        "rank": config.largest_rank,
        "tables": config.table_count,
        "dim": config.dim,
        "seed": config.seed,
        "embedding_bytes": trial.costs.embedding_bytes,
        "model_bytes": trial.costs.model_bytes,
        "training_bytes": trial.costs.training_bytes,
        "compression": trial.costs.compression,
        "train_samples": trial.train_samples,
        "state": sweep.state(trial),
    }
