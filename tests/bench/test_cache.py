"""Batches have the nominal hit rate, and the bag that is timed gives the right sums and learns in the right place."""

import numpy as np
import pytest
import torch

from ttrec_cli.bench.cache import CachedBag, CacheSetting, cache_cases
from ttrec_cli.bench.lookup import LEARNING_RATE
from ttrec_cli.errors import ConfigError
from ttrec_kernels import smallest_shape
from ttrec_kernels.reference.to_dense import to_dense

CPU = torch.device("cpu")
SHAPE = smallest_shape(3000, 8, 4)


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 0.99, 1.0])
def test_batches_have_the_nominal_hit_rate(rate: float) -> None:
    setting = CacheSetting(SHAPE, 50, 4, 0.02, CPU)
    cached = setting.cached_rows()
    assert len(set(cached.tolist())) == 60
    for batch in setting.batches(rate):
        assert batch.shape == (50, 4)
        assert np.isin(batch, cached).mean() == pytest.approx(rate)
        assert 0 <= batch.min() <= batch.max() < 3000


def test_the_bag_that_is_timed_is_right() -> None:
    setting = CacheSetting(SHAPE, 20, 3, 0.02, CPU)
    bag = CachedBag(setting)
    cores = bag.tables.tt_cores["table"]
    table = to_dense([core.detach() for core in cores], SHAPE.rows)
    indices = torch.from_numpy(setting.batches(0.5)[0])
    torch.testing.assert_close(bag(indices), table[indices].sum(1), rtol=1e-4, atol=1e-6)
    hits = torch.from_numpy(setting.batches(1.0)[0])
    before = [core.detach().clone() for core in cores]
    bag(hits).backward(torch.ones(20, 8))
    assert all(torch.equal(core, old) for core, old in zip(cores, before, strict=True))
    expected = table.clone()
    expected.index_add_(0, hits.flatten(), torch.full((hits.numel(), 8), -LEARNING_RATE))
    torch.testing.assert_close(bag(hits), expected[hits].sum(1), rtol=1e-4, atol=1e-5)


def test_work_falls_with_the_hit_rate() -> None:
    cases = cache_cases(CacheSetting(SHAPE, 20, 3, 0.02, CPU))
    ours = [case for case in cases if case.name == "tt-cache"]
    assert [case.labels["hit_rate"] for case in ours] == [0.0, 0.5, 0.9, 0.99, 1.0]
    flops = [case.work.flops for case in ours]
    assert flops == sorted(flops, reverse=True)
    assert flops[-1] == 20 * 2 * 8


@pytest.mark.parametrize("options", [{"hit_rates": (1.1,)}, {"rows_fraction": 1.0}])
def test_impossible_hit_rates_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"--hit-rates"):
        CacheSetting(**{"shape": SHAPE, "batch": 2, "pooling": 2, "rows_fraction": 0.1, "device": CPU} | options)  # type: ignore[arg-type]
