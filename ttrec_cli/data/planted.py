"""The planted click model of synthetic logs: what decides a click, known exactly.

    logit = bias + Σ_c m_c·e_c(v_c) + Σ_{c<d} ⟨u_c(v_c), u_d(v_d)⟩ + Σ_j b_j·(x_j − mean_j)

over the columns c, with value v_c, and the dense features x_j. The effect e and the latent vector u of a value
are random numbers made by hashing column and value: no table of them is stored, and neighbouring ids have
nothing in common. Both fade with the value's rank, so that values too rare to be learned do not drown the
rest in noise. The weights give each part of the logit the spread it is meant to have (`Spread`), and the
bias gives the click rate, both on a sample of rows that depends on the seed alone.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.synthetic_columns import CLICK_RATE, LARGE_TABLES, columns_by_size

Floats = NDArray[np.float64]

LATENTS = 3
FADING_RANK = 512.0
"""Effects fade like (1 + rank / this)^-½."""

BISECTIONS = 60
MAX_BIAS = 30.0


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the parts of the logit over the rows of a log."""

    large_tables: float = 0.75
    small_tables: float = 0.60
    pairs: float = 0.60
    dense: float = 0.25
    large_latent: float = 1.0
    """Length of the latent vectors of a large table over that of a small one."""


@dataclass(frozen=True)
class PlantedModel:
    """The weights of the click model; arrays have one entry per column, or per dense feature."""

    keys: NDArray[np.uint64]
    effect_weight: Floats
    latent_weight: Floats
    dense_weight: Floats
    dense_mean: Floats
    bias: float

    def logits(
        self, ranks: NDArray[np.int64], dense: NDArray[np.float32], columns: Collection[int] | None = None
    ) -> Floats:
        """Logit of each row.

        Args:
            ranks: (columns, n) value of each row as its rank of popularity, 0 where missing.
            dense: (features, n) transformed dense features.
            columns: whose terms to count; the effects, and the pairs among them. Default: all.
        """
        logits = np.full(ranks.shape[1], self.bias)
        total = np.zeros((LATENTS, ranks.shape[1]))
        for column in range(len(ranks)) if columns is None else columns:
            effect, latent = value_effects(self.keys[column], ranks[column])
            logits += self.effect_weight[column] * effect
            latent *= self.latent_weight[column]
            total += latent
            logits -= 0.5 * np.einsum("ln,ln->n", latent, latent)
        logits += 0.5 * np.einsum("ln,ln->n", total, total)  # the sum over pairs, from the square of the sum
        return logits + self.dense_weight @ (dense - self.dense_mean[:, None])


def value_effects(key: np.uint64, ranks: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Effect (n,) and latent vectors (LATENTS, n) of a column's values: faded, else of mean 0 and variance 1."""
    # The mixer of SplitMix64: each value's 64 bits are four independent numbers of 16 bits.
    bits = (ranks.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + key
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    parts = bits.astype("<u8").view("<i2").reshape(-1, 1 + LATENTS).T
    fading = (math.sqrt(3) / 2**15) / np.sqrt(1.0 + ranks / FADING_RANK)
    return parts[0] * fading, parts[1:] * fading


def plant(
    rows: Sequence[int],
    keys: NDArray[np.uint64],
    ranks: NDArray[np.int64],
    dense: NDArray[np.float32],
    spread: Spread = LOGIT_SPREAD,
) -> PlantedModel:
    """A model for tables of these sizes whose parts have their spread on the sample `ranks`, `dense`."""
    large = columns_by_size(tuple(rows))[:LARGE_TABLES]
    effects_and_latents = [value_effects(key, values) for key, values in zip(keys, ranks, strict=True)]
    is_large = np.isin(np.arange(len(rows)), large)
    share = np.where(
        is_large,
        spread.large_tables / math.sqrt(is_large.sum()),
        spread.small_tables / math.sqrt((~is_large).sum()),
    )
    return share
