"""What a synthetic log is: everything known of it before it is made."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

from ttrec_cli.data.criteo_lines import CATEGORY_COLUMNS, DENSE_COLUMNS
from ttrec_cli.data.days import MIN_ROWS, split_rows
from ttrec_cli.data.manifest import MAX_BAG_VALUES
from ttrec_cli.data.measured import LogModel, scaled_column
from ttrec_cli.data.synthetic_columns import Like, scaled_rows
from ttrec_cli.data.synthetic_law import ColumnLaw, LogLaw, bag_lengths, criteo_law
from ttrec_cli.errors import ConfigError

GENERATOR_VERSION = 1
"""Part of every fingerprint: raised whenever the same specification gives other rows."""

MAX_SEED = 2**63 - 1
MAX_TOTAL_ROWS = 2**31 - 1
"""Places in all tables together are numbered with 32 bits."""


@dataclass(frozen=True, kw_only=True)
class SyntheticSpec:
    """A synthetic log.

    Attributes:
        like: the public log whose tables are imitated; their rows are multiplied by `table_scale`.
        model: a measured dataset to imitate instead; `like` is its name then.
        drift: share of each column's values that change places of popularity from day to day; see `drift`.
        multi_hot: values in a row of each column; None: one, or bags as the model has them.

    Raises:
        ConfigError: a value is outside its range.
    """

    like: str = "kaggle"
    rows: int
    table_scale: float = 1.0
    seed: int = 0
    model: LogModel | None = None
    drift: float = 0.0
    multi_hot: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.model is None and self.like not in get_args(Like):
            raise ConfigError(f"like must be one of {', '.join(get_args(Like))}, is {self.like!r}")
        if self.rows < MIN_ROWS:
            raise ConfigError(f"rows must be at least {MIN_ROWS}, to make seven days, is {self.rows}")
        if not (math.isfinite(self.table_scale) and 0 < self.table_scale <= 1):
            raise ConfigError(f"table_scale must be above 0 and at most 1, is {self.table_scale}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(f"seed must be from 0 to {MAX_SEED}, is {self.seed}")
        if not 0 <= self.drift <= 1:
            raise ConfigError(f"drift must be from 0 to 1, is {self.drift}")
        if self.multi_hot is not None and len(self.multi_hot) != len(self.columns):
            raise ConfigError(
                f"multi-hot must be {len(self.columns)} sizes, one a column, but is {len(self.multi_hot)}"
            )
        if self.multi_hot and not all(1 <= size <= MAX_BAG_VALUES for size in self.multi_hot):
            raise ConfigError(f"multi-hot sizes must be from 1 to {MAX_BAG_VALUES}")
        if sum(self.cardinalities) > MAX_TOTAL_ROWS:
            raise ConfigError(f"all tables together must have at most {MAX_TOTAL_ROWS} rows; use a smaller table_scale")

    @property
    def name(self) -> str:
        """The dataset's name: never that of the real log."""
        return f"synthetic-{self.like}"

    @property
    def columns(self) -> tuple[str, ...]:
        """C1 … C26, or those of the model."""
        return CATEGORY_COLUMNS if self.model is None else tuple(column.name for column in self.model.columns)

    @property
    def dense_columns(self) -> tuple[str, ...]:
        """I1 … I13, or those of the model."""
        return DENSE_COLUMNS if self.model is None else tuple(feature.name for feature in self.model.features)

    @cached_property
    def cardinalities(self) -> tuple[int, ...]:
        """Rows of each column's table."""
        if self.model is not None:
            return tuple(scaled_column(column, self.table_scale).rows for column in self.model.columns)
        return scaled_rows("terabyte" if self.like == "terabyte" else "kaggle", self.table_scale)

    @property
    def splits(self) -> Mapping[str, range]:
        """Rows of "train", "test" and "validation"."""
        return split_rows(self.rows)

    @property
    def is_criteo(self) -> bool:
        """Whether rows fit Criteo's raw layout."""
        return self.model is None and max(self.multi_hot or (1,)) == 1

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the specification and the generator's version, in hex."""
        return hashlib.sha256(json.dumps(self.choices(), sort_keys=True).encode()).hexdigest()

    def choices(self) -> dict[str, Any]:
        """The specification as plain values; what is not asked for is left out."""
        asked: dict[str, Any] = {"model": self.model and self.model.fingerprint, "drift": float(self.drift)}
        asked["multi_hot"] = list(self.multi_hot or ())
        return {
            "like": self.like,
            "rows": self.rows,
            "table_scale": float(self.table_scale),
            "seed": self.seed,
            "generator_version": GENERATOR_VERSION,
        } | {name: value for name, value in asked.items() if value}

    def law(self) -> LogLaw:
        """What its rows are drawn from."""
        if self.model is None:
            law = criteo_law("terabyte" if self.like == "terabyte" else "kaggle", self.table_scale)
        else:
            scaled = [scaled_column(column, self.table_scale) for column in self.model.columns]
            columns = tuple(
                ColumnLaw(column.rows, column.has_missing, column.skew, column.lengths) for column in scaled
            )
            law = LogLaw(columns, self.model.features, self.model.click_rate)
        if self.multi_hot is None:
            return law
        sized = zip(law.columns, self.multi_hot, strict=True)
        return replace(law, columns=tuple(replace(column, lengths=bag_lengths(size)) for column, size in sized))
