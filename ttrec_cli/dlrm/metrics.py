"""How good click predictions are: accuracy, log-loss, AUC and normalised entropy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Metrics:
    """`accuracy` at 0.5 and `auc` as fractions; `logloss` in nats a sample; `ne`: normalised entropy."""

    accuracy: float
    logloss: float
    auc: float
    ne: float


def click_metrics(logits: NDArray[np.floating], labels: NDArray[np.uint8]) -> Metrics:
    """Metrics of logits (samples,) against labels 0 or 1 (samples,); computed in float64.

    Normalised entropy is log-loss over the entropy of the mean click rate (He et al. 2014). AUC and
    normalised entropy are NaN when all labels are equal.
    """
    z = logits.astype(np.float64)
    y = labels.astype(np.float64)
    # log(1 + e^z) − y·z is the log-loss of sigmoid(z); logaddexp keeps it exact for large |z|.
    logloss = float(np.mean(np.logaddexp(0.0, z) - y * z))
    predicted = z > 0  # numpy rounds 0.5 to 0, so p = 0.5 counts as no click, as in the DLRM script
    return Metrics(
        accuracy=float(np.mean(predicted == (y > 0))),
        logloss=logloss,
        auc=area_under_curve(z, labels),
        ne=_ratio(logloss, _entropy(float(y.mean()))),
    )


def area_under_curve(scores: NDArray[np.floating], labels: NDArray[np.uint8]) -> float:
    """Probability that a click scores above a non-click, ties counting one half (Mann–Whitney U); exact."""
    positives = int(np.count_nonzero(labels))
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts = np.diff(np.r_[starts, len(ordered)])
    # Twice the mean rank of a group of equal scores is a whole number, so the sum is exact.
    doubled_rank = np.repeat(2 * starts + counts + 1, counts)
    doubled_sum = int(doubled_rank[labels[order] > 0].sum())
    return (doubled_sum - positives * (positives + 1)) / (2 * positives * negatives)


def _entropy(rate: float) -> float:
    if rate in (0.0, 1.0):
        return 0.0
    return float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
