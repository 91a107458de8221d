"""From the measured speed of a trial to the seconds that it will take; no torch here."""

from dataclasses import dataclass

from ttrec_cli.sweep.grid import Trial

OUTSIDE_SECONDS = 0.2
"""Of a trial beside what is measured: its first copies and last looks at its weights, its row, memory given back.
Median of 57 trials on a small machine, where it varied by 0.02."""


@dataclass(frozen=True)
class Speed:
    """What one trial costs: seconds to build it, a step, a sample of evaluation."""

    build_seconds: float
    step_seconds: float
    evaluate_seconds_per_sample: float


def predicted_seconds(trial: Trial, speed: Speed, evaluated_samples: int) -> float:
    """Seconds that a trial takes: built, trained, evaluated on `evaluated_samples` at every point of its curve."""
    config = trial.config.train
    steps = -(-trial.train_samples // config.batch_size)
    evaluation = min(config.evaluations, trial.train_samples) * evaluated_samples * speed.evaluate_seconds_per_sample
    return OUTSIDE_SECONDS + speed.build_seconds + steps * speed.step_seconds + evaluation
