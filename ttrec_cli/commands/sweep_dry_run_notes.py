"""What `ttrec sweep --dry-run` says below its table: what cannot be trained, memory, rungs of a search, time."""

from typing import TYPE_CHECKING

from ttrec_cli import console

if TYPE_CHECKING:
    from ttrec_cli.sweep.estimates import Forecast
    from ttrec_cli.sweep.grid import Trial
    from ttrec_cli.sweep.run import Sweep

SHOWN_NOTES = 10


def is_too_large(trial: "Trial", forecast: "Forecast") -> bool:
    """Whether a trial needs more memory than there is."""
    from ttrec_cli.sweep.memory import does_not_fit

    return bool(does_not_fit(trial, forecast.memory))


def notes(sweep: "Sweep", forecast: "Forecast") -> tuple[str, ...]:
    """Lines below the table, each without line breaks."""
    left_dense = sorted({f"{plan.name}: {plan.reason}" for t in sweep.trials for plan in t.plans if plan.reason})
    lines = [f"left dense: {line}" for line in left_dense[:SHOWN_NOTES]]
    unable = (t for t in sweep.trials if t.key in forecast.problems and not is_too_large(t, forecast))
    cannot = [f"cannot: {trial.label}: {forecast.problems[trial.key]}" for trial in unable]
    lines += cannot[:SHOWN_NOTES] + ([f"and {len(cannot) - SHOWN_NOTES} more"] if len(cannot) > SHOWN_NOTES else [])
    lines += [*_memory_notes(sweep, forecast), *_search_notes(sweep, forecast), _total_note(sweep, forecast)]
    return tuple(console.one_line(line) for line in lines)


def _memory_notes(sweep: "Sweep", forecast: "Forecast") -> list[str]:
    from ttrec_cli.sweep.memory import gigabytes

    if not sweep.trials:
        return []
    there = gigabytes(forecast.memory or 0)
    needs = [trial.costs.needed_bytes for trial in sweep.trials]
    above = sorted(t.costs.needed_bytes for t in sweep.trials if is_too_large(t, forecast))
    if not above:
        return [
            f"Memory: training needs {gigabytes(max(needs))} at least{f' of {there} there' if forecast.memory else ''}."
        ]
    span = " to ".join(dict.fromkeys((gigabytes(above[0]), gigabytes(above[-1]))))
    return [
        f"Memory: {len(needs) - len(above)} of {len(needs)} trials fit into {there}; {len(above)} do not, they need "
        f'{span} at least, and are recorded as out-of-memory ("does not fit") before they start.'
    ]


def _search_notes(sweep: "Sweep", forecast: "Forecast") -> list[str]:
    config = sweep.loaded.config
    trainings = {trial.trained_as for trial in sweep.trials if trial.key not in forecast.problems}
    if config.search is None or not trainings:
        return []
    from ttrec_cli.sweep.halving import schedule

    seeds, samples = len(config.seeds), sweep.trials[0].train_samples
    steps = schedule(max(1, len(trainings) // seeds), samples, seeds, config.search)
    return [
        f"rung {number} of {len(steps)}: {count} configurations × {rung.seeds} of {seeds} seeds = {count * rung.seeds} "
        f"trials, to {rung.samples:,} of {samples:,} samples"
        for number, (rung, count) in enumerate(steps, start=1)
    ]


def _total_note(sweep: "Sweep", forecast: "Forecast") -> str:
    pending = sweep.pending()
    able = [trial for trial in pending if trial.key not in forecast.problems]
    total = forecast.total_seconds(pending)
    sources = sorted({estimate.source for estimate in forecast.estimates.values()})
    known = {"finished": "from finished trials", "probe": "from a hundred steps of each shape"}
    time = "" if total is None or not able else f" in about {console.clock(total)}"
    how = f" ({', '.join(known[source] for source in sources)})" if sources and time else ""
    if sweep.loaded.config.search is not None:
        how += f", of which the search trains about {forecast.share:.0%}"
    cannot = f", {len(pending) - len(able)} that cannot be trained" if len(able) < len(pending) else ""
    done = len(sweep.trials) - len(pending)
    return f"{len(sweep.trials)} trials: {len(able)} to train{time}{how}{cannot}, {done} finished."
