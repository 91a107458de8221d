"""The shape of one embedding table as a tensor train: factors, ranks and what they cost."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

from ttrec_kernels.errors import ShapeError

MAX_ROWS = 2**62
"""Products of factors stay below 2^63, so row indices fit in 64 bits."""


@dataclass(frozen=True)
class TTShape:
    """A table of `rows` × `dim` as `d` TT cores; core k has shape (r_{k-1}, p_k, q_k, r_k).

    `row_factors` p and `dim_factors` q are `tt_p_shapes` and `tt_q_shapes` in FBTT-Embedding. `ranks` has
    d + 1 entries and begins and ends with 1. Rows from `rows` to `padded_rows` exist in the cores and are
    never looked up. Raises `ShapeError` if the parts do not make a tensor train.

    Source: TT-Rec (MLSys 2021), §3.1, equations 1 and 2.
    """

    rows: int
    dim: int
    row_factors: tuple[int, ...]
    dim_factors: tuple[int, ...]
    ranks: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("row_factors", "dim_factors", "ranks"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_numbers()
        self._check_lengths()
        self._check_products()

    def _check_numbers(self) -> None:
        for name in ("rows", "dim"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ShapeError(f"{name} must be a whole number of at least 1, but is {value!r}")
        for name in ("row_factors", "dim_factors", "ranks"):
            for value in getattr(self, name):
                if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                    raise ShapeError(f"{name} must be whole numbers of at least 1, but has {value!r}")

    def _check_lengths(self) -> None:
        cores = len(self.row_factors)
        if cores < 2:
            raise ShapeError(f"a tensor train has at least 2 cores, but row_factors has {cores}")
        if len(self.dim_factors) != cores:
            raise ShapeError(
                f"row_factors and dim_factors must be equally many, but are {cores} and {len(self.dim_factors)}"
            )
        if len(self.ranks) != cores + 1:
            raise ShapeError(f"{cores} cores need {cores + 1} ranks (1, r1, …, 1), but there are {len(self.ranks)}")
        if self.ranks[0] != 1 or self.ranks[-1] != 1:
            raise ShapeError(f"ranks must begin and end with 1, but are {format_factors(self.ranks)}")

    def _check_products(self) -> None:
        if self.padded_rows < self.rows:
            raise ShapeError(
                f"row factors {format_factors(self.row_factors)} hold {self.padded_rows} rows, "
                f"fewer than the {self.rows} asked for"
            )
        if self.padded_rows > MAX_ROWS:
            raise ShapeError(f"row factors {format_factors(self.row_factors)} exceed 2^62 rows")
        if prod(self.dim_factors) != self.dim:
            raise ShapeError(
                f"dim factors {format_factors(self.dim_factors)} have the product {prod(self.dim_factors)}, "
                f"but must have dim {self.dim}"
            )

    @property
    def cores(self) -> int:
        """Number of cores d."""
        return len(self.row_factors)

    @cached_property
    def padded_rows(self) -> int:
        """Rows the cores can hold: the product of the row factors."""
        return prod(self.row_factors)

    @property
    def padding_fraction(self) -> float:
        """Share of the asked rows by which the cores hold more: padded_rows / rows − 1."""
        return self.padded_rows / self.rows - 1

    @cached_property
    def core_shapes(self) -> tuple[tuple[int, int, int, int], ...]:
        """Stored layout of each core, (p_k, r_{k-1}, q_k, r_k): one row digit is one contiguous slice."""
        return tuple(
            (p, self.ranks[k], q, self.ranks[k + 1])
            for k, (p, q) in enumerate(zip(self.row_factors, self.dim_factors, strict=True))
        )

    @cached_property
    def parameters(self) -> int:
        """Numbers in all cores, padding included."""
        return sum(prod(shape) for shape in self.core_shapes)

    def bytes(self, item_bytes: int = 4) -> int:
        """Bytes of all cores at `item_bytes` a number."""
        return self.parameters * item_bytes

    @property
    def dense_parameters(self) -> int:
        """Numbers of the uncompressed table."""
        return self.rows * self.dim

    @property
    def compression(self) -> float:
        """Uncompressed bytes over TT bytes."""
        return self.dense_parameters / self.parameters

    @property
    def larger_than_dense(self) -> bool:
        """Whether the cores need more bytes than the table they stand for."""
        return self.parameters > self.dense_parameters

    @cached_property
    def flops_per_lookup(self) -> int:
        """FLOPs (a multiply-add is two) of one row: the cores contracted from left to right."""
        flops, width = 0, self.dim_factors[0]
        for _, r_left, q, r_right in self.core_shapes[1:]:
            flops += 2 * width * r_left * q * r_right
            width *= q
        return flops

    @cached_property
    def max_useful_ranks(self) -> tuple[int, ...]:
        """Largest rank at each of the d + 1 bonds that adds anything: min of the sizes left and right of it."""
        sizes = [p * q for p, q in zip(self.row_factors, self.dim_factors, strict=True)]
        return tuple(min(prod(sizes[:k]), prod(sizes[k:])) for k in range(self.cores + 1))

    @property
    def useless_rank(self) -> bool:
        """Whether some rank exceeds what its unfolding can have, so that a smaller one spans the same tables."""
        return any(rank > most for rank, most in zip(self.ranks, self.max_useful_ranks, strict=True))

    @property
    def bound_parameters(self) -> float:
        """Lower bound of the parameters at these ranks over all real-valued shapes.

        The product of the core sizes is rows · dim · Π r_k² for inner ranks, whatever the factors; by the
        inequality of arithmetic and geometric means their sum is least when all are equal.
        """
        inner = prod(self.ranks)
        product = self.rows * self.dim * inner * inner
        return float(self.cores * product ** (1 / self.cores))

    def digits(self, row: int) -> tuple[int, ...]:
        """Mixed-radix digits of a row, first core most significant: row = (i1·p2 + i2)·p3 + i3."""
        if not 0 <= row < self.rows:
            raise ShapeError(f"row must lie in 0 … {self.rows - 1}, but is {row}")
        reversed_digits = []
        for p in reversed(self.row_factors):
            row, digit = divmod(row, p)
            reversed_digits.append(digit)
        return tuple(reversed(reversed_digits))


def full_ranks(rank: int | tuple[int, ...], cores: int) -> tuple[int, ...]:
    """Ranks (1, r1, …, 1) for `cores` cores from one number or the d − 1 inner ranks."""
    inner = (rank,) * (cores - 1) if isinstance(rank, int) else tuple(rank)
    if len(inner) != cores - 1:
        raise ShapeError(f"{cores} cores have {cores - 1} inner ranks, but {len(inner)} were given")
    for value in inner:
        if value < 1:
            raise ShapeError(f"a rank must be at least 1, but is {value}; the nearest valid rank is 1")
    return (1, *inner, 1)


def format_factors(factors: tuple[int, ...]) -> str:
    """Factors as people write them: `200,220,250`."""
    return ",".join(str(factor) for factor in factors)
