"""Adaptive search over the trials of a sweep: rung by rung, the promising configurations go on from their checkpoints.

What a rung measured is kept in `search.json` beside the results, so that an interrupted search decides as it would have
without the interruption. A configuration that is given up gets a row with the status `stopped` and what was measured;
its checkpoint, which for large tables is gigabytes, is removed; without `search:` in the file it is trained anew.
"""

import contextlib
import json
import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ttrec_cli.config import Method, SearchConfig
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.store import Status
from ttrec_cli.store.provenance import now
from ttrec_cli.sweep.events import Event, Note, Observer, TrialFinished, TrialStarted, WorkerReady
from ttrec_cli.sweep.grid import Trial, identity
from ttrec_cli.sweep.halving import Candidate, Rung, rungs, survivors, wanted_after
from ttrec_cli.sweep.messages import Machine, Outcome
from ttrec_cli.sweep.results import Results, forget_checkpoint

SEARCH_FILE = "search.json"
MAX_BYTES = 100_000_000
_UNTRIED: Mapping[str, Any] = {"machine": {}, "columns": {"train_samples": 0}, "curve": (), "started_at": ""}

Points = Mapping[str, Sequence[Trial]]
"""Trials by the name of their configuration."""


class Trainer(Protocol):
    """What trains: the driver, or anything like it."""

    paused: dict[str, Outcome]
    """Outcomes of trainings that stopped where they were told to, by `trained_as`."""

    def train(self, trials: Sequence[Trial], until: int | None = None) -> int:
        """Train to the end, or to `until` samples; how many trials were left to a later run."""


@dataclass(frozen=True)
class Measure:
    """What a training came to at a rung: result columns, where and when."""

    columns: Mapping[str, Any]
    curve: Sequence[Mapping[str, Any]]
    machine: Machine
    started_at: str


