"""Launches of the CUDA kernels are within what any GPU takes, and cover the work."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_kernels.cuda import geometry
from ttrec_kernels.cuda.geometry import DeviceLimits, Geometry

TURING = DeviceLimits(40, 64 * 1024)
HOPPER = DeviceLimits(132, 227 * 1024)

counts = st.integers(1, 2**31 - 1)


def check(shape: Geometry, limits: DeviceLimits = TURING) -> None:
    assert 1 <= shape.blocks[0] <= 2**31 - 1
    assert 1 <= shape.blocks[1] <= 65535
    assert 32 <= shape.threads <= 1024
    assert shape.threads % 32 == 0
    assert 0 <= shape.shared_bytes <= limits.shared_bytes


@settings(deadline=None, max_examples=60)
@given(counts)
def test_every_thing_has_a_thread_or_a_warp(count: int) -> None:
    threads = geometry.per_thread(count)
    check(threads)
    assert count <= threads.blocks[0] * threads.threads < count + threads.threads
    warps = geometry.per_warp(count)
    check(warps)
    assert count <= warps.blocks[0] * warps.threads // 32 < count + 8
    check(geometry.prefix_partials(count))


@settings(deadline=None, max_examples=100)
@given(counts, st.integers(1, 10**7), st.sampled_from([TURING, HOPPER]))
def test_buffers_of_a_segment_fit_somewhere(segments: int, floats: int, limits: DeviceLimits) -> None:
    shape = geometry.per_segment(segments, floats, limits)
    check(shape, limits)
    warps = shape.threads // 32
    if shape.scratch_floats:
        assert 4 * floats > limits.shared_bytes
        assert shape.scratch_floats == shape.blocks[0] * warps * floats
        assert shape.blocks[0] <= 4 * limits.multiprocessors
    else:
        assert shape.shared_bytes == 4 * warps * floats
        assert shape.blocks[0] * warps >= segments
        assert shape.shared_bytes <= geometry.PLAIN_SHARED_BYTES or warps == 1


def test_kaggle_tables_at_rank_32_run_eight_warps_a_block() -> None:
    """Dim factors 2,2,4: the row and twice the largest prefix, 4 × 32 numbers, are 1,088 bytes a warp."""
    assert geometry.per_segment(2048 * 7, 16 + 2 * 128, HOPPER) == Geometry((1792, 1), 256, 8704)


@pytest.mark.parametrize(("dim", "lanes"), [(1, 1), (2, 2), (3, 4), (16, 16), (17, 32), (64, 32), (128, 32)])
def test_lanes_of_a_row_are_a_power_of_two(dim: int, lanes: int) -> None:
    assert geometry.row_lanes(dim) == lanes


def test_slices_are_blocks_or_chunks() -> None:
    check(geometry.slice_gradients(670, 28672, 32, 64, True))
    assert geometry.slice_gradients(670, 28672, 32, 64, True).blocks == (670, 1)
    assert geometry.slice_gradients(670, 28672, 32, 64, False).blocks == (448, 1)
    assert geometry.slice_gradients(670, 28672, 64, 256, False).blocks == (448, 8)
    assert geometry.slice_gradients(670, 28672, 4096, 65536, False).blocks == (448, 64)
    check(geometry.slice_update(670))


@settings(deadline=None, max_examples=60)
@given(counts, st.integers(1, 10**6), st.integers(1, 10**9))
def test_parts_stay_within_the_workspace(lookups: int, each: int, workspace: int) -> None:
    size = geometry.part_size(lookups, each, workspace)
    assert 1 <= size <= lookups
    assert size == 1 or size * each <= workspace
