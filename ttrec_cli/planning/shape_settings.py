"""How the shape of a table is chosen: the rule, and what it is held to."""

from dataclasses import dataclass
from typing import Literal, get_args

from ttrec_cli.errors import ConfigError
from ttrec_kernels.entropy_rule import entropy_shape
from ttrec_kernels.shape_checks import DEFAULT_CORES
from ttrec_kernels.shape_search import DEFAULT_MAX_SKEW, smallest_shape
from ttrec_kernels.shapes import TTShape

ShapeRule = Literal["parameters", "entropy"]
"""Fewest parameters, or the paper's most even factors."""


@dataclass(frozen=True)
class ShapeSettings:
    """One way to choose shapes, for any table.

    `max_skew` is the largest row factor over the smallest, and holds for the rule `parameters`. `dim_factors`, unless
    None, are used for every table; their product must be its dim.
    """

    max_skew: float = DEFAULT_MAX_SKEW
    rule: ShapeRule = "parameters"
    dim_factors: tuple[int, ...] | None = None
    cores: int = DEFAULT_CORES

    def __post_init__(self) -> None:
        if self.rule not in get_args(ShapeRule):
            raise ConfigError(f"rule must be parameters or entropy, but is {self.rule!r}")

    def shape(
        self, rows: int, dim: int, ranks: int | tuple[int, ...], row_factors: tuple[int, ...] | None = None
    ) -> TTShape:
        """Shape of a `rows` × `dim` table at one rank, or the inner ranks (r1, r2, …).

        `row_factors` fixes those, whatever their skew. Raises `ShapeError` with the nearest valid value.
        """
        if self.rule == "entropy":
            if row_factors is not None:
                raise ConfigError("rule entropy chooses the row factors itself; leave out the row factors or the rule")
            return entropy_shape(rows, dim, ranks, cores=self.cores, dim_factors=self.dim_factors)
        return smallest_shape(
            rows,
            dim,
            ranks,
            cores=self.cores,
            max_skew=self.max_skew,
            row_factors=row_factors,
            dim_factors=self.dim_factors,
        )
