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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.synthetic_columns import CLICK_RATE, LARGE_TABLES, columns_by_size

Floats = NDArray[np.float64]

LATENTS = 3
FADING_RANK = 512.0
"""Effects fade like (1 + rank / this)^-½."""

BISECTIONS = 60
MAX_BIAS = 30.0
NO_SPREAD = 1e-6
"""Deviations below this are rounding."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the parts of the logit over the rows of a log."""

    large_tables: float = 0.80
    small_tables: float = 0.70
    pairs: float = 0.60
    dense: float = 0.30


LOGIT_SPREAD = Spread()
"""With it a perfect model reaches an AUC of 0.78, one that ignores the 7 largest tables 0.70."""


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
        from ttrec_cli.data.planted_loops import add_terms

        chosen = np.arange(len(ranks)) if columns is None else np.array(sorted(columns), dtype=np.intp)
        logits = np.full(ranks.shape[1], self.bias)
        effects, latents = self.effect_weight[chosen], self.latent_weight[chosen]
        add_terms(self.keys[chosen], ranks[chosen], effects, latents, FADING_RANK, logits)
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
    click_rate: float = CLICK_RATE,
) -> PlantedModel:
    """The model for tables of these sizes whose parts have their spread on the sample `ranks`, `dense`.

    Shapes as in `PlantedModel.logits`; `keys` has one random number per column. Columns and features that hold
    one value only say nothing of clicks.
    """
    is_large = np.zeros(len(rows), dtype=np.bool_)
    is_large[columns_by_size(tuple(rows))[:LARGE_TABLES]] = True
    effect_sizes, latent_sizes = np.empty(len(rows)), np.empty(len(rows))
    for column, key in enumerate(keys):
        effect, latent = value_effects(key, ranks[column])
        effect_sizes[column], latent_sizes[column] = effect.std(), math.sqrt(np.square(latent).mean())
    target = np.where(is_large, spread.large_tables, spread.small_tables)
    count = np.where(is_large, is_large.sum(), (~is_large).sum())
    dense_spread = spread.dense / math.sqrt(len(dense))
    signs = np.where(np.resize(keys, len(dense)) & np.uint64(1), 1.0, -1.0)
    model = PlantedModel(
        keys=keys,
        effect_weight=_over(target / np.sqrt(count), effect_sizes),
        latent_weight=1.0 / latent_sizes,
        dense_weight=_over(signs * dense_spread, dense.std(axis=1)),
        dense_mean=dense.mean(axis=1, dtype=np.float64),
        bias=0.0,
    )
    # Pairs are quadratic in the latent vectors: the root of what is wanted over what there is.
    pairs = replace(model, effect_weight=0 * target, dense_weight=0 * signs).logits(ranks, dense)
    model = replace(model, latent_weight=model.latent_weight * math.sqrt(_over(spread.pairs, pairs.std())))
    return replace(model, bias=_bias(model.logits(ranks, dense), click_rate))


def _over(wanted: Any, spread: Any) -> Any:
    """wanted / spread, 0 where there is hardly any spread."""
    return np.divide(wanted, spread, out=np.zeros_like(np.asarray(spread, dtype=np.float64)), where=spread > NO_SPREAD)


def click_probability(logits: Floats) -> Floats:
    """Sigmoid of each logit."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def _bias(logits: Floats, click_rate: float) -> float:
    """What must be added to the logits for a mean click probability of `click_rate`."""
    low, high = -MAX_BIAS, MAX_BIAS
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        too_low = click_probability(logits + middle).mean() < click_rate
        low, high = (middle, high) if too_low else (low, middle)
    return low
