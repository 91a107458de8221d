"""How far distributions of initial values lie from each other: Kullback–Leibler divergences in nats.

n is the number of rows of the table. DLRM draws its rows from Uniform(±1/√n); the normal distribution nearest to
that is N(0, 1/3n). A second argument of N is a variance.
"""

from dataclasses import dataclass
from math import e, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

BINS = 512
"""Of the histogram by which a density is estimated on Uniform's support."""

SPACING = 16
"""Ordered values between the two ends of a gap, halved."""


def kl_uniform_to_normal(rows: int, variance: float) -> float:
    """D(Uniform(±1/√n) ‖ N(0, σ²)) = ½ ln(π n σ² / 2) + 1 / (6 n σ²), in closed form.

    With P = 1/(2a) on ±a and a² = 1/n: the integral of P ln P is −ln 2a, and that of −P ln Q is
    ½ ln 2πσ² + a² / (6 σ²). It is least at σ² = 1/3n, where it is ½ ln(π e / 6) = 0.176 for any n.
    """
    scaled = rows * variance
    return 0.5 * log(pi * scaled / 2) + 1 / (6 * scaled)


@dataclass(frozen=True)
class TableOneRow:
    """A row of the paper's Table 1: its divergence as derived here, as printed there, and what is wrong there."""

    distribution: str
    variance: float | None
    kl: float
    printed: str
    erratum: str


def table_one(rows: int) -> tuple[TableOneRow, ...]:
    """The KL column of Table 1 for a table of `rows` rows, P = Uniform(±1/√n) as in §3.2."""
    turned = "the sign is turned: a divergence is never negative"
    listed = (
        ("N(0, 1)", 1.0, "c − 1/6n", turned),
        ("N(0, 1/2)", 1 / 2, "c − 1/3n + 0.34", turned + "; ½ ln 2 is 0.35"),
        ("N(0, 1/8)", 1 / 8, "c − 4/3n + 1.4", turned + "; 1.4 should be ½ ln 8 = 1.04"),
        ("N(0, 1/3n)", 1 / (3 * rows), "−0.17", turned + "; ½ ln(πe/6) is 0.176"),
        (
            "N(0, 1/9n²)",
            1 / (9 * rows**2),
            "½ ln(18/πn) − 1.5n",
            turned + "; 18/πn should be 18n/π; and the loss of accuracy is not proportional to this one",
        ),
    )
    uniform = TableOneRow("Uniform(±1/√n)", None, 0.0, "0", "")
    normals = (TableOneRow(name, v, kl_uniform_to_normal(rows, v), shown, wrong) for name, v, shown, wrong in listed)
    return uniform, *normals


@dataclass(frozen=True)
class Spread:
    """What the entries of a table look like.

    `rms` and `kurtosis` (3 for a normal distribution, 1.8 for a uniform one). `kl_to_normal`: D(entries ‖ N(0, 1/3n)).
    `kl_to_uniform`: D(entries ‖ Uniform(±1/√n)), None (infinite) as soon as an entry lies beyond ±1/√n.
    `kl_from_uniform`: D(Uniform ‖ entries), the direction of the paper's Table 1. `beyond_uniform`: share of entries
    beyond ±1/√n. `near_zero`: share within a tenth of it.
    """

    rms: float
    kurtosis: float
    kl_to_normal: float
    kl_to_uniform: float | None
    kl_from_uniform: float
    beyond_uniform: float
    near_zero: float


def spread(values: NDArray[np.float64], rows: int) -> Spread:
    """The spread of `values` (any number of entries, at least 1000) of a table of `rows` rows."""
    unit = np.sort(values * sqrt(rows))  # Uniform's support is now ±1
    square = float(np.mean(unit**2))
    entropy = _entropy(unit)
    beyond = float(np.mean(np.abs(unit) > 1))
    return Spread(
        rms=sqrt(square / rows),
        kurtosis=float(np.mean(unit**4)) / square**2,
        kl_to_normal=0.5 * log(2 * pi / 3) + 1.5 * square - entropy,
        kl_to_uniform=log(2) - entropy if beyond == 0 else None,
        kl_from_uniform=_kl_from_uniform(unit),
        beyond_uniform=beyond,
        near_zero=float(np.mean(np.abs(unit) < 0.1)),
    )


def _entropy(ordered: NDArray[np.float64]) -> float:
    """Differential entropy in nats from the spacings of ordered values (Vasicek 1976), their bias removed."""
    m = min(SPACING, len(ordered) // 4)
    gaps = np.maximum(ordered[2 * m :] - ordered[: -2 * m], 1e-300)
    return float(np.mean(np.log(gaps * (len(ordered) + 1) / (2 * m)))) + _spacing_bias(m)


def _spacing_bias(m: int) -> float:
    """ln 2m − ψ(2m): what the logarithm of a gap over 2m spacings lacks on average."""
    digamma = float(np.sum(1 / np.arange(1, 2 * m))) - 0.5772156649015329
    return log(2 * m) - digamma


def _kl_from_uniform(unit: NDArray[np.float64]) -> float:
    counts, _ = np.histogram(unit, bins=BINS, range=(-1, 1))
    # Half a value in each bin keeps an empty one from being an infinite surprise.
    density = (counts + 0.5) / (len(unit) + 0.5 * BINS) / (2 / BINS)
    return float(-log(2) - np.mean(np.log(density)))


LEAST_KL = 0.5 * log(pi * e / 6)
"""D(Uniform ‖ N(0, 1/3n)) for every n."""
