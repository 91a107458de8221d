"""What a frontier may maximise or minimise beside model bytes."""

from enum import StrEnum


class Metric(StrEnum):
    """A quality of the trained model, measured on validation; test is reported beside it."""

    ACCURACY = "accuracy"
    LOGLOSS = "logloss"
    AUC = "auc"

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
        return self != Metric.LOGLOSS

    @property
    def label(self) -> str:
        """The metric's name in text."""
        return {"accuracy": "accuracy", "logloss": "log-loss", "auc": "AUC"}[self.value]

    def cost(self, value: float) -> float:
        """The value turned so that less is better."""
        return -value if self.higher_is_better else value
