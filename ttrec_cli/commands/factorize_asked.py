"""What was asked of `ttrec factorize`, as one frozen record that does not contradict itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import DEFAULT_RANK, ShapeRule, ShapeSettings
from ttrec_cli.planning.amounts import ITEM_BYTES, DType, parse_bytes, parse_compression
from ttrec_cli.planning.budget import Budget
from ttrec_kernels.shape_checks import count_cores
from ttrec_kernels.shape_search import DEFAULT_MAX_SKEW


@dataclass(frozen=True)
class Asked:
    """The options as given, None where left out; `ConfigError` where they contradict each other."""

    rows: int | None
    dim: int | None
    tables: str | None
    largest: int | None
    cores: int | None
    rank: str | None
    max_skew: float | None
    row_factors: str | None
    dim_factors: str | None
    rule: ShapeRule | None
    max_bytes: str | None
    compression: str | None
    spread: bool
    weights: Path | None
    dtype: DType
    yaml: str | None
    html: Path | None
    json: bool

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.tables is None):
            raise ConfigError("--rows with --dim plans one table, --tables a whole model: give one of the two")
        if self.rows is not None and self.dim is None:
            raise ConfigError("--rows needs --dim, the embedding dimension, such as --dim 16")
        if self.rule == "entropy" and self.max_skew is not None:
            raise ConfigError(
                "--rule entropy takes no --max-skew: it rounds rows to the most even factors; leave one out"
            )
        if self.yaml == "-" and self.json:
            raise ConfigError("--yaml - and --json would both print to stdout; give --yaml a file")
        self._check_pairs()

    def _check_pairs(self) -> None:
        one, model = self.rows is not None, self.tables is not None
        budget = self.max_bytes is not None or self.compression is not None
        for option, given, needed, there in (
            ("--largest", self.largest is not None, "--tables", model),
            ("--spread", self.spread, "--tables", model),
            ("--spread", self.spread, "--max-bytes or --compression", budget),
            ("--weights", self.weights is not None, "--spread", self.spread),
            ("--row-factors", self.row_factors is not None, "--rows, as every table has its own", one),
        ):
            if given and not there:
                raise ConfigError(f"{option} needs {needed}; add that, or leave {option} out")
        if self.max_bytes is not None and self.compression is not None:
            raise ConfigError("--max-bytes and --compression are both a budget; leave one out")
        if budget and self.rank is not None:
            raise ConfigError("a budget (--max-bytes, --compression) finds the ranks itself; leave out --rank or it")

    @property
    def has_budget(self) -> bool:
        """Whether ranks are to be found for a budget."""
        return self.max_bytes is not None or self.compression is not None

    @property
    def item_bytes(self) -> int:
        """Bytes of one number."""
        return ITEM_BYTES[self.dtype]

    @property
    def fixed_row_factors(self) -> tuple[int, ...] | None:
        """--row-factors as numbers."""
        return None if self.row_factors is None else whole_numbers("--row-factors", self.row_factors)

    @property
    def ranks(self) -> int | tuple[int, ...]:
        """--rank: one number for all bonds, or one for each."""
        ranks = whole_numbers("--rank", str(DEFAULT_RANK) if self.rank is None else self.rank)
        return ranks[0] if len(ranks) == 1 else ranks

    @property
    def settings(self) -> ShapeSettings:
        """How shapes are chosen."""
        q = None if self.dim_factors is None else whole_numbers("--dim-factors", self.dim_factors)
        skew = DEFAULT_MAX_SKEW if self.max_skew is None else self.max_skew
        cores = count_cores(self.cores, self.fixed_row_factors, q)
        return ShapeSettings(skew, self.rule or "parameters", q, cores)

    def budget(self, dense_parameters: int) -> Budget:
        """The budget for what has so many numbers uncompressed."""
        if self.max_bytes is not None:
            return Budget(parse_bytes(self.max_bytes), self.item_bytes)
        factor = parse_compression(self.compression or "1")
        return Budget.of_compression(factor, dense_parameters, self.item_bytes)

    def refuse(self, options: Iterable[str], why: str) -> None:
        """`ConfigError` if any of the options was given."""
        for option in options:
            if getattr(self, option.removeprefix("--").replace("-", "_")) not in (None, False):
                raise ConfigError(f"{why}; leave out {option}")


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"{option} must be whole numbers with commas between, such as 4,2,2, but is {text!r}"
        ) from None
