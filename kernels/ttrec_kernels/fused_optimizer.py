"""Optimisers applied inside the backward pass: only the slices and rows of a batch are read and written."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from ttrec_kernels.errors import UnsupportedError


class FusedOptimizer(Protocol):
    """What a module needs to know of its fused optimiser; `kind` is the number that kernels know it by."""

    kind: ClassVar[int]

    @property
    def learning_rate(self) -> float: ...
    @property
    def eps(self) -> float: ...


def check_rates(learning_rate: float, eps: float = 0.0) -> None:
    """Raise `UnsupportedError` unless both are numbers of at least 0."""
    if not learning_rate >= 0 or not eps >= 0:
        raise UnsupportedError(f"learning_rate and eps must be at least 0, but are {learning_rate} and {eps}")


@dataclass(frozen=True)
class FusedSGD:
    """w ← w − learning_rate · g, as `torch.optim.SGD`. No state."""

    learning_rate: float
    kind: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_rates(self.learning_rate)

    @property
    def eps(self) -> float:
        """Not used."""
        return 0.0


@dataclass(frozen=True)
class FusedAdagrad:
    """s ← s + g²; w ← w − learning_rate · g / (√s + eps), as `torch.optim.Adagrad`. State: as large as the weights."""

    learning_rate: float
    eps: float = 1e-10
    kind: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_rates(self.learning_rate, self.eps)


@dataclass(frozen=True)
class FusedRowwiseAdagrad:
    """Adagrad with one number of state for each core slice or dense row: s ← s + mean(g²) over it.

    Source: FBGEMM's exact row-wise Adagrad, here with a slice of a core as the row.
    """

    learning_rate: float
    eps: float = 1e-10
    kind: ClassVar[int] = 3

    def __post_init__(self) -> None:
        check_rates(self.learning_rate, self.eps)
