"""What compiled loops hand on to each other: a batch, the memory of one call, and what a backward pass is told.

All three lie in one frame of whole numbers, most of them addresses, so that a task can be called by its address, see
`tasks`. Who fills a frame keeps alive what it points to.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ttrec_kernels.cpu.arena import header, lookup_arrays, trie_memory
from ttrec_kernels.cpu.compiled import compiled, floats_at, inlined, ints_at, longs_at


class Batch(NamedTuple):
    """What to look up: arguments of the op `lookup`, as arrays; one lookup a bag where `offsets` is empty."""

    layout: NDArray[np.int64]
    bases: NDArray[np.int64]
    """Address of each weight."""
    indices: NDArray[np.int64]
    offsets: NDArray[np.int64]
    weights: NDArray[np.float32]
    cache_keys: NDArray[np.int64]
    cache_slots: NDArray[np.int32]
    bags: int
    dim: int
    is_mean: bool


class Memory(NamedTuple):
    """What a call writes, see `arena`: all lookups, table after table, then the tries and products of one part."""

    ranges: Any
    """Places (tables, 2) of each table's lookups in this part."""
    capacities: Any
    """Lookups (tables) for which each trie has room."""
    rows: Any
    sources: Any
    bags: Any
    scales: Any
    ints: Any
    starts: Any
    counts: Any
    products: Any
    scratch: Any
    """Addresses (workers)."""
    out: Any
    """Where the bags' vectors (bags, tables, dim) are added up, or written where each has one lookup."""


class Gradients(NamedTuple):
    """What a backward pass is told: the gradient (bags, tables, dim) it begins with, and what becomes of the others."""

    of_bags: Any
    messages: Any
    """Where messages of table 0 lie, or would lie if they were there."""
    of_rows: Any
    """The same of gradients of rows."""
    step: Any
    """Floats from one worker's messages and gradients to the next one's; 0 where all workers share those of a table."""
    core_targets: Any
    row_targets: Any
    rule: Any
    """As `update` takes it."""
    of_weights: Any


(
    _TABLES,
    _COLUMNS,
    _LAYOUT,
    _SLOTS,
    _BASES,
    _PLACES,
    _INDICES,
    _OFFSETS,
    _OFFSETS_AT,
    _WEIGHTS,
    _WEIGHTS_AT,
    _KEYS,
    _KEYS_AT,
    _CACHE_SLOTS_AT,
    _BAGS,
    _DIM,
    _IS_MEAN,
    RANGES,
    _CAPACITIES,
    _ARENA,
    _LEVELS,
    _WORKERS,
    _SCRATCH,
    OUT,
    _OF_BAGS,
    MESSAGES_AT,
    OF_ROWS_AT,
    STEP,
    _CORE_TARGETS,
    _ROW_TARGETS,
    _KIND,
    _RATES,
    _OF_WEIGHTS,
    _OF_WEIGHTS_AT,
    _FRAME,
) = range(35)
"""Places in a frame: counts, and addresses (…_AT, or of what has a count elsewhere)."""


@compiled
def new_frame(batch: Batch, arena: int, levels: int, ranges: Any, capacities: Any, scratch: Any) -> Any:
    """Frame of a batch and its memory; `scratch` are the workers' addresses."""
    frame = np.zeros(_FRAME, dtype=np.int64)
    frame[_TABLES], frame[_COLUMNS] = batch.layout.shape
    frame[_LAYOUT] = batch.layout.ctypes.data
    frame[_SLOTS], frame[_BASES] = len(batch.bases), batch.bases.ctypes.data
    frame[_PLACES], frame[_INDICES] = len(batch.indices), batch.indices.ctypes.data
    frame[_OFFSETS], frame[_OFFSETS_AT] = len(batch.offsets), batch.offsets.ctypes.data
    frame[_WEIGHTS], frame[_WEIGHTS_AT] = len(batch.weights), batch.weights.ctypes.data
    frame[_KEYS], frame[_KEYS_AT] = len(batch.cache_keys), batch.cache_keys.ctypes.data
    frame[_CACHE_SLOTS_AT] = batch.cache_slots.ctypes.data
    frame[_BAGS], frame[_DIM], frame[_IS_MEAN] = batch.bags, batch.dim, batch.is_mean
    frame[RANGES], frame[_CAPACITIES] = ranges.ctypes.data, capacities.ctypes.data
    frame[_ARENA], frame[_LEVELS] = arena, levels
    frame[_WORKERS], frame[_SCRATCH] = len(scratch), scratch.ctypes.data
    return frame


@compiled
def tell(frame: Any, of_bags: int, core_targets: Any, row_targets: Any, kind: int, rates: Any, of_weights: Any) -> Any:
    """Write to a frame what a backward pass is told, but for the place of messages; `rates` are those of a rule."""
    frame[_OF_BAGS], frame[_CORE_TARGETS], frame[_ROW_TARGETS] = (
        of_bags,
        core_targets.ctypes.data,
        row_targets.ctypes.data,
    )
    frame[_KIND], frame[_RATES] = kind, rates.ctypes.data
    frame[_OF_WEIGHTS], frame[_OF_WEIGHTS_AT] = len(of_weights), of_weights.ctypes.data


@inlined
def batch_of(at: int) -> Any:
    """The batch of the frame at an address."""
    frame = longs_at(at, _FRAME)
    layout = longs_at(frame[_LAYOUT], frame[_TABLES] * frame[_COLUMNS]).reshape((frame[_TABLES], frame[_COLUMNS]))
    return Batch(
        layout,
        longs_at(frame[_BASES], frame[_SLOTS]),
        longs_at(frame[_INDICES], frame[_PLACES]),
        longs_at(frame[_OFFSETS_AT], frame[_OFFSETS]),
        floats_at(frame[_WEIGHTS_AT], frame[_WEIGHTS]),
        longs_at(frame[_KEYS_AT], frame[_KEYS]),
        ints_at(frame[_CACHE_SLOTS_AT], frame[_KEYS]),
        frame[_BAGS],
        frame[_DIM],
        frame[_IS_MEAN] > 0,
    )


@inlined
def memory_of(at: int) -> Any:
    """The memory of the frame at an address."""
    frame = longs_at(at, _FRAME)
    tables, arena, levels, places = frame[_TABLES], frame[_ARENA], frame[_LEVELS], frame[_PLACES]
    starts, counts = header(arena, tables, levels)
    rows, sources, bags, scales = lookup_arrays(arena, tables, levels, places)
    ints, products = trie_memory(arena, tables, levels, places, starts[tables])
    ranges, capacities = longs_at(frame[RANGES], 2 * tables).reshape((tables, 2)), longs_at(frame[_CAPACITIES], tables)
    scratch = longs_at(frame[_SCRATCH], frame[_WORKERS])
    return Memory(ranges, capacities, rows, sources, bags, scales, ints, starts, counts, products, scratch, frame[OUT])


@inlined
def gradients_of(at: int) -> Any:
    """What the frame at an address tells a backward pass."""
    frame = longs_at(at, _FRAME)
    tables, levels, rates = frame[_TABLES], max(1, frame[_LEVELS]), floats_at(frame[_RATES], 2)
    return Gradients(
        frame[_OF_BAGS],
        frame[MESSAGES_AT],
        frame[OF_ROWS_AT],
        frame[STEP],
        longs_at(frame[_CORE_TARGETS], tables * levels).reshape((tables, levels)),
        longs_at(frame[_ROW_TARGETS], tables),
        (frame[_KIND], rates[0], rates[1]),
        floats_at(frame[_OF_WEIGHTS_AT], frame[_OF_WEIGHTS]),
    )
