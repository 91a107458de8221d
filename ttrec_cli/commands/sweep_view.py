"""What a person sees of a sweep: warnings about its data, the dry run, a line per trial."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
    if sweep.loaded.only_planned:
        return (
            f"PLANNED, NOT TRAINABLE: no prepared dataset at {sweep.loaded.missing_data}; bytes are exact "
            f"for the tables of {sweep.dataset.name}.",
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


def title(sweep: "Sweep") -> str:
    """The sweep's name, data and whether that is synthetic."""
    kind = "SYNTHETIC STAND-IN" if sweep.loaded.stand_in else "synthetic" if sweep.dataset.synthetic else "logged"
    known = "tables only" if sweep.loaded.only_planned else f"{kind} data"
    return f"{sweep.loaded.config.name} on {sweep.dataset.name} ({known})"


def megabytes(count: int) -> str:
    """Bytes as kB or MB (10^3, 10^6), three digits or more."""
    value, unit = (count / 1e6, "MB") if count >= 1e6 else (count / 1e3, "kB")
    return f"{value:,.1f} {unit}" if value >= 10 else f"{value:.2f} {unit}"
