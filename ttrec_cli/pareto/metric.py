"""What a frontier may maximise or minimise beside model bytes."""

from enum import StrEnum


class Metric(StrEnum):
    """A quality of the trained model, measured on validation; test is reported beside it."""

    ACCURACY = "accuracy"
    LOGLOSS = "logloss"
    AUC = "auc"
    NE = "ne"

    @property
    def validation(self) -> str:
        """The column that the frontier is chosen on."""
        return f"val_{self.value}"

    @property
    def test(self) -> str:
        """The column that is reported beside it."""
        return f"test_{self.value}"

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger value is the better one."""
        return self not in (Metric.LOGLOSS, Metric.NE)

    @property
    def label(self) -> str:
        """The metric's name in text."""
        return _LABELS[self.value]

    @property
    def others(self) -> tuple["Metric", ...]:
        """The metrics shown beside this one; normalised entropy only repeats log-loss, on another scale."""
        return tuple(metric for metric in Metric if metric not in (self, Metric.NE))

    def cost(self, value: float) -> float:
        """The value turned so that less is better."""
        return -value if self.higher_is_better else value


_LABELS = {"accuracy": "accuracy", "logloss": "log-loss", "auc": "AUC", "ne": "normalised entropy"}


class Cost(StrEnum):
    """A third objective, always minimised: a time that does not follow from the bytes."""

    STEP = "step"
    INFERENCE = "inference"

    @property
    def score(self) -> str:
        """The column it is read from; within a group all trials train and evaluate on equally many samples."""
        return {"step": "train_seconds", "inference": "evaluate_seconds"}[self.value]

    @property
    def label(self) -> str:
        """Its name in text."""
        return {"step": "training time", "inference": "inference time"}[self.value]
