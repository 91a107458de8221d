"""The specification of lookups through a cache against its contract, and the probe index against its definition."""

import numpy as np
import pytest
import torch
from contracts.cached_lookup_contract import CachedLookupContract, check_cached_lookup, home, make_case, probe_index
from contracts.lookup_contract import SHAPES, fresh_generator
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_kernels.reference.row_cache import find_slots, lookup_cached_bags, lookup_cached_rows
from ttrec_kernels.row_counts_loops import count_hits


class TestReference(CachedLookupContract):
    lookup_cached_bags = staticmethod(lookup_cached_bags)


def test_a_gradient_that_also_reaches_the_cores_is_noticed():
    """The contract must fail when a cached row is learned in both places."""
    generator = fresh_generator()

    def corrupted(cores, cache_weight, keys, slots, indices, offsets, **options):
        both = lookup_cached_bags(cores, cache_weight, keys, slots, indices, offsets, **options)
        uncached = lookup_cached_bags(
            cores, cache_weight, torch.full_like(keys, -1), slots, indices, offsets, **options
        )
        return both + (uncached - uncached.detach())  # exactly zero: it is gradients alone that differ

    with pytest.raises(AssertionError, match="gradient of core"):
        check_cached_lookup(
            corrupted, make_case(SHAPES["prime"], "all cached", "mixed bags, mean", generator), generator
        )


def test_a_cached_row_read_from_the_cores_is_noticed():
    generator = fresh_generator()

    def corrupted(cores, cache_weight, keys, slots, *arguments, **options):
        return lookup_cached_bags(cores, cache_weight, torch.full_like(keys, -1), slots, *arguments, **options)

    with pytest.raises(AssertionError, match="output"):
        check_cached_lookup(corrupted, make_case(SHAPES["prime"], "all cached", "one row a bag", generator), generator)


ROW = st.integers(0, 2**62 - 1) | st.integers(0, 40)


@settings(deadline=None, max_examples=60)
@given(cached=st.lists(ROW, unique=True, max_size=40).map(sorted), others=st.lists(ROW, max_size=20))
def test_the_probe_index_is_a_dictionary(cached, others):
    keys, slots = probe_index(torch.tensor(cached, dtype=torch.int64))
    assert int((keys >= 0).sum()) == len(cached) <= len(keys) / 2
    asked = torch.tensor([*cached, *others], dtype=torch.int64)
    place = {row: at for at, row in enumerate(cached)}
    assert find_slots(keys, slots, asked).tolist() == [place.get(row, -1) for row in asked.tolist()]
    assert count_hits(asked.numpy(), keys.numpy()) == sum(row in place for row in asked.tolist())
    small = asked[asked < 2**31].to(torch.int32)
    assert count_hits(small.numpy(), keys.numpy()) == sum(row in place for row in small.tolist())


@settings(deadline=None, max_examples=60)
@given(cached=st.lists(ROW, unique=True, min_size=1, max_size=40).map(sorted))
def test_a_row_lies_at_its_home_or_behind_a_full_stretch(cached):
    keys = probe_index(torch.tensor(cached, dtype=torch.int64))[0].tolist()
    for at, row in enumerate(keys):
        if row >= 0:
            start = home(row, len(keys))
            stretch = [(start + step) % len(keys) for step in range((at - start) % len(keys))]
            assert all(keys[entry] >= 0 for entry in stretch)


def test_slots_may_be_given_directly():
    generator = fresh_generator()
    cores = [torch.randn(2, 1, 2, 3, generator=generator), torch.randn(2, 3, 2, 1, generator=generator)]
    weight = torch.randn(2, 4, generator=generator)
    rows = lookup_cached_rows(cores, weight, torch.tensor([-1, 1, 0, -1]), torch.tensor([3, 0, 1, 3]))
    assert torch.equal(rows[1:3], weight[[1, 0]])
    assert torch.equal(rows[0], rows[3])
    assert np.isfinite(rows.numpy()).all()