class Search:
    """Trains the trials of a sweep in rungs; an observer, too, because events say on which machine a trial ran."""

    def __init__(self, results: Results, search: SearchConfig, observer: Observer) -> None:
        config = results.sweep.loaded.config
        self._results = results
        self._search = search
        self._observer = observer
        self._size, self._metric = config.objectives[0], Metric(config.objectives[1])
        self._path = results.directory / SEARCH_FILE
        self._measures = _read(self._path)
        self._machines: dict[str, Machine] = {}
        self._begun: dict[str, tuple[str, str]] = {}

    def __call__(self, event: Event) -> None:
        """Pass an event on, and take note of what runs where."""
        if isinstance(event, WorkerReady):
            self._machines[event.worker] = event.machine
        elif isinstance(event, TrialStarted):
            self._begun[event.trial.trained_as] = event.worker, now()
        self._observer(event)

    def train(self, trainer: Trainer, pending: Sequence[Trial]) -> int:
        """Train what is pending as far as it deserves; how many trials were left to a later run."""
        points = _points(self._results.sweep.trials)
        open_keys = {trial.key for trial in pending}
        seeds = self._results.sweep.loaded.config.seeds
        steps = rungs(self._results.sweep.trials[0].train_samples, len(seeds), self._search)
        alive: dict[str, Sequence[Trial]] = {
            name: trials for name, trials in points.items() if self._is_open(trials, open_keys)
        }
        for number, rung in enumerate(steps[:-1]):
            at_rung = [t for trials in alive.values() for t in trials if t.config.seed in seeds[: rung.seeds]]
            todo = [trial for trial in at_rung if trial.key in open_keys and self._lacks(trial, rung.samples)]
            if trainer.train(todo, until=rung.samples):
                return self._left(open_keys)
            self._keep(trainer, todo, rung.samples)
            alive = self._decide(points, alive, open_keys, (number, rung))
        whole = [t for trials in alive.values() for t in trials if t.key in open_keys and self._is_unfinished(t)]
        left = trainer.train(whole)
        return self._left(open_keys) if left else 0

    def _is_open(self, trials: Sequence[Trial], open_keys: set[str]) -> bool:
        return any(trial.key in open_keys for trial in trials)

    def _is_unfinished(self, trial: Trial) -> bool:
        """Whether a trial has come to no end yet, good or bad."""
        row = self._results.rows.get(trial.key)
        return row is None or row["status"] in (Status.INTERRUPTED, Status.STOPPED)

    def _lacks(self, trial: Trial, stop: int) -> bool:
        """Whether a trial is still to be trained to a rung: it has neither a measure there nor an end."""
        return self._is_unfinished(trial) and str(stop) not in self._measures.get(trial.trained_as, {})

    def _left(self, open_keys: set[str]) -> int:
        rows = self._results.rows
        return sum(key not in rows or rows[key]["status"] == Status.INTERRUPTED for key in open_keys)

    def _keep(self, trainer: Trainer, trials: Sequence[Trial], stop: int) -> None:
        """Write down what a rung measured, before anything is decided."""
        for trial in trials:
            # Taken out, for what one rung paused says nothing of the next, which a trial may have finished.
            outcome = trainer.paused.pop(trial.trained_as, None)
            if outcome is not None:
                worker, started_at = self._begun.get(trial.trained_as, ("", now()))
                machine = self._machines.get(worker, Machine())
                measure = Measure(outcome.columns, outcome.curve, machine, started_at)
                self._measures.setdefault(trial.trained_as, {})[str(stop)] = asdict(measure)
        _write(self._path, self._measures)

    def _decide(
        self,
        points: Points,
        alive: Points,
        open_keys: set[str],
        at: tuple[int, Rung],
    ) -> dict[str, Sequence[Trial]]:
        """The configurations that go on; the others get their rows. Those decided in earlier runs still compete."""
        number, rung = at
        measured = {name: found for name, trials in points.items() if (found := self._candidate(name, trials, rung))}
        wanted = wanted_after(len(_by_training(points)), number, self._search)
        rivals = [measured[name] for name in _by_training(points).values() if name in measured]
        going = survivors(_with_baseline(rivals, points, self._metric), self._metric, wanted)
        needed = {trial.trained_as for name in going for trial in points[name]}
        kept = {
            name: trials  # those of the same plans as one that goes on cost nothing
            for name, trials in alive.items()
            if name not in measured or any(trial.trained_as in needed for trial in trials)
        }
        self._observer(
            Note(f"rung {number + 1} of {self._search.rungs}: {len(kept)} of {len(alive)} configurations go on to more")
        )
        for name in alive:
            if name not in kept:
                self._give_up([trial for trial in alive[name] if trial.key in open_keys], rung)
        return {name: trials for name, trials in kept.items() if self._all_well(trials)}

    def _give_up(self, trials: Sequence[Trial], rung: Rung) -> None:
        """Rows instead of further training for the trials of a configuration that have come to no end yet."""
        seeds = len(self._results.sweep.loaded.config.seeds)
        some = "" if rung.seeds == seeds else f" on {rung.seeds} of {seeds} seeds"
        for trial in trials:
            if self._is_unfinished(trial):
                of = f"{rung.samples:,} of {trial.train_samples:,} samples{some}"
                self._stop(trial, rung.samples, f"halving: adds little to the frontier after {of}")
                forget_checkpoint(self._results.checkpoint(trial.trained_as))

    def _all_well(self, trials: Sequence[Trial]) -> bool:
        """Whether a configuration can still become a point: none of its trials failed."""
        rows = self._results.rows
        return not any(
            trial.key in rows and rows[trial.key]["status"] not in (Status.OK, Status.INTERRUPTED) for trial in trials
        )

    def _candidate(self, name: str, trials: Sequence[Trial], rung: Rung) -> Candidate | None:
        """A configuration as the rung saw it; None where nothing was measured at its end, as of one trained before."""
        seeds = self._results.sweep.loaded.config.seeds[: rung.seeds]
        values = [self._value(trial, rung.samples) for trial in trials if trial.config.seed in seeds]
        if any(value is None for value in values):
            return None
        size = int(getattr(trials[0].costs, self._size))
        return Candidate(name, size, tuple(value for value in values if value is not None))

    def _value(self, trial: Trial, samples: int) -> float | None:
        """A trial's quality after so many samples; NaN where it failed on its way, None where it is not known."""
        measure = self._measures.get(trial.trained_as, {}).get(str(samples))
        row = self._results.rows.get(trial.key)
        if measure is None and row is not None and row["status"] == Status.OK:
            found = row.get(self._metric.validation) if samples >= trial.train_samples else None
            return None if found is None else float(found)
        if measure is not None:
            value = measure["columns"].get(self._metric.validation)
            return math.nan if value is None else float(value)
        failed = row is not None and row["status"] not in (Status.INTERRUPTED, Status.STOPPED)
        return math.nan if failed else None

    def _stop(self, trial: Trial, stop: int, reason: str) -> None:
        """Write the row of a trial that is given up, with what its last rung measured; one of a seed that was not
        tried yet has trained on nothing."""
        measures = self._measures.get(trial.trained_as, {})
        found = measures.get(str(stop)) or _UNTRIED
        machine = Machine(**found["machine"])
        outcome = Outcome(Status.STOPPED, reason, found["columns"], tuple(found["curve"]))
        row = self._results.store(trial, outcome, machine, found["started_at"], self._results.task(trial, stop))
        self._observer(TrialFinished(trial, row))


def _with_baseline(candidates: Sequence[Candidate], points: Points, metric: Metric) -> list[Candidate]:
    """The same, where the best uncompressed model always goes on: all others are compared with it."""
    dense = [each for each in candidates if each.is_sound and points[each.name][0].config.method == Method.DENSE]
    best = min(dense, key=lambda each: metric.cost(math.fsum(each.values) / len(each.values)), default=None)
    return [replace(each, always=each is best) for each in candidates]


def _by_training(points: Points) -> dict[tuple[str, ...], str]:
    """The first configuration of each training: cells that come to the same plans are one choice."""
    found: dict[tuple[str, ...], str] = {}
    for name, trials in points.items():
        found.setdefault(tuple(trial.trained_as for trial in trials), name)
    return found


def _points(trials: Sequence[Trial]) -> dict[str, tuple[Trial, ...]]:
    """Trials by configuration: those that differ in the seed alone."""
    found: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        found[json.dumps(identity(trial.config), sort_keys=True)].append(trial)
    return {name: tuple(some) for name, some in found.items()}


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Measures by training and rung; none where the file is absent or damaged: its rungs are evaluated again."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return {}
        values = json.loads(path.read_text(encoding="utf-8"))
        for rungs in values.values():
            for measure in rungs.values():
                Machine(**measure["machine"])
                {**measure["columns"], "curve": list(measure["curve"]), "started_at": str(measure["started_at"])}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    found: dict[str, dict[str, Any]] = values
    return found


def _write(path: Path, measures: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the file at once. One that cannot be written costs an evaluation after an interruption, no more."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(measures), encoding="utf-8")
        temporary.replace(path)
