"""A trained table to TT cores for `ttrec factorize --weights table.npy`: errors by rank, and the cores in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ttrec_cli import console
from ttrec_cli.commands.factorize_asked import whole_numbers
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.amounts import parse_bytes

if TYPE_CHECKING:
    from ttrec_kernels.decompose import Decomposition
    from ttrec_kernels.rank_errors import RankError

SUFFIXES = (".npy", ".safetensors", ".pt", ".pth")
STANDARD_RANKS = (4, 8, 16, 32, 64)
DEFAULT_RANK = "32"


def is_trained_table(weights: Path | None) -> bool:
    """Whether --weights names a trained table, `x.npy` or `x.pt:name`, and not a list of look-ups."""
    return weights is not None and any(
        str(weights).lower().endswith(suffix) or f"{suffix}:" in str(weights).lower() for suffix in SUFFIXES
    )


def refuse_others(options: Mapping[str, object]) -> None:
    """`ConfigError` if an option is given that says nothing of a trained table."""
    for name, given in options.items():
        if given is not None:
            raise ConfigError(f"--weights decomposes a trained table, which has its own rows and dim; leave out {name}")


def need_a_trained_table(options: Mapping[str, object]) -> None:
    """`ConfigError` if an option is given that speaks of a trained table where there is none."""
    for name, given in options.items():
        if given is not None:
            raise ConfigError(f"{name} needs --weights with a trained table, such as --weights table.npy")


@dataclass(frozen=True)
class TrainedAsked:
    """What was asked of a trained table; `ConfigError` where options contradict each other."""

    weights: str
    rank: str | None
    tolerance: float | None
    max_bytes: str | None
    importance: str | None
    out: Path | None

    def __post_init__(self) -> None:
        given = [self.rank, self.tolerance, self.max_bytes]
        if sum(value is not None for value in given) > 1:
            raise ConfigError("--rank, --tolerance and --max-bytes each decide the ranks; give one of them")
        if self.tolerance is not None and not 0 <= self.tolerance < 1:
            raise ConfigError(f"--tolerance must lie in 0 … 1 (1 excluded), but is {self.tolerance}")
        if self.out is not None and not self.out.absolute().parent.is_dir():
            raise ConfigError(f"{self.out}: cannot be written: there is no folder {self.out.parent}; try another --out")

    @property
    def target(self) -> dict[str, Any]:
        """The argument of `from_dense` that was asked for."""
        if self.tolerance is not None:
            return {"tolerance": self.tolerance}
        if self.max_bytes is not None:
            return {"max_bytes": parse_bytes(self.max_bytes)}
        ranks = whole_numbers("--rank", self.rank or DEFAULT_RANK)
        return {"rank": ranks[0] if len(ranks) == 1 else ranks}


def decompose_table(asked: TrainedAsked) -> console.CommandResult:
    """TT-SVD at the ranks asked for and at a few others, refined where importance is given; writes the cores."""
    from ttrec_cli.commands.factorize_importance import read_counts
    from ttrec_cli.commands.factorize_weights_view import payload, shown
    from ttrec_kernels.decompose import from_dense
    from ttrec_kernels.rank_errors import rank_errors
    from ttrec_kernels.storage import save_cores
    from ttrec_kernels.table_file import read_table
    from ttrec_kernels.weighted_fit import fit_cores

    table = read_table(asked.weights)
    counts = None if asked.importance is None else read_counts(asked.importance, table.shape[0])
    others: list[RankError] = []
    with console.progress("Decomposing", 2 + len(STANDARD_RANKS), unit="steps") as progress:
        chosen: Decomposition = from_dense(table, importance=counts, **asked.target)
        progress.advance(1, "ranks")
        for found in rank_errors(table, chosen.shape, STANDARD_RANKS, counts, lambda: progress.advance(1, "ranks")):
            others.append(found)
            progress.advance(1, f"rank {found.rank}")
    cores, report = chosen.cores, None
    if counts is not None:
        cores, report = fit_cores(chosen.cores, table, counts)
    if asked.out is not None:
        save_cores(asked.out, cores, chosen.shape)
    result = payload(asked.weights, chosen, others, report, asked.out)
    return console.CommandResult("factorize", result, shown(result))
