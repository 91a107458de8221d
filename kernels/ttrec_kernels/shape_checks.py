"""What may be asked of a shape search; every refusal names the nearest valid value."""

from collections.abc import Sequence
from math import log, prod

from ttrec_kernels.errors import ShapeError
from ttrec_kernels.factorizations import ordered_factorizations
from ttrec_kernels.shapes import format_factors, full_ranks

MAX_SEARCH_ROWS = 10**12
"""Well above any table there is, and still searched in a fraction of a second."""

MAX_SEARCH_DIM = 2**16
MAX_RANK = 2**16
MIN_CORES, MAX_CORES = 2, 5
DEFAULT_CORES = 3


def check_range(name: str, value: int, least: int, most: int) -> None:
    """`ShapeError` unless `value` is a whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ShapeError(f"{name} must be a whole number, but is {value!r}")
    if not least <= value <= most:
        nearest = min(max(value, least), most)
        raise ShapeError(f"{name} must lie in {least} … {most}, but is {value}; the nearest valid value is {nearest}")


def check_table(rows: int, dim: int) -> None:
    """Rows and dim within what can be searched."""
    check_range("rows", rows, 1, MAX_SEARCH_ROWS)
    check_range("dim", dim, 1, MAX_SEARCH_DIM)


def count_cores(
    cores: int | None, row_factors: Sequence[int] | None = None, dim_factors: Sequence[int] | None = None
) -> int:
    """Number of cores: as asked, else as many as the factors given, else 3; `ShapeError` if they disagree."""
    given = {"row factors": row_factors, "dim factors": dim_factors}
    lengths = [len(factors) for factors in given.values() if factors is not None]
    count = cores if cores is not None else next(iter(lengths), DEFAULT_CORES)
    check_range("cores", count, MIN_CORES, MAX_CORES)
    for name, factors in given.items():
        if factors is not None and len(factors) != count:
            raise ShapeError(
                f"{count} cores need {count} {name}, but {len(factors)} were given, {_text(factors)}: "
                f"give {count}, or ask for as many cores as factors"
            )
    return count


def check_ranks(ranks: int | Sequence[int], cores: int) -> tuple[int, ...]:
    """The chain of ranks (1, r1, …, 1) for `cores` cores."""
    inner = (ranks,) if isinstance(ranks, int) else tuple(ranks)
    for rank in inner:
        check_range("a rank", rank, 1, MAX_RANK)
    if isinstance(ranks, int):
        return full_ranks(ranks, cores)
    if len(inner) != cores - 1:
        nearest = (inner + inner[-1:] * cores)[: cores - 1] or (32,) * (cores - 1)
        raise ShapeError(
            f"{cores} cores have {cores - 1} inner ranks, but {len(inner)} were given: {_text(inner)}; "
            f"the nearest valid ranks are {_text(nearest)}"
        )
    return full_ranks(inner, cores)


def check_row_factors(rows: int, factors: Sequence[int]) -> tuple[int, ...]:
    """Row factors that hold `rows` rows; otherwise the error says which one to raise to what."""
    given = tuple(factors)
    _check_whole("row factors", given)
    held = prod(given)
    if held < rows:
        enough = [-(-rows // (held // factor)) for factor in given]
        core = min(range(len(given)), key=lambda k: (held // given[k] * enough[k], k))
        nearest = (*given[:core], enough[core], *given[core + 1 :])
        raise ShapeError(
            f"row factors {_text(given)} hold {held} rows, fewer than the {rows} asked for; "
            f"raising {given[core]} to {enough[core]} is enough: {_text(nearest)}"
        )
    return given


def check_dim_factors(dim: int, factors: Sequence[int]) -> tuple[int, ...]:
    """Dim factors whose product is `dim`; otherwise the error names the nearest ones by ratio."""
    given = tuple(factors)
    _check_whole("dim factors", given)
    if prod(given) != dim:
        nearest = min(
            ordered_factorizations(dim, len(given)),
            key=lambda q: sum(abs(log(a) - log(b)) for a, b in zip(q, given, strict=True)),
        )
        raise ShapeError(
            f"dim factors {_text(given)} have the product {prod(given)}, but must have {dim}; "
            f"the nearest valid ones are {_text(nearest)}"
        )
    return given


def _check_whole(name: str, factors: tuple[int, ...]) -> None:
    for factor in factors:
        if not isinstance(factor, int) or isinstance(factor, bool) or factor < 1:
            nearest = ""
            if all(isinstance(value, int) for value in factors):
                nearest = f"; the nearest valid value is {_text([max(value, 1) for value in factors])}"
            raise ShapeError(f"{name} must be whole numbers of at least 1, but are {_text(factors)}{nearest}")


def _text(factors: Sequence[int]) -> str:
    return format_factors(tuple(factors))
