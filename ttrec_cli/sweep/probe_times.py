"""From the measured speed of a trial to the seconds that it will take; no torch here."""

from dataclasses import dataclass

from ttrec_cli.sweep.grid import Trial


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
    return speed.build_seconds + steps * speed.step_seconds + evaluation
