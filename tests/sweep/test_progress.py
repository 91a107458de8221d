"""The state of a running sweep from its events, and its file for other terminals."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ttrec_cli.config import SweepConfig
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.events import SweepEnded, SweepStarted, TrialFinished, TrialPaused, TrialProgress, TrialStarted
from ttrec_cli.sweep.grid import expand
from ttrec_cli.sweep.progress import SweepProgress
from ttrec_cli.sweep.rows import planned_columns
from ttrec_cli.sweep.status import STATUS_FILE, StatusWriter, read_status

DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 900), 6000, "f" * 64)
CONFIG = SweepConfig.model_validate(
    {
        "name": "t",
        "data": {"format": "synthetic", "rows": 7000},
        "grid": {"rank": [2, 4], "tables": [1], "dim": [4]},
        "seeds": [0, 1],
    }
)
TRIALS = expand(CONFIG, DATA)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def row(trial, loss: float, status: str = "ok") -> dict:
    return planned_columns(trial, DATA, "t", False) | {"status": status, "reason": "", "val_logloss": loss}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> SweepProgress:
    stored = {TRIALS[0].key: row(TRIALS[0], 0.50), TRIALS[1].key: row(TRIALS[1], 0.5, "failed")}
    return SweepProgress(CONFIG, TRIALS, stored, clock)


def test_counts_follow_the_events(progress: SweepProgress, clock: Clock) -> None:
    counts = lambda: (progress.total, progress.done, progress.failed, len(progress.running), progress.pending)  # noqa: E731
    assert counts() == (6, 1, 1, 0, 4)
    progress(SweepStarted(TRIALS[1:], finished=1, slots=2))
    assert counts() == (6, 1, 0, 0, 5)
    progress(TrialStarted(TRIALS[2], "w0", 6000))
    progress(TrialStarted(TRIALS[3], "w1", 6000))
    assert counts() == (6, 1, 0, 2, 3)
    progress(TrialFinished(TRIALS[2], row(TRIALS[2], 0.55)))
    progress(TrialFinished(TRIALS[3], row(TRIALS[3], 0.0, "diverged")))
    assert counts() == (6, 2, 1, 0, 3)


def test_a_paused_trial_waits_for_a_decision_and_keeps_what_it_trained(progress: SweepProgress, tmp_path: Path) -> None:
    writer = StatusWriter(tmp_path, progress)
    progress(SweepStarted(TRIALS[2:], finished=2, slots=1))
    progress(TrialStarted(TRIALS[4], "w0", 2000))
    progress(TrialPaused(TRIALS[4], 2000, {}))
    assert (progress.pending, progress.paused, progress.running) == (3, 1, ())
    assert progress.samples == (2000, 4 * 6000 - 2000)
    writer.write()
    found = read_status(tmp_path)
    assert found is not None
    assert (found.pending, found.paused) == (3, 1)
    progress(TrialStarted(TRIALS[4], "w0", 6000))
    assert (progress.pending, progress.paused, len(progress.running)) == (3, 0, 1)
    progress(TrialPaused(TRIALS[4], 4000, {}))
    progress(TrialFinished(TRIALS[4], row(TRIALS[4], 0.6, "stopped")))
    assert (progress.pending, progress.paused, progress.done) == (3, 0, 2)


def test_speed_and_time_left(progress: SweepProgress, clock: Clock) -> None:
    progress(SweepStarted(TRIALS[2:], finished=2, slots=1))
    assert progress.eta_seconds is None
    progress(TrialStarted(TRIALS[2], "w0", 6000))
    progress(TrialProgress(TRIALS[2], "w0", 1000, 0.7))
    clock.now += 10
    progress(TrialProgress(TRIALS[2], "w0", 3000, 0.6))
    (running,) = progress.running
    assert running.samples_per_second == 200
    assert (running.samples, running.loss) == (3000, 0.6)
    trained, left = progress.samples
    assert (trained, left) == (2000, 4 * 6000 - 3000)
    assert progress.eta_seconds == pytest.approx(10 * left / trained)


def test_a_trial_that_goes_on_from_a_checkpoint_has_not_trained_what_came_before(progress, clock) -> None:
    progress(SweepStarted(TRIALS[2:], finished=2, slots=1))
    progress(TrialStarted(TRIALS[2], "w0", 6000))
    progress(TrialProgress(TRIALS[2], "w0", 5000, float("nan")))
    clock.now += 1
    progress(TrialProgress(TRIALS[2], "w0", 5500, float("nan")))
    assert progress.samples[0] == 500
    assert progress.running[0].loss is None


def test_trials_that_share_a_plan_are_trained_once(clock: Clock) -> None:
    small = replace(DATA, cardinalities=(30, 4, 5))
    config = CONFIG.model_copy(update={"grid": {"rank": [64, 128], "tables": [1], "dim": [4]}, "seeds": (0,)})
    shared = SweepProgress(config, expand(config, small), {}, clock)
    assert shared.samples == (0, 6000)


def test_the_frontier_is_that_of_means_over_the_seeds_so_far(progress: SweepProgress) -> None:
    dense, small, large = TRIALS[0], TRIALS[2], TRIALS[4]
    assert [(p.size_bytes, p.quality) for p in progress.frontier] == [(dense.costs.model_bytes, 0.50)]
    for trial, loss in ((small, 0.52), (TRIALS[3], 0.54), (large, 0.6)):
        progress(TrialFinished(trial, row(trial, loss)))
    assert [(p.size_bytes, p.quality, p.seeds) for p in progress.frontier] == [
        (small.costs.model_bytes, pytest.approx(0.53), 2),
        (dense.costs.model_bytes, 0.50, 1),
    ]


def test_the_status_file_says_it_to_other_processes(progress: SweepProgress, tmp_path: Path, clock: Clock) -> None:
    writer = StatusWriter(tmp_path, progress, clock)
    for event in (
        SweepStarted(TRIALS[2:], finished=2, slots=1),
        TrialStarted(TRIALS[2], "w0", 6000),
        TrialProgress(TRIALS[2], "w0", 1000, 0.7),
    ):
        clock.now += 2
        progress(event)
        writer(event)
    found = read_status(tmp_path)
    assert found is not None
    assert (found.total, found.done, found.failed, found.pending, len(found.running)) == (6, 1, 1, 3, 1)
    assert (found.running[0].key, found.running[0].samples, found.running[0].loss) == (TRIALS[2].key, 1000, 0.7)
    assert found.is_running
    assert found.age_seconds < 60
    keys = set(json.loads((tmp_path / STATUS_FILE).read_text()))
    assert keys >= {"driver", "total", "done", "failed", "pending", "running", "eta_seconds", "updated_at"}
    writer(SweepEnded(left=0))
    ended = read_status(tmp_path)
    assert ended is not None
    assert not ended.is_running
    assert [path.name for path in tmp_path.iterdir()] == [STATUS_FILE]


def test_a_driver_that_is_gone_is_not_running(progress: SweepProgress, tmp_path: Path) -> None:
    StatusWriter(tmp_path, progress)(SweepStarted(TRIALS, finished=0, slots=1))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    text = (tmp_path / STATUS_FILE).read_text()
    found = json.loads(text)
    found["driver"]["pid"] = gone.pid
    (tmp_path / STATUS_FILE).write_text(json.dumps(found))
    status = read_status(tmp_path)
    assert status is not None
    assert not status.is_running


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"total": "many"}', b"\xff\xfe", b"1" * 5000, b" " * 1_000_001, b"[" * 100_000],
    ids=lambda content: repr(content[:12]),
)
def test_a_damaged_status_file_is_no_status(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATUS_FILE).write_bytes(content)
    assert read_status(tmp_path) is None


def test_a_folder_that_cannot_be_written_stops_nothing(progress: SweepProgress, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    StatusWriter(tmp_path / "file", progress)(SweepStarted(TRIALS, finished=0, slots=1))
