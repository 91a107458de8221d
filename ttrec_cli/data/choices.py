"""Everything chosen at preparation that changes the numbers a model trains on; recorded in meta.json."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.errors import ConfigError

MAX_INDEX_RANGE = 2**31 - 1
MAX_SEED = 2**63 - 1


class Order(StrEnum):
    """Order of the training rows on disk."""

    SHUFFLED = "shuffled"
    TIME = "time"


class Missing(StrEnum):
    """What a missing category counts as: the value 0, as in the DLRM script, or a value of its own."""

    ZERO = "zero"
    OWN_ID = "own-id"


class DenseTransform(StrEnum):
    """What is stored of a dense feature x; a missing one counts as x = 0 and none is stored as it is."""

    LOG1P = "log1p"
    LOG3 = "log3"
    NONE = "none"


FORMULAS = {
    DenseTransform.LOG1P: "log(max(x, 0) + 1)",
    DenseTransform.LOG3: "log(max(x, -2) + 3)",
    DenseTransform.NONE: "x",
}


class SplitBy(StrEnum):
    """What decides the split of a row."""

    DAY = "day"
    RANDOM = "random"
    COLUMN = "column"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How a raw log becomes a dataset; the defaults are those of MLPerf's DLRM script on Criteo Kaggle.

    Attributes:
        seed: of the shuffle, of random splits and of sub-sampling; each draws from a stream of its own.
        split: by DAY the last day is halved into test and validation, by RANDOM each of them gets
            `held_out` of the rows, by COLUMN a column of the log says it.
        index_range: categories are taken modulo this first; None: not at all.
        min_count: values that occur less often over all days share one id, the last.
        drop_negatives: the share of rows without a click that is left out, in all days.

    Raises:
        ConfigError: a value is outside its range.
    """

    order: Order = Order.SHUFFLED
    seed: int = 0
    split: SplitBy = SplitBy.DAY
    held_out: float = 0.1
    index_range: int | None = None
    min_count: int = 1
    missing: Missing = Missing.ZERO
    dense: DenseTransform = DenseTransform.LOG1P
    drop_negatives: float = 0.0
    skip_bad_lines: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(f"seed must be from 0 to {MAX_SEED}, is {self.seed}")
        if not 0 < self.held_out <= 0.4:
            raise ConfigError(f"held-out must be above 0 and at most 0.4, is {self.held_out}")
        if self.index_range is not None and not 1 <= self.index_range <= MAX_INDEX_RANGE:
            raise ConfigError(f"index-range must be from 1 to {MAX_INDEX_RANGE}, is {self.index_range}")
        if self.min_count < 1:
            raise ConfigError(f"min-count must be at least 1, is {self.min_count}")
        if not 0 <= self.drop_negatives < 1:
            raise ConfigError(f"drop-negatives must be from 0 to below 1, is {self.drop_negatives}")

    def recorded(self) -> dict[str, Any]:
        """The choices as plain values, for meta.json."""
        return {
            "order": self.order.value,
            "seed": self.seed,
            "split": self.split.value,
            "held_out": float(self.held_out) if self.split == SplitBy.RANDOM else None,
            "index_range": self.index_range,
            "min_count": self.min_count,
            "missing": self.missing.value,
            "dense": FORMULAS[self.dense],
            "drop_negatives": float(self.drop_negatives),
            "skip_bad_lines": self.skip_bad_lines,
        }


def transform(values: NDArray[np.float64], how: DenseTransform) -> NDArray[np.float32]:
    """What is stored of raw dense features, of any shape."""
    if how is DenseTransform.LOG1P:
        return np.log1p(np.maximum(values, 0.0)).astype(np.float32)
    if how is DenseTransform.LOG3:
        return np.log(np.maximum(values, -2.0) + 3.0).astype(np.float32)
    return values.astype(np.float32)
