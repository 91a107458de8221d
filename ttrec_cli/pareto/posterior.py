"""What the true means of many points may be, given a few seeds of each: means drawn from an empirical-Bayes posterior.

The best of many noisy means are best partly by luck, so draws around the means themselves (a bootstrap of seeds) are
too sure of who is on the frontier: at noise as large as the steps between points by 20 %. The draws here pull every
mean towards what points of similar size reach, as far as the data say that it should be:

    score of point i with seed s = trend(log bytes of i) + deviation of i + effect of s + noise

The effect of a seed moves all points alike and is no part of their order: it is removed. Noise is Gaussian and of one
variance for all points, estimated from what is left. The trend is a line with bends at the quantiles of log bytes,
their size estimated from the data. Deviations follow a mixture of Gaussians of mean 0 and given widths, from none to
all there is, with weights fitted by EM: points off the trend (untrained cores, diverged runs) stay where they are.

It is still too sure where the truth jumps between points of similar size while noise is as large as the jumps, and
where noise is much larger than all steps there are: see tests/pareto/test_calibration.py.

Sources: Morris (1983), Parametric empirical Bayes inference; Stephens (2017), False discovery rates: a new deal, for
the mixture; Ruppert, Wand and Carroll (2003), Semiparametric Regression, for the bends.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BENDS = 4
_POINTS_FOR_BENDS = 8
_POINTS_FOR_SLOPE = 4
_ROUNDS = 30
"""Of EM: weights change by less than a per cent in the last ones."""

_PRIOR_COUNT = 2.0
"""Points that the prior of the mixture's weights is worth: with few points no width is ruled out."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """A fitted model of n points' means; all but `centre` is in units of `error`, the standard error of a mean.

    `basis` (n, p) times coefficients is the trend; these are Gaussian with mean `coefficients` and covariance
    `root` · `root`ᵀ. `widths` and `weights` are those of the mixture of deviations.
    """

    means: _Floats
    centre: float
    error: float
    freedom: int
    basis: _Floats
    coefficients: _Floats
    root: _Floats
    widths: _Floats
    weights: _Floats

    def draw(self, random: np.random.Generator, count: int) -> _Floats:
        """(count, n) draws of the true means, in the unit of the scores."""
        coefficients = self.coefficients + random.normal(size=(count, len(self.root))) @ self.root.T
        trend = coefficients @ self.basis.T
        left = self.means - trend
        reached = np.cumsum(_shares(left, self.widths, self.weights), axis=-1)
        component = (reached < random.random((*left.shape, 1))).sum(axis=-1)
        kept = self.widths**2 / (1 + self.widths**2)
        kept = kept[np.minimum(component, len(kept) - 1)]
        # The variance of noise is itself an estimate: Student's t instead of a Gaussian.
        doubt = np.sqrt(self.freedom / random.chisquare(self.freedom, (count, 1)))
        drawn = trend + kept * left + np.sqrt(kept) * doubt * random.normal(size=left.shape)
        found: _Floats = self.centre + self.error * drawn
        return found


def fit(model_bytes: _Floats, scores: _Floats) -> Posterior | None:
    """Fit the model to (n, seeds) scores, n and seeds at least 2; None where there is no noise to speak of."""
    points, seeds = scores.shape
    means = scores.mean(axis=1)
    noise = scores - means[:, None] - (scores - means[:, None]).mean(axis=0)
    freedom = (points - 1) * (seeds - 1)
    error = float(np.sqrt((noise**2).sum() / freedom / seeds))
    if error <= 1e-12 * float(np.abs(means).max(initial=1e-300)):
        return None
    centre = float(np.median(means))
    scaled = (means - centre) / error
    basis, straight = _basis(np.log10(model_bytes))
    widths = _widths(float(np.abs(scaled).max()))
    coefficients, root, weights = _fitted(scaled, basis, straight, widths)
    return Posterior(scaled, centre, error, freedom, basis, coefficients, root, widths, weights)


def _basis(sizes: _Floats) -> tuple[_Floats, int]:
    """(n, p) constant, slope and bends of a trend over sizes, and how many of them are no bends."""
    spread = float(sizes.std())
    if len(sizes) < _POINTS_FOR_SLOPE or spread < 1e-9:
        return np.ones((len(sizes), 1)), 1
    x = (sizes - sizes.mean()) / spread
    bends = np.quantile(x, np.linspace(0, 1, _BENDS + 2)[1:-1]) if len(x) >= _POINTS_FOR_BENDS else np.zeros(0)
    return np.column_stack([np.ones_like(x), x, np.maximum(x[:, None] - bends, 0.0)]), 2


def _widths(largest: float) -> _Floats:
    """None, then doubling from a quarter of the standard error to beyond all means."""
    return np.append(0.0, np.exp2(np.arange(-2, np.log2(max(32.0, 4 * largest)) + 1)))


def _shares(left: _Floats, widths: _Floats, weights: _Floats) -> _Floats:
    """(…, widths): the probability of each width of the mixture, for points with so much left beyond the trend."""
    variance = 1 + widths**2
    logs = np.log(weights / np.sqrt(variance)) - left[..., None] ** 2 / (2 * variance)
    likelihoods = np.exp(logs - logs.max(axis=-1, keepdims=True))
    found: _Floats = likelihoods / likelihoods.sum(axis=-1, keepdims=True)
    return found


def _fitted(scaled: _Floats, basis: _Floats, straight: int, widths: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Coefficients of the trend, the root of their covariance, and weights of the widths, by EM."""
    points, columns = basis.shape
    weights = np.full(len(widths), 1 / len(widths))
    coefficients: _Floats = np.asarray(np.linalg.lstsq(basis, scaled, rcond=None)[0], dtype=np.float64)
    root, bending = np.eye(columns), 1.0
    for _ in range(_ROUNDS):
        shares = _shares(scaled - basis @ coefficients, widths, weights)
        precision = (shares / (1 + widths**2)).sum(axis=1)
        inverse = (basis.T * precision) @ basis
        inverse += np.diag(np.where(np.arange(columns) < straight, 1e-9, 1 / bending))
        root = _inverse_root(inverse)
        coefficients = root @ (root.T @ (basis.T @ (precision * scaled)))
        weights = (shares.sum(axis=0) + _PRIOR_COUNT / len(widths)) / (points + _PRIOR_COUNT)
        if columns > straight:
            squares = coefficients[straight:] ** 2 + (root**2).sum(axis=1)[straight:]
            bending = max(float(squares.mean()), 1e-6)
    return coefficients, root, np.asarray(weights, dtype=np.float64)


def _inverse_root(matrix: _Floats) -> _Floats:
    """R with R · Rᵀ the inverse of a symmetric matrix; directions that it leaves open to rounding are bounded."""
    values, vectors = np.linalg.eigh(matrix)
    found: _Floats = vectors / np.sqrt(np.maximum(values, 1e-12 * values[-1]))
    return found
