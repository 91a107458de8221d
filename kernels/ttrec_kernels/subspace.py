"""Leading left singular vectors of a matrix that is read part by part."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

GRAM_HEIGHT = 4096
"""Up to here all singular vectors come from the matrix times its transpose; beyond, a random subspace is iterated."""

OVERSAMPLING = 16
FIRST_SKETCH = 64
"""Vectors of the first random subspace where the rank is not known."""

PASSES = 3
"""Over the matrix, for a random subspace; Halko, Martinsson and Tropp (2011) find two to be enough for slow decay."""

Parts = Callable[[], Iterable[Tensor]]


class Subspace(NamedTuple):
    """Left singular vectors, the strongest first, and how much of the matrix they hold."""

    basis: Tensor
    """(height, rank), orthonormal columns."""
    energies: Tensor
    """(rank), the squared singular values."""
    total: float
    """Squared Frobenius norm of the matrix."""

    def discarded(self, rank: int) -> float:
        """Squared Frobenius norm of what the first `rank` vectors leave out."""
        return max(0.0, self.total - float(self.energies[:rank].sum()))

    def smallest_rank(self, fraction: float) -> int | None:
        """Least rank that leaves out at most this fraction of `total`; None if all vectors here leave out more."""
        left = self.total - self.energies.cumsum(0)
        enough = (left <= max(fraction, 0.0) * self.total).nonzero()
        return int(enough[0].item()) + 1 if len(enough) else None

    def first(self, rank: int) -> "Subspace":
        """The `rank` strongest vectors alone."""
        return Subspace(self.basis[:, :rank], self.energies[:rank], self.total)


def leading_subspace(parts: Parts, height: int, rank: int, fraction: float = 0.0) -> Subspace:
    """At most `rank` left singular vectors of the matrix (height, columns) whose `parts` are some columns each.

    Fewer, if fewer leave out at most this `fraction` of its squared norm. `parts` is called once a pass. Exact, to
    the square root of float64's rounding, up to a height of 4096; randomised beyond.
    """
    found = _from_gram(parts, height) if height <= GRAM_HEIGHT else _grow(parts, height, rank, fraction)
    enough = found.smallest_rank(fraction) if fraction > 0 else None
    return found.first(min(rank, enough or rank))


def _from_gram(parts: Parts, height: int) -> Subspace:
    gram = torch.zeros(height, height, dtype=torch.float64)
    for part in parts():
        gram.addmm_(part, part.T)
    energies, basis = torch.linalg.eigh(gram)
    return Subspace(basis.flip(1), energies.flip(0).clamp_(min=0.0), float(gram.trace()))


def _grow(parts: Parts, height: int, rank: int, fraction: float) -> Subspace:
    """Random subspaces, each twice as large, until one leaves out at most `fraction` or reaches `rank`."""
    size = rank if fraction <= 0 else min(rank, FIRST_SKETCH)
    while 2 * (size + OVERSAMPLING) < height:
        found = _from_sketch(parts, height, size)
        if size >= rank or found.smallest_rank(fraction) is not None:
            return found
        size = min(rank, 2 * size)
    return _from_gram(parts, height)


def _from_sketch(parts: Parts, height: int, rank: int) -> Subspace:
    """Subspace iteration on the matrix times its transpose, then its eigenvectors within the subspace."""
    generator = torch.Generator().manual_seed(0)  # the same table gives the same cores
    columns = min(rank + OVERSAMPLING, height)
    basis = torch.randn(height, columns, dtype=torch.float64, generator=generator)
    total = 0.0
    for _ in range(PASSES):
        basis = torch.linalg.qr(basis).Q
        image, total = torch.zeros_like(basis), 0.0
        small = torch.zeros(columns, columns, dtype=torch.float64)
        for part in parts():
            inside = basis.T @ part
            image.addmm_(part, inside.T)
            small.addmm_(inside, inside.T)
            total += float(part.square().sum())
        last, basis = basis, image
    energies, vectors = torch.linalg.eigh(small)
    found = Subspace(last @ vectors.flip(1), energies.flip(0).clamp_(min=0.0), total)
    return found.first(rank)
