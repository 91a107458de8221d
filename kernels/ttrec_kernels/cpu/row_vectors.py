"""Rows of floats at raw addresses: copied, cleared, added, collected, asked for."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ttrec_kernels.cpu.compiled import ITEM, compiled, floats_at, generated, inlined
from ttrec_kernels.cpu.vectors import FLOAT, INT32, INT64, WIDTH, at, spread, variable

AHEAD = 16
"""Rows that are asked for before they are read: enough to hide the way to memory."""


def adder(width: int) -> Callable[..., Any]:
    """Function (source, target, scale) of two addresses and a float: target += scale · source, one vector."""

    @intrinsic
    def generate_adder(_, source, target, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
        def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
            source, target, scale = arguments
            kind = ir.VectorType(FLOAT, width)
            place = at(builder, target, INT64(0), kind)
            read = builder.load(at(builder, source, INT64(0), kind), align=ITEM)
            product = builder.fmul(spread(builder, scale, kind), read, flags=("contract",))
            total = builder.fadd(builder.load(place, align=ITEM), product, flags=("contract",))
            builder.store(total, place, align=ITEM)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.float32), generate

    def run(source: int, target: int, scale: float) -> Any:
        generate_adder(source, target, scale)  # type: ignore[call-arg]

    return generated(run)


def collector(width: int) -> Callable[..., Any]:
    """Function (rows, scales, count, offset, target, is_added): target = Σ scales[i] · vector at rows[i] + offset.

    Or += it. All are addresses: `rows` of addresses (int64), `scales` of floats; `offset` is in bytes. The sum stays in
    a register.
    """

    @intrinsic
    def generate_collector(_, rows, scales, count, offset, target, is_added):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
        def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
            rows, scales, count, offset, target, is_added = arguments
            kind = ir.VectorType(FLOAT, width)
            place = at(builder, target, INT64(0), kind)
            total = variable(builder, ir.Constant(kind, None))
            with builder.if_then(is_added):
                builder.store(builder.load(place, align=ITEM), total)
            with cgutils.for_range(builder, count) as loop:
                address = builder.load(at(builder, rows, builder.mul(loop.index, INT64(8)), INT64))
                row = builder.load(at(builder, address, offset, kind), align=ITEM)
                scale = builder.load(at(builder, scales, builder.mul(loop.index, INT64(ITEM)), FLOAT))
                product = builder.fmul(spread(builder, scale, kind), row, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
            builder.store(builder.load(total), place, align=ITEM)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5, types.boolean), generate

    def run(rows: int, scales: int, count: int, offset: int, target: int, is_added: bool) -> Any:
        generate_collector(rows, scales, count, offset, target, is_added)  # type: ignore[call-arg]

    return generated(run)


def copier(width: int) -> Callable[..., Any]:
    """Function (source, target) of addresses: one vector copied."""

    @intrinsic
    def generate_copier(_, source, target):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
        def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
            kind = ir.VectorType(FLOAT, width)
            source, target = (at(builder, address, INT64(0), kind) for address in arguments)
            builder.store(builder.load(source, align=ITEM), target, align=ITEM)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    def run(source: int, target: int) -> Any:
        generate_copier(source, target)  # type: ignore[call-arg]

    return generated(run)


@intrinsic
def prefetch_line(_, address):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001
    """Ask for the cache line at `address` (int64), which is read soon."""

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        numbers = [INT32(value) for value in (0, 3, 1)]  # to read, in all caches, data
        kind = ir.FunctionType(ir.VoidType(), [pointer, *(number.type for number in numbers)])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")  # type: ignore[no-untyped-call]
        builder.call(function, [builder.inttoptr(arguments[0], pointer), *numbers])
        return context.get_dummy_value()

    return types.void(types.int64), generate


LINE = 64
"""Bytes of a cache line."""


@inlined
def prefetch(begin: int, size: int) -> Any:
    """Ask for `size` bytes from the address `begin` on."""
    for byte in range(0, size, LINE):
        prefetch_line(begin + byte)


_copy_vector, _copy_four, _copy_one = copier(WIDTH), copier(4), copier(1)
_add_vector, _add_four, _add_one = adder(WIDTH), adder(4), adder(1)
_collect_vector, _collect_four, _collect_one = collector(WIDTH), collector(4), collector(1)


# Explicit vectors: a loop that LLVM vectorises goes through four of them at once, and one by one through the rest,
# which rows of 16 numbers are as a whole.


@inlined
def copy(source: int, target: int, size: int) -> Any:
    """`size` floats."""
    byte, end = 0, ITEM * size
    while byte + ITEM * WIDTH <= end:
        _copy_vector(source + byte, target + byte)
        byte += ITEM * WIDTH
    while byte + 16 <= end:
        _copy_four(source + byte, target + byte)
        byte += 16
    while byte < end:
        _copy_one(source + byte, target + byte)
        byte += ITEM


@compiled
def clear(target: int, size: int) -> Any:
    """`size` zeros."""
    written = floats_at(target, size)
    for i in range(size):
        written[i] = np.float32(0)


@compiled
def scale(target: int, size: int, factor: Any) -> Any:
    """target *= factor, `size` floats."""
    written = floats_at(target, size)
    for i in range(size):
        written[i] *= factor


@inlined
def add(source: int, target: int, size: int, scale: Any) -> Any:
    """target += scale · source, `size` floats."""
    byte, end = 0, ITEM * size
    while byte + ITEM * WIDTH <= end:
        _add_vector(source + byte, target + byte, scale)
        byte += ITEM * WIDTH
    while byte + 16 <= end:
        _add_four(source + byte, target + byte, scale)
        byte += 16
    while byte < end:
        _add_one(source + byte, target + byte, scale)
        byte += ITEM


@inlined
def collect(rows: int, scales: int, count: int, target: int, size: int, is_added: bool) -> Any:
    """target = or += Σ scales[i] · row i, `size` floats; `rows` is where `count` addresses (int64) lie."""
    byte, end = 0, ITEM * size
    while byte + ITEM * WIDTH <= end:
        _collect_vector(rows, scales, count, byte, target + byte, is_added)
        byte += ITEM * WIDTH
    while byte + 16 <= end:
        _collect_four(rows, scales, count, byte, target + byte, is_added)
        byte += 16
    while byte < end:
        _collect_one(rows, scales, count, byte, target + byte, is_added)
        byte += ITEM
