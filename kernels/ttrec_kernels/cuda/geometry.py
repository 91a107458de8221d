"""How many blocks and threads a launch has, and how much memory: pure functions of sizes known on the host.

No size depends on data of the device, which nothing waits for: where only an upper bound is known, threads beyond the
true number leave at once.
"""

from dataclasses import dataclass

WARP = 32
WARPS = 8
"""Warps of a block, where shared memory allows."""
PLAIN_SHARED_BYTES = 48 * 1024
"""What a block may have without asking."""
MOST_BLOCKS = 2**31 - 1
BLOCKS_PER_MULTIPROCESSOR = 4
"""Of kernels whose buffers lie in global memory, which bounds them."""

ROW_CHUNK = 32
"""Positions whose gradients one group of threads adds up."""
PREFIX_CHUNK = 8
"""Positions whose children one warp adds up."""
SLICE_CHUNK = 64
"""Sorted nodes that one block adds up before it writes atomically."""

_TILE_FLOATS = WARP * (WARP + 1)
_SLICE_FLOATS = 16 * (32 + 64)
_SLICE_ROWS, _SLICE_COLUMNS = 32, 64


@dataclass(frozen=True)
class DeviceLimits:
    """What of a GPU decides a launch: multiprocessors, and the most shared memory of a block in bytes."""

    multiprocessors: int
    shared_bytes: int


@dataclass(frozen=True)
class Geometry:
    """One launch: blocks in x and y, threads of a block, bytes of dynamic shared memory, floats of global scratch."""

    blocks: tuple[int, int]
    threads: int
    shared_bytes: int = 0
    scratch_floats: int = 0


def ceil_div(number: int, by: int) -> int:
    """Quotient rounded up."""
    return -(-number // by)


def per_thread(count: int) -> Geometry:
    """A thread for each of `count` things."""
    threads = WARP * WARPS
    return Geometry((ceil_div(count, threads), 1), threads)


def per_warp(count: int, shared_floats: int = 0) -> Geometry:
    """A warp for each of `count` things, with `shared_floats` of its own."""
    return Geometry((ceil_div(count, WARPS), 1), WARP * WARPS, 4 * WARPS * shared_floats)


def per_segment(segments: int, floats_per_warp: int, limits: DeviceLimits) -> Geometry:
    """A warp for each bag of each table, with buffers of `floats_per_warp`.

    They lie in shared memory; where one warp's exceed what a block may have, in global memory, with few blocks
    that take many bags each, so that the scratch stays bounded.
    """
    warp_bytes = 4 * floats_per_warp
    if warp_bytes > limits.shared_bytes:
        blocks = min(ceil_div(segments, WARPS), BLOCKS_PER_MULTIPROCESSOR * limits.multiprocessors)
        return Geometry((blocks, 1), WARP * WARPS, 0, blocks * WARPS * floats_per_warp)
    allowed = max(warp_bytes, min(PLAIN_SHARED_BYTES, limits.shared_bytes))
    warps = max(1, min(WARPS, allowed // max(1, warp_bytes)))
    return Geometry((min(ceil_div(segments, warps), MOST_BLOCKS), 1), WARP * warps, warps * warp_bytes)


def row_lanes(dim: int) -> int:
    """Threads that share a row: a power of two, at most a warp."""
    return min(WARP, 1 << (dim - 1).bit_length())


def prefix_partials(positions: int) -> Geometry:
    """A warp for each chunk of positions, with a tile to turn slices in."""
    return per_warp(ceil_div(positions, PREFIX_CHUNK), _TILE_FLOATS)


def slice_gradients(slices: int, nodes: int, left: int, right: int, deterministic: bool) -> Geometry:
    """A block for each slice, or for each chunk of sorted nodes; `left` × `right` is the largest slice.

    Tiles of large slices are spread over blocks in y.
    """
    tiles = ceil_div(left, _SLICE_ROWS) * ceil_div(right, _SLICE_COLUMNS)
    blocks = slices if deterministic else ceil_div(nodes, SLICE_CHUNK)
    return Geometry((blocks, min(tiles, 64)), 256, 4 * _SLICE_FLOATS)


def slice_update(slices: int) -> Geometry:
    """A block for each slice."""
    return Geometry((slices, 1), 128, 4 * 4)


def part_size(lookups: int, bytes_per_lookup: int, workspace_bytes: int) -> int:
    """Lookups of one part, so that its workspace stays within `workspace_bytes`; at least one."""
    return max(1, min(lookups, workspace_bytes // bytes_per_lookup))
