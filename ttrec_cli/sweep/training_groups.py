"""Trials that come to the same training, grouped: it is trained once, for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ttrec_cli.config.run_settings import BudgetConfig
from ttrec_cli.sweep.grid import Trial

Group = tuple[Trial, ...]
"""Trials with the same `trained_as`; the first is the one that is trained."""


def group_trials(trials: Iterable[Trial]) -> tuple[Group, ...]:
    """Trials by what they train, in the order of the first of each."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.trained_as, []).append(trial)
    return tuple(tuple(group) for group in groups.values())


class Allowance:
    """What a budget leaves: trials to start and samples to train in this run of the sweep."""

    def __init__(self, budget: BudgetConfig) -> None:
        self._budget = budget
        self._samples: dict[str, int] = {}

    def take(self, trial: Trial, end: int) -> bool:
        """Account for training a trial to `end` samples; False, and nothing taken, when the budget lacks it."""
        trials, samples = self._budget.trials, self._budget.samples
        after = self._samples | {trial.trained_as: end}
        if (trials is not None and len(after) > trials) or (samples is not None and sum(after.values()) > samples):
            return False
        self._samples = after
        return True


def finished_elsewhere(
    before: Mapping[str, Any] | None, now: Mapping[str, Any] | None, unfinished: Sequence[str]
) -> bool:
    """Whether the row `now` tells of a training that ended since the row `before` was read."""
    if now is None or now["status"] in unfinished:
        return False
    return before is None or before.get("ended_at") != now.get("ended_at") or before["status"] != now["status"]
