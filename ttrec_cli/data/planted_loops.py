"""Terms of the planted click model, compiled: see `planted`, whose `value_effects` says what they are."""

import math

import numpy as np
from numpy.typing import NDArray

from ttrec_cli.data.compiled import compiled

SCALE = math.sqrt(3) / 2**15
LATENTS = 3


@compiled
def _signed(bits: np.uint64, place: int) -> float:
    """The 16 bits at a place as a signed number."""
    value = np.int64((bits >> np.uint64(16 * place)) & np.uint64(0xFFFF))
    return np.float64(value - 65536 if value >= 32768 else value)


@compiled
def add_terms(
    keys: NDArray[np.uint64],
    ranks: NDArray[np.int64],
    effect_weight: NDArray[np.float64],
    latent_weight: NDArray[np.float64],
    fading_rank: float,
    logits: NDArray[np.float64],
) -> None:
    """Add effects and pairs of columns (c,) with values (c, n) to the logits (n,)."""
    total = np.zeros((LATENTS, ranks.shape[1]))
    for column in range(len(keys)):
        for row in range(ranks.shape[1]):
            bits = (np.uint64(ranks[column, row]) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + keys[column]
            bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            bits = bits ^ (bits >> np.uint64(31))
            fading = SCALE / math.sqrt(1.0 + ranks[column, row] / fading_rank)
            logits[row] += effect_weight[column] * (_signed(bits, 0) * fading)
            squares = 0.0
            for latent in range(LATENTS):
                value = _signed(bits, 1 + latent) * fading * latent_weight[column]
                total[latent, row] += value
                squares += value * value
            logits[row] -= 0.5 * squares
    for row in range(ranks.shape[1]):
        squares = 0.0
        for latent in range(LATENTS):
            squares += total[latent, row] * total[latent, row]
        logits[row] += 0.5 * squares  # the sum over pairs, from the square of the sum
