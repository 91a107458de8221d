"""How long trials will take: from finished ones of the same shape, or from a hundred steps of each shape."""

import json
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ttrec_cli.config import CriteoData, SyntheticData
from ttrec_cli.data import synthesize
from ttrec_cli.errors import ConfigError
from ttrec_cli.store import Status
from ttrec_cli.sweep.dataset import synthetic_spec
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.memory import does_not_fit, memory_there
from ttrec_cli.sweep.probe_process import ProbeProcess
from ttrec_cli.sweep.probe_times import predicted_seconds
from ttrec_cli.sweep.run import Sweep
from ttrec_cli.sweep.worker_limits import worker_settings

PROBE_ROWS = 400_000
"""Samples of the synthetic log that is made to probe on, where the sweep's own is not there yet."""

_NO_SPEED = ("seed", "rank", "tables", "dim", "plan", "init", "shape", "method")
_NO_STEP = ("learning_rate", "embedding_learning_rate", "samples", "epochs", "evaluations")


@dataclass(frozen=True)
class Estimate:
    """Seconds that a trial will take, and how that is known: `finished` trials or a `probe`."""

    seconds: float
    source: str


@dataclass(frozen=True)
class Forecast:
    """What a run of the sweep will take. `estimates` by key, of trials to train; `problems` of those without.

    `start_seconds` for the workers' start, `data_seconds` to make synthetic data; `memory` there in bytes, if known.
    `slots` trials run at once. `share` of all that is to be trained that a search will train.
    """

    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 0.0
    data_seconds: float = 0.0
    memory: int | None = None
    slots: int = 1
    share: float = 1.0

    def total_seconds(self, trials: Sequence[Trial]) -> float | None:
        """Seconds for all these trials, those that share a plan once; None where one has no estimate."""
        trained = {trial.trained_as: trial.key for trial in trials if trial.key not in self.problems}
        if not trained:
            return 0.0
        if any(key not in self.estimates for key in trained.values()):
            return None
        seconds = sum(self.estimates[key].seconds for key in trained.values()) * self.share
        return self.start_seconds + self.data_seconds + seconds / min(self.slots, len(trained))


def forecast(sweep: Sweep, device: str, probe: bool, on_probe: Callable[[int, int], None]) -> Forecast:
    """Estimates for the trials that are pending; `on_probe(done, of)` is told how probing goes.

    Trains nothing that is kept and writes nothing to the results. Raises `ConfigError` when the device is not to
    be had.
    """
    pending = sweep.pending()
    known = from_finished(pending, tuple(sweep.stored.values()), device)
    there = memory_there(sweep.loaded.config)
    problems = _misfits(pending, there)
    slots = len(worker_settings(device, sweep.loaded.config.resources))
    found = Forecast(known, problems, memory=there, slots=slots, share=_share(sweep))
    unknown = [trial for trial in pending if trial.key not in known and trial.key not in problems]
    if not probe or not unknown:
        return found
    return _probed(sweep, found, unknown, device, on_probe)


