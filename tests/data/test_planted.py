"""The click model: its formula against plain loops, its spreads, and that the large tables matter."""

import numpy as np
import pytest

from ttrec_cli.data import SyntheticSpec
from ttrec_cli.data.planted import LATENTS, Spread, click_probability, plant, value_effects
from ttrec_cli.data.synthetic import row_source
from ttrec_cli.data.synthetic_columns import CLICK_RATE, columns_by_size

ALL_COLUMNS = range(26)


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """Share of (click, no click) pairs that are ordered right; scores here have no ties."""
    ranks = np.empty(len(score))
    ranks[np.argsort(score)] = np.arange(1, len(score) + 1)
    clicks = int(label.sum())
    return float((ranks[label == 1].sum() - clicks * (clicks + 1) / 2) / (clicks * (len(label) - clicks)))


def test_logits_are_effects_and_pairs_and_dense_features() -> None:
    source = row_source(SyntheticSpec(rows=100, table_scale=0.001, seed=9))
    block, model = source.block(0, 6), source.model
    for row in range(6):
        values = [value_effects(model.keys[column], block.ranks[column, row : row + 1]) for column in ALL_COLUMNS]
        latents = [model.latent_weight[column] * latent[:, 0] for column, (_, latent) in enumerate(values)]
        logit = model.bias + sum(model.effect_weight[column] * effect[0] for column, (effect, _) in enumerate(values))
        logit += sum(latents[one] @ latents[other] for one in ALL_COLUMNS for other in range(one))
        logit += sum(model.dense_weight * (block.dense[:, row] - model.dense_mean))
        assert block.logit[row] == pytest.approx(logit)


def test_effects_of_values_are_independent_numbers_that_fade() -> None:
    ranks = np.arange(200_000)
    effect, latent = value_effects(np.uint64(12345), ranks)
    assert latent.shape == (LATENTS, len(ranks))
    flat = np.vstack([effect, latent]) * np.sqrt(1 + ranks / 512)
    np.testing.assert_allclose(np.cov(flat), np.eye(1 + LATENTS), atol=0.02)
    np.testing.assert_allclose(flat.mean(axis=1), 0, atol=0.01)
    neighbours = np.corrcoef(flat[:, :-1], flat[:, 1:])[: 1 + LATENTS, 1 + LATENTS :]
    assert np.abs(neighbours).max() < 0.01
    other = value_effects(np.uint64(12346), ranks)[0] * np.sqrt(1 + ranks / 512)
    assert abs(np.corrcoef(flat[0], other)[0, 1]) < 0.01


def test_each_part_of_the_logit_has_its_spread() -> None:
    random = np.random.default_rng(5)
    rows = (5000, 4000, 3000, 2000, 1500, 1200, 1100, 50, 20, 3)
    ranks = np.stack([random.integers(0, size, 20_000) for size in rows])
    dense = random.normal(3, 2, (4, 20_000)).astype(np.float32)
    keys = random.integers(0, 2**63, len(rows)).astype(np.uint64)

    def spread_of(**only: float) -> float:
        nothing = {"large_tables": 0.0, "small_tables": 0.0, "pairs": 0.0, "dense": 0.0}
        return float(plant(rows, keys, ranks, dense, Spread(**nothing | only)).logits(ranks, dense).std())

    assert spread_of(pairs=0.6) == pytest.approx(0.6)
    assert spread_of(large_tables=0.8) == pytest.approx(0.8, rel=0.05)  # columns are independent, up to chance
    assert spread_of(small_tables=0.7) == pytest.approx(0.7, rel=0.05)
    assert spread_of(dense=0.3) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_large_tables_matter_and_the_ceiling_is_realistic(seed: int) -> None:
    spec = SyntheticSpec(rows=100_000, table_scale=0.01, seed=seed)
    source = row_source(spec)
    blocks = [source.block(number) for number in range(5)]
    ranks, dense = np.hstack([block.ranks for block in blocks]), np.hstack([block.dense for block in blocks])
    label = np.concatenate([block.label for block in blocks])
    large = set(columns_by_size(spec.cardinalities)[:7])
    ceiling = auc(source.model.logits(ranks, dense), label)
    without = auc(source.model.logits(ranks, dense, [column for column in ALL_COLUMNS if column not in large]), label)
    assert 0.76 < ceiling < 0.80
    assert without < ceiling - 0.05
    assert click_probability(source.model.logits(ranks, dense)).mean() == pytest.approx(CLICK_RATE, abs=0.005)
