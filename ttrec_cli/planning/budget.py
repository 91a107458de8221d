"""One table the other way round: the largest ranks that fit into a budget of bytes.

Least parameters rise with every rank, so what fits is closed downwards and ranks can be searched by halving. The
largest equal rank R comes first; no uneven ranks have a larger smallest rank, as they would contain R + 1 on all
bonds. Uneven ranks are compared as R is chosen: by the smallest rank, then by the second smallest, and so on, then
by the bytes they use. The best of them keep R on some bonds and raise the others as evenly as the budget allows.
"""

from dataclasses import dataclass
from fractions import Fraction

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.rank_curve import largest_rank_within
from ttrec_cli.planning.shape_settings import ShapeSettings
from ttrec_kernels.shape_checks import MAX_RANK
from ttrec_kernels.shapes import TTShape


@dataclass(frozen=True)
class Budget:
    """At most so many bytes, numbers stored in `item_bytes` each."""

    bytes: int
    item_bytes: int = 4

    @property
    def parameters(self) -> int:
        """Numbers that fit."""
        return self.bytes // self.item_bytes

    @classmethod
    def of_compression(cls, factor: Fraction, dense_parameters: int, item_bytes: int = 4) -> "Budget":
        """Bytes of a table or model `factor` times smaller than `dense_parameters` uncompressed ones."""
        return cls(int(dense_parameters * item_bytes / factor), item_bytes)

    def refusal(self, smallest_parameters: int) -> ConfigError:
        """The error where not even the smallest plan fits; it names that one."""
        smallest = smallest_parameters * self.item_bytes
        return ConfigError(
            f"the budget of {self.bytes} bytes is below the smallest possible, {smallest} bytes at rank 1; "
            f"the nearest valid budget is {smallest} bytes"
        )


@dataclass(frozen=True)
class TableFit:
    """`equal`: the shape of the largest equal rank. `uneven`: one that uses the budget better, if there is any."""

    equal: TTShape
    uneven: TTShape | None
    smallest_parameters: int
    fits_uncompressed: bool


def fit_table(
    rows: int,
    dim: int,
    budget: Budget,
    settings: ShapeSettings | None = None,
    row_factors: tuple[int, ...] | None = None,
) -> TableFit:
    """The largest ranks of a `rows` × `dim` table that fit; never a tensor train larger than dense where one is not.

    Raises `ConfigError`, which names the smallest possible bytes, and `ShapeError`.
    """
    chosen = ShapeSettings() if settings is None else settings
    smallest = chosen.shape(rows, dim, 1, row_factors).parameters
    if smallest > budget.parameters:
        raise budget.refusal(smallest)
    limit = min(budget.parameters, max(rows * dim, smallest))
    search = _Search(rows, dim, limit, chosen, row_factors)
    rank = largest_rank_within(rows, dim, limit, chosen, row_factors)
    equal = chosen.shape(rows, dim, rank, row_factors)
    uneven = search.uneven(rank, equal.cores - 1)
    if uneven.parameters <= equal.parameters or (uneven.useless_rank and not equal.useless_rank):
        return TableFit(equal, None, smallest, rows * dim <= budget.parameters)
    return TableFit(equal, uneven, smallest, rows * dim <= budget.parameters)


@dataclass(frozen=True)
class _Search:
    """Shapes of one table with at most `limit` parameters."""

    rows: int
    dim: int
    limit: int
    settings: ShapeSettings
    row_factors: tuple[int, ...] | None

    def shape(self, ranks: tuple[int, ...]) -> TTShape:
        return self.settings.shape(self.rows, self.dim, ranks, self.row_factors)

    def uneven(self, rank: int, bonds: int) -> TTShape:
        """The best ranks with `rank`, the largest equal one, on some bond.

        Bonds are fixed one after another, the smallest rank first. At each step only the
        choices with the largest next rank are followed: no other can end as the best.
        """
        starts: list[dict[int, int]] = [{bond: rank} for bond in range(bonds)]
        for _ in range(bonds - 1):
            grown: dict[tuple[tuple[int, int], ...], int] = {}
            for fixed in starts:
                largest = self._largest_rest(fixed, bonds)
                for bond in set(range(bonds)) - set(fixed):
                    grown[tuple(sorted((fixed | {bond: largest}).items()))] = largest
            most = max(grown.values())
            starts = [dict(ranks) for ranks, largest in grown.items() if largest == most]
        shapes = [self.shape(tuple(fixed[bond] for bond in range(bonds))) for fixed in starts]
        return max(shapes, key=lambda shape: (not shape.useless_rank, shape.parameters, shape.ranks))

    def _largest_rest(self, fixed: dict[int, int], bonds: int) -> int:
        """Largest rank on all bonds that are not fixed; it fits at the largest of the fixed ones."""

        def fits(rank: int) -> bool:
            ranks = tuple(fixed.get(bond, rank) for bond in range(bonds))
            return self.shape(ranks).parameters <= self.limit

        low, step = max(fixed.values()), 1
        while low + step <= MAX_RANK and fits(low + step):
            low, step = low + step, 2 * step
        high = min(low + step, MAX_RANK + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low