def _share(sweep: Sweep) -> float:
    """What a search will train of the sweep; all without one."""
    config = sweep.loaded.config
    if config.search is None or not sweep.trials:
        return 1.0
    from ttrec_cli.sweep.halving import expected_share

    seeds = len(config.seeds)
    trainings = len({trial.trained_as for trial in sweep.trials})
    return expected_share(max(1, trainings // seeds), sweep.trials[0].train_samples, seeds, config.search)


def _misfits(trials: Sequence[Trial], there: int | None) -> dict[str, str]:
    return {trial.key: reason for trial in trials if (reason := does_not_fit(trial, there))}


def from_finished(trials: Sequence[Trial], rows: Sequence[Mapping[str, Any]], device: str) -> dict[str, Estimate]:
    """Estimates by key from rows of this machine whose tables, layers and batch sizes are the same."""
    samples: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    here = platform.node()
    for row in rows:
        if row["status"] == Status.OK and row["host"] == here and device in ("auto", row["device"]):
            config = json.loads(row["config"])
            per_sample = row["train_seconds"] / row["train_samples"]
            per_point = row["evaluate_seconds"] / config["train"]["evaluations"]
            spent = _wall_seconds(row) - row["train_seconds"] - row["evaluate_seconds"]
            samples[speed_shape(config, row["plan"])].append((per_sample, per_point, max(0.0, spent)))
    found = {}
    for trial in trials:
        same = samples.get(_shape_of(trial))
        if same:
            train, evaluate, rest = (statistics.median(column) for column in zip(*same, strict=True))
            points = trial.config.train.evaluations
            found[trial.key] = Estimate(train * trial.train_samples + evaluate * points + rest, "finished")
    return found


def speed_shape(config: Mapping[str, Any], plan: str) -> str:
    """What the speed of a trial depends on, as text: plans, layers, batch sizes, not seeds, rates or lengths."""
    kept = {name: value for name, value in config.items() if name not in _NO_SPEED}
    kept["train"] = {name: value for name, value in config["train"].items() if name not in _NO_STEP}
    return json.dumps([kept, config["method"] == "tt-frozen", plan], sort_keys=True)


def _shape_of(trial: Trial) -> str:
    plan = json.dumps([plan.to_dict() for plan in trial.plans], sort_keys=True, separators=(",", ":"))
    return speed_shape(json.loads(trial.config.model_dump_json()), plan)


def _wall_seconds(row: Mapping[str, Any]) -> float:
    try:
        started, ended = (datetime.fromisoformat(str(row[name])) for name in ("started_at", "ended_at"))
    except ValueError:
        return 0.0
    return (ended - started).total_seconds()


def _probed(
    sweep: Sweep, found: Forecast, trials: Sequence[Trial], device: str, on_probe: Callable[[int, int], None]
) -> Forecast:
    config = sweep.loaded.config
    with tempfile.TemporaryDirectory(prefix="ttrec-probe-") as scratch:
        dataset, data_seconds = _dataset(sweep, Path(scratch))
        with ProbeProcess(worker_settings(device, config.resources)[0], dataset) as process:
            if process.machine.problem:
                raise ConfigError(process.machine.problem)
            there = memory_there(config, process.machine.memory)
            misfits = _misfits(trials, there)
            able = [trial for trial in trials if trial.key not in misfits]
            estimates, problems = _measured(process, able, sweep.dataset.evaluated_samples, on_probe)
            return replace(
                found,
                estimates={**found.estimates, **estimates},
                problems={**found.problems, **misfits, **problems},
                start_seconds=process.start_seconds,
                data_seconds=data_seconds,
                memory=there,
            )


def _measured(
    process: ProbeProcess, trials: Sequence[Trial], evaluated: int, on_probe: Callable[[int, int], None]
) -> tuple[dict[str, Estimate], dict[str, str]]:
    """Estimates by key, and reasons where there is none; every shape is measured once."""
    shapes: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        shapes[_shape_of(trial)].append(trial)
    estimates, problems = {}, {}
    on_probe(0, len(shapes))
    for done, same in enumerate(shapes.values(), start=1):
        probed = process.measure(same[0])
        for trial in same:
            if probed.speed is None:
                problems[trial.key] = probed.problem
            else:
                estimates[trial.key] = Estimate(predicted_seconds(trial, probed.speed, evaluated), "probe")
        on_probe(done, len(shapes))
    return estimates, problems


def _dataset(sweep: Sweep, scratch: Path) -> tuple[Path, float]:
    """A log to probe on, and the seconds that the sweep's own will take to make."""
    data = sweep.loaded.config.data
    if isinstance(data, CriteoData):
        return data.path, 0.0
    there = sweep.directory / "data" / synthetic_spec(data).fingerprint[:16]
    if (there / "meta.json").is_file():
        return there, 0.0
    return _small_log(data, scratch)


def _small_log(data: SyntheticData, scratch: Path) -> tuple[Path, float]:
    small = data.model_copy(update={"rows": min(data.rows, PROBE_ROWS)})
    started = time.perf_counter()
    synthesize(synthetic_spec(small), scratch / "log")
    return scratch / "log", (time.perf_counter() - started) * data.rows / small.rows
