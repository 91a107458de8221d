"""A search over planted learning curves: rungs, decisions, rows of what is given up, resumption after interruptions."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from ttrec_cli.config import LoadedSweep, SweepConfig
from ttrec_cli.store import Status, read
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.events import Note, TrialFinished, TrialStarted, WorkerReady
from ttrec_cli.sweep.grid import Trial, expand
from ttrec_cli.sweep.messages import PAUSED, Machine, Outcome
from ttrec_cli.sweep.results import Results
from ttrec_cli.sweep.run import Sweep
from ttrec_cli.sweep.search import SEARCH_FILE, Search

DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 900), 9000, "f" * 64)
CONFIG = SweepConfig.model_validate(
    {
        "name": "t",
        "data": {"format": "synthetic", "rows": 10500},
        "model": {"bottom_mlp": [4], "top_mlp": [4]},
        "grid": {"method": ["tt", "tt-frozen"], "rank": [1, 2, 4, 6, 8, 12, 16], "tables": [1], "dim": [8]},
        "seeds": [0, 1],
        "search": {"method": "halving", "eta": 3, "rungs": 3},
    }
)
TRIALS = expand(CONFIG, DATA)
MACHINE = Machine("cpu", "reference", threads=1)


def loss(trial: Trial, samples: int) -> float:
    """Frozen cores are far worse; more bytes are better; all learn."""
    config = trial.config
    size = math.log10(trial.costs.model_bytes)
    handicap = 0.1 * (config.method == "tt-frozen")
    return 0.7 - 0.02 * size + handicap + 300 / (samples + 1000) * 0.01 + 0.0001 * config.seed


class Planted:
    """Trains as a driver would, in no time: losses are those planted. `patience` counts trainings until it is
    interrupted; `broken` names a trial that fails."""

    def __init__(self, results: Results, observer, patience: int = 10**9, broken: str = "", losses=loss) -> None:
        self.paused: dict[str, Outcome] = {}
        self.trained: list[tuple[str, int]] = []
        self._results = results
        self._observer = observer
        self._patience = patience
        self._broken = broken
        self._losses = losses

    def train(self, trials: Sequence[Trial], until: int | None = None) -> int:
        trials = list(trials)
        self._observer(WorkerReady("w0", MACHINE))
        for number, trial in enumerate(trials):
            if self._patience == 0:
                return len(trials) - number
            self._patience -= 1
            samples = trial.train_samples if until is None else until
            self._observer(TrialStarted(trial, "w0", samples))
            self.trained.append((trial.key, samples))
            columns = {"val_logloss": self._losses(trial, samples), "train_samples": samples}
            if trial.key == self._broken:
                self._store(trial, Outcome(Status.FAILED, "broken"))
            elif samples >= trial.train_samples:
                self._store(trial, Outcome(Status.OK, "", columns))
            else:
                self.paused[trial.trained_as] = Outcome(PAUSED, "", columns)
                checkpoint = self._results.checkpoint(trial.trained_as)
                checkpoint.parent.mkdir(parents=True, exist_ok=True)
                checkpoint.write_bytes(b"weights")
        return 0

    def _store(self, trial: Trial, outcome: Outcome) -> None:
        row = self._results.store(trial, outcome, MACHINE, "", self._results.task(trial, None))
        self._observer(TrialFinished(trial, row))


def go(
    directory: Path, trials: Sequence[Trial] = TRIALS, config: SweepConfig = CONFIG, **planted
) -> tuple[int, Planted, list]:
    frame = read(directory)
    plain = frame.astype(object).where(frame.notna(), None)
    stored = {row["key"]: row for row in plain.to_dict(orient="records")}
    sweep = Sweep(LoadedSweep(config, False), directory, DATA, tuple(trials), stored, ())
    results = Results(sweep, Path("data"))
    events: list = []
    search = Search(results, config.search, events.append)
    planted_trainer = Planted(results, search, **planted)
    left = search.train(planted_trainer, sweep.pending())
    return left, planted_trainer, events


def outcomes(directory: Path) -> dict[str, tuple[str, int]]:
    frame = read(directory)
    samples = frame["train_samples"].fillna(0)
    return dict(zip(frame["key"], zip(frame["status"], samples, strict=True), strict=True))


def test_the_frontier_is_trained_to_its_end_and_the_rest_is_given_up_early(tmp_path: Path) -> None:
    left, trainer, events = go(tmp_path)
    assert left == 0
    assert len(set(trainer.trained)) == len(trainer.trained), "nothing is trained twice"
    frame = read(tmp_path)
    assert len(frame) == len(TRIALS)
    finished = frame[frame["status"] == "ok"]
    assert set(finished["method"]) == {"tt", "dense"}
    assert (finished["train_samples"] == 9000).all()
    stopped = frame[frame["status"] == "stopped"]
    tried = stopped[stopped["train_samples"] > 0]
    assert set(tried["train_samples"]) == {1000, 6000}
    worst = stopped[(stopped["method"] == "tt-frozen") & (stopped["rank"] == 16)]
    assert set(worst["train_samples"]) == {1000, 0}, "the first rung takes one of the two seeds"
    assert stopped["reason"].str.contains("adds little to the frontier after").all()
    assert (tried["backend"] == "reference").all()
    assert tried["val_logloss"].notna().all()
    assert frame["train_samples"].sum() <= 0.5 * 9000 * len(TRIALS)
    assert [event.text for event in events if isinstance(event, Note)]
    seeds = frame.groupby(["method", "rank", "dim"], dropna=False)["status"].nunique()
    assert (seeds == 1).all(), "a configuration goes on with all of its seeds or with none"
    assert list((tmp_path / "checkpoints").iterdir()) == [], "weights of what is given up are not kept"


def test_the_end_of_a_seed_decides_not_what_it_was_before(tmp_path: Path) -> None:
    """With three seeds the second rung is one whole seed; frozen cores begin better here and end worse."""

    def crossing(trial: Trial, samples: int) -> float:
        early = 0.2 * (samples < trial.train_samples) * (trial.config.method == "tt-frozen")
        return loss(trial, samples) - early

    config = CONFIG.model_copy(update={"seeds": (0, 1, 2)})
    trials = expand(config, DATA)
    left, trainer, _ = go(tmp_path, trials, config, losses=crossing)
    assert left == 0
    assert len(set(trainer.trained)) == len(trainer.trained)
    frame = read(tmp_path)
    finished = frame[frame["status"] == "ok"].groupby(["method", "rank"], dropna=False)["seed"].nunique()
    assert set(finished) == {1, 3}
    assert {method for method, _ in finished[finished == 3].index} == {"tt", "dense"}
    whole = frame[(frame["status"] == "stopped") & frame["reason"].str.contains("9,000 of 9,000")]
    assert set(whole["seed"]) == {1, 2}
    assert whole["reason"].str.endswith("after 9,000 of 9,000 samples on 1 of 3 seeds").all()


def test_checkpoints_of_what_goes_on_are_kept_until_then(tmp_path: Path) -> None:
    _, _, events = go(tmp_path, patience=len(TRIALS) // 2)
    assert any(isinstance(event, Note) for event in events), "one rung was decided"
    kept = {path.stem for path in (tmp_path / "checkpoints").iterdir()}
    given_up = {key for key, (status, _) in outcomes(tmp_path).items() if status == "stopped"}
    assert kept
    assert kept <= {trial.trained_as for trial in TRIALS if trial.key not in given_up}
    assert given_up


def test_cells_of_one_plan_go_on_together(tmp_path: Path) -> None:
    """Ranks so high that the table stays dense: what trains the uncompressed model, which always goes on, is theirs."""
    grid = CONFIG.grid | {"rank": [1, 2, 4, 6, 8, 12, 16, 200, 300]}
    trials = expand(CONFIG.model_copy(update={"grid": grid}), DATA)
    go(tmp_path, trials)
    found = outcomes(tmp_path)
    uncompressed = {trial.trained_as for trial in trials if trial.config.method == "dense"}
    twins = [trial for trial in trials if trial.trained_as in uncompressed]
    assert len(twins) == 5 * 2
    assert {found[trial.key][0] for trial in twins} == {"ok"}


def test_an_interrupted_search_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    go(tmp_path / "whole")
    expected = outcomes(tmp_path / "whole")
    for patience in (1, len(TRIALS) - 1, len(TRIALS) + 3, len(TRIALS) + 30):
        folder = tmp_path / str(patience)
        left, _, _ = go(folder, patience=patience)
        assert left > 0 or patience > len(TRIALS) + 10
        left, _, _ = go(folder)
        assert left == 0
        assert outcomes(folder) == expected
    _, again, _ = go(tmp_path / "whole")
    assert again.trained == []


def test_no_rung_is_trained_twice_after_an_interruption(tmp_path: Path) -> None:
    _, first, _ = go(tmp_path, patience=len(TRIALS) + 3)
    _, second, _ = go(tmp_path)
    rung = {key for key, samples in first.trained if samples == 1000}
    assert rung == {trial.key for trial in TRIALS if trial.config.seed == 0}
    assert not [key for key, samples in second.trained if samples == 1000]


def test_a_failed_trial_ends_its_configuration(tmp_path: Path) -> None:
    broken = next(trial for trial in TRIALS if trial.config.method == "tt" and trial.config.rank == 8)
    go(tmp_path, broken=broken.key)
    found = outcomes(tmp_path)
    other = next(t for t in TRIALS if t.config == broken.config.model_copy(update={"seed": 1}))
    assert found[broken.key][0] == "failed"
    assert found[other.key] == ("stopped", 0)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": {"1": {"machine": 3}}}', '{"x": 1}', "[" * 10000])
def test_a_damaged_search_file_costs_an_evaluation_not_the_search(tmp_path: Path, content: str) -> None:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / SEARCH_FILE).write_text(content)
    left, _, _ = go(tmp_path)
    assert left == 0
    assert json.loads((tmp_path / SEARCH_FILE).read_text())


def test_without_a_search_what_was_stopped_is_trained_to_its_end(tmp_path: Path) -> None:
    go(tmp_path)
    frame = read(tmp_path).astype(object)
    stored = {row["key"]: row for row in frame.to_dict(orient="records")}
    plain = CONFIG.model_copy(update={"search": None})
    stopped = {key for key, row in stored.items() if row["status"] == "stopped"}
    with_search = Sweep(LoadedSweep(CONFIG, False), tmp_path, DATA, TRIALS, stored, ())
    without = Sweep(LoadedSweep(plain, False), tmp_path, DATA, TRIALS, stored, ())
    assert with_search.pending() == ()
    assert {trial.key for trial in without.pending()} == stopped
