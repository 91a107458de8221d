"""Samples for trainings that tests stop and continue."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Samples:
    """A batch as a training reads it."""

    dense: np.ndarray
    sparse: np.ndarray
    label: np.ndarray


class StopError(Exception):
    """Raised by a test in the middle of a training."""
