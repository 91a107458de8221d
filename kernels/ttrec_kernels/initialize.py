"""Initial values: TT cores from three distributions at two scales, dense rows as DLRM draws them.

All values are drawn on the CPU, so that a seed means the same on every device.

Source: TT-Rec (MLSys 2021), §3.2 and Algorithm 3, with its errata: a sample is kept when its *absolute value*
exceeds 2, and the factor (1/3n)^(1/2d) *multiplies* each core.
"""

import hashlib
from collections.abc import Callable, Sequence
from math import prod, sqrt

import torch
from torch import Tensor

from ttrec_kernels.choices import DenseDistribution, Distribution, InitScale, choose

TAIL = 0.022750131948179195
"""Probability that a standard normal exceeds 2: one side of what the sampled Gaussian keeps."""

CHUNK_ROWS = 2**16
"""Rows drawn at a time for a table that does not lie in the CPU's memory."""


def initialize_cores(
    cores: Sequence[Tensor],
    rows: int,
    *,
    distribution: str = Distribution.SAMPLED_GAUSSIAN,
    scale: str = InitScale.CALIBRATED,
    generator: torch.Generator | None = None,
) -> None:
    """Fill cores (p_k, r_{k-1}, q_k, r_k) of a table of `rows` rows in place, whatever their device and dtype.

    `calibrated`: the reconstructed entries have the root mean square 1/sqrt(3·rows) at every rank, that of
    Uniform(±1/sqrt(rows)). `paper`: Algorithm 3 as published, which knows no rank. `generator` must be a CPU one;
    None draws from torch's own. Raises `UnsupportedError` for an unknown distribution or scale.
    """
    asked_distribution = choose(Distribution, distribution, "distribution")
    asked_scale = choose(InitScale, scale, "scale")
    drawn = [draw(tuple(core.shape), asked_distribution, generator) for core in cores]
    target = 1 / sqrt(3 * rows)
    if asked_scale == InitScale.CALIBRATED:
        target /= reconstructed_rms(drawn)
    with torch.no_grad():
        for core, values in zip(cores, drawn, strict=True):
            core.copy_(values.mul_(target ** (1 / len(cores))))


def draw(shape: tuple[int, ...], distribution: Distribution, generator: torch.Generator | None) -> Tensor:
    """Float64 tensor of `shape`; uniform and Gaussian have variance 1, the sampled Gaussian 5.75."""
    if distribution == Distribution.GAUSSIAN:
        return torch.randn(shape, dtype=torch.float64, generator=generator)
    signed = torch.rand(shape, dtype=torch.float64, generator=generator).mul_(2).sub_(1)
    if distribution == Distribution.UNIFORM:
        return signed.mul_(sqrt(3))
    # Algorithm 3 draws anew until |x| > 2, one time in 22. The inverse of the normal distribution on its two
    # tails gives the same in one go: `signed` holds both the sign and how far out in the tail.
    tail = signed.abs().clamp_(min=2.0**-53).mul_(TAIL)
    magnitude: Tensor = torch.special.ndtri(tail).neg_()
    return magnitude.copysign_(signed)


def reconstructed_rms(cores: Sequence[Tensor]) -> float:
    """Root mean square of all entries of the table behind `cores`, padding rows included.

    Exact up to float64 rounding without building the table: the sum of squares is the train contracted with itself,
    M_k = Σ_{i,j} G_k[i, :, j, :]ᵀ M_{k-1} G_k[i, :, j, :] from M_0 = 1.
    """
    gram = torch.ones(1, 1, dtype=torch.float64)
    for core in cores:
        values = core.detach().to("cpu", torch.float64)
        half = torch.tensordot(gram, values, dims=([1], [1]))
        gram = torch.tensordot(values.transpose(0, 1), half, dims=([0, 1, 2], [0, 1, 2]))
    entries = prod(core.shape[0] * core.shape[2] for core in cores)
    return sqrt(gram.item() / entries)


def initialize_dense(
    weight: Tensor,
    generator: torch.Generator | None = None,
    distribution: str = DenseDistribution.UNIFORM,
) -> None:
    """Fill a table (rows, dim) in place; never copies a large one. By default from Uniform(±1/sqrt(rows)), as DLRM."""
    asked = choose(DenseDistribution, distribution, "distribution")
    rows = weight.shape[0]

    def fill(part: Tensor) -> Tensor:
        if asked == DenseDistribution.UNIFORM:
            return part.uniform_(-1 / sqrt(rows), 1 / sqrt(rows), generator=generator)
        return part.normal_(0.0, sqrt(asked.variance(rows)), generator=generator)

    with torch.no_grad():
        if weight.device.type == "cpu" and asked == DenseDistribution.UNIFORM:
            fill(weight)
        else:
            _copy_drawn(weight, fill)


def _copy_drawn(weight: Tensor, fill: Callable[[Tensor], Tensor]) -> None:
    """The same values on every device: drawn on the CPU part by part."""
    for part in torch.split(weight, CHUNK_ROWS):
        part.copy_(fill(torch.empty(part.shape, dtype=weight.dtype)))


def table_generator(seed: int, table: str) -> torch.Generator:
    """CPU generator of one table's initial values: it depends on `seed` and the table's name alone."""
    digest = hashlib.sha256(f"{seed}/{table}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big"))
