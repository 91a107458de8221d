"""Products of one tile of C, whose sums stay in vector registers: the innermost part of every small product.

A tile is `rows` rows by `vectors` vectors of `width` floats. Each step of k loads the vectors of one row of B, and
multiplies them by `rows` numbers of A, each spread over a vector: with six rows and two vectors twelve independent
sums hide the latency of a multiply-add, as in every fast matrix product (Goto and van de Geijn 2008). LLVM does not
find this by itself: it vectorises the inner loop, and then loads and stores each sum at each step.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ttrec_kernels.cpu.compiled import ITEM, generated
from ttrec_kernels.cpu.vectors import FLOAT, INT32, INT64, at, spread, variable


class _Tile:
    """Writes the LLVM code of one kind of tile."""

    def __init__(self, builder: ir.IRBuilder, rows: int, vectors: int, width: int) -> None:
        self.builder, self.rows, self.vectors, self.width = builder, rows, vectors, width
        self.kind = ir.VectorType(FLOAT, width)
        zeros = ir.Constant(self.kind, None)
        self.sums = [[variable(builder, zeros) for _ in range(vectors)] for _ in range(rows)]

    def vectors_at(self, address: Any) -> list[Any]:
        """Pointers to the vectors of a row."""
        return [at(self.builder, address, INT64(ITEM * self.width * j), self.kind) for j in range(self.vectors)]

    def targets(self, c: Any, c_row: Any) -> list[tuple[Any, Any]]:
        """Where each sum is kept, and its place in C."""
        build = self.builder
        rows = [self.vectors_at(build.add(c, build.mul(c_row, INT64(row)))) for row in range(self.rows)]
        return [pair for sums, places in zip(self.sums, rows, strict=True) for pair in zip(sums, places, strict=True)]

    def multiply(self, a: Any, a_row: Any, b: Any) -> None:
        """One step of k: a column of A times a row of B."""
        build = self.builder
        right = [build.load(place, align=ITEM) for place in self.vectors_at(b)]
        for row in range(self.rows):
            left = spread(build, build.load(at(build, a, build.mul(a_row, INT64(row)), FLOAT)), self.kind)
            for total, vector in zip(self.sums[row], right, strict=True):
                product = build.fmul(left, vector, flags=("contract",))
                build.store(build.fadd(build.load(total), product, flags=("contract",)), total)


def tile(rows: int, vectors: int, width: int) -> Callable[..., Any]:
    """Function (a, a_row, a_step, b, b_step, c, c_row, k, is_added) of addresses and strides in bytes.

    C = Σ_k A[row at a_row][k at a_step] · B[k at b_step], or C += it.
    """

    @intrinsic
    def generate_tile(_, a, a_row, a_step, b, b_step, c, c_row, k, is_added):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
        def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
            a, a_row, a_step, b, b_step, c, c_row, k, is_added = arguments
            sums = _Tile(builder, rows, vectors, width)
            targets = sums.targets(c, c_row)
            left, right = variable(builder, a), variable(builder, b)
            with cgutils.for_range(builder, k):
                now_left, now_right = builder.load(left), builder.load(right)
                sums.multiply(now_left, a_row, now_right)
                builder.store(builder.add(now_left, a_step), left)
                builder.store(builder.add(now_right, b_step), right)
            with builder.if_then(is_added):  # last: small sums must not be lost, term by term, beside a large C
                for total, place in targets:
                    builder.store(builder.fadd(builder.load(place, align=ITEM), builder.load(total)), total)
            for total, place in targets:
                builder.store(builder.load(total), place, align=ITEM)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 8, types.boolean), generate

    def run(a: int, a_row: int, a_step: int, b: int, b_step: int, c: int, c_row: int, k: int, is_added: bool) -> Any:
        generate_tile(a, a_row, a_step, b, b_step, c, c_row, k, is_added)  # type: ignore[call-arg]

    return generated(run)


def narrow_tile(rows: int, columns: int, width: int) -> Callable[..., Any]:
    """Function (a, a_row, b, c, k) of addresses and a stride in bytes: C (rows, columns) = A · B (k, columns).

    `columns` divides `width`, and k is a multiple of `width / columns`: a vector holds so many rows of B, and is
    multiplied by as many numbers of A, each repeated; what a vector holds side by side is added up in the end.
    """
    group = width // columns

    @intrinsic
    def generate_narrow_tile(_, a, a_row, b, c, k):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
        def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
            a, a_row, b, c, k = arguments
            kind, few = ir.VectorType(FLOAT, width), ir.VectorType(FLOAT, group)
            repeated = _mask([i // columns for i in range(width)])
            sums = [variable(builder, ir.Constant(kind, None)) for _ in range(rows)]
            with cgutils.for_range(builder, builder.sdiv(k, INT64(group))) as loop:
                place = builder.mul(loop.index, INT64(ITEM * width))
                right = builder.load(at(builder, b, place, kind), align=ITEM)
                for row, total in enumerate(sums):
                    start = builder.add(builder.mul(loop.index, INT64(ITEM * group)), builder.mul(a_row, INT64(row)))
                    left = builder.load(at(builder, a, start, few), align=ITEM)
                    left = builder.shuffle_vector(left, ir.Constant(few, ir.Undefined), repeated)
                    product = builder.fmul(left, right, flags=("contract",))
                    builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
            for row, total in enumerate(sums):
                found, left_over = builder.load(total), width
                while left_over > columns:
                    left_over //= 2
                    undefined = ir.Constant(found.type, ir.Undefined)
                    halves = [_mask(list(range(first, first + left_over))) for first in (0, left_over)]
                    low, high = (builder.shuffle_vector(found, undefined, half) for half in halves)
                    found = builder.fadd(low, high)
                target = at(builder, c, INT64(ITEM * columns * row), found.type)
                builder.store(found, target, align=ITEM)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), generate

    def run(a: int, a_row: int, b: int, c: int, k: int) -> Any:
        generate_narrow_tile(a, a_row, b, c, k)  # type: ignore[call-arg]

    return generated(run)


def _mask(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(INT32, len(lanes)), lanes)


def transposer(width: int) -> Callable[..., Any]:
    """Function (a, a_row, c, c_row) of addresses and strides in bytes: a square of `width` floats, C = Aᵀ."""

    @intrinsic
    def generate_transposer(_, a, a_row, c, c_row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001
        def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
            a, a_row, c, c_row = arguments
            kind, half = ir.VectorType(FLOAT, width), width // 2
            lines = [
                builder.load(at(builder, a, builder.mul(a_row, INT64(row)), kind), align=ITEM) for row in range(width)
            ]
            # Interleaving line i with line i + width/2 rotates the bits of (row, column) by one: log2(width) times
            # exchanges them.
            masks = [
                ir.Constant(ir.VectorType(INT32, width), [first + i // 2 + width * (i % 2) for i in range(width)])
                for first in (0, half)
            ]
            for _round in range(width.bit_length() - 1):
                pairs = zip(lines[:half], lines[half:], strict=True)
                lines = [builder.shuffle_vector(x, y, mask) for x, y in pairs for mask in masks]
            for row, line in enumerate(lines):
                builder.store(line, at(builder, c, builder.mul(c_row, INT64(row)), kind), align=ITEM)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 4), generate

    def run(a: int, a_row: int, c: int, c_row: int) -> Any:
        generate_transposer(a, a_row, c, c_row)  # type: ignore[call-arg]

    return generated(run)
