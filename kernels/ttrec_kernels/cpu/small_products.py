"""Products of matrices small enough to stay in the L1 cache, at raw float32 addresses, row-major.

Each is divided into tiles that `register_tiles` multiplies; a BLAS would spend its time on the call. Every element
is one sum over k in its order, whatever the tile.
"""

from collections.abc import Callable
from typing import Any

from ttrec_kernels.cpu.compiled import ITEM, compiled, floats_at, generated
from ttrec_kernels.cpu.register_tiles import narrow_tile, tile, transposer
from ttrec_kernels.cpu.vectors import WIDTH


def _strip(vectors: int, width: int) -> Callable[..., Any]:
    """Function that multiplies as many columns of C as a tile has, all rows of it."""
    six, four, two, one = (tile(rows, vectors, width) for rows in (6, 4, 2, 1))

    def run(
        a: int, a_row: int, a_step: int, b: int, b_step: int, c: int, c_row: int, m: int, k: int, is_added: bool
    ) -> Any:
        row = 0
        while row + 6 <= m and row + 8 != m:  # eight are four and four, not six and a slow two
            six(a + a_row * row, a_row, a_step, b, b_step, c + c_row * row, c_row, k, is_added)
            row += 6
        while row + 4 <= m:
            four(a + a_row * row, a_row, a_step, b, b_step, c + c_row * row, c_row, k, is_added)
            row += 4
        while row + 2 <= m:
            two(a + a_row * row, a_row, a_step, b, b_step, c + c_row * row, c_row, k, is_added)
            row += 2
        if row < m:
            one(a + a_row * row, a_row, a_step, b, b_step, c + c_row * row, c_row, k, is_added)

    return generated(run)


_HALF = WIDTH // 2
_two_vectors, _vector, _half, _four, _single = (
    _strip(2, WIDTH),
    _strip(1, WIDTH),
    _strip(1, _HALF),
    _strip(1, 4),
    _strip(1, 1),
)


@compiled
def _product(a: int, a_row: int, a_step: int, b: int, c: int, m: int, k: int, n: int, is_added: bool) -> Any:
    """C (m, n) = or += A · B (k, n), where A's rows and columns lie `a_row` and `a_step` bytes apart."""
    line, j = ITEM * n, 0
    while j + 2 * WIDTH <= n:
        _two_vectors(a, a_row, a_step, b + ITEM * j, line, c + ITEM * j, line, m, k, is_added)
        j += 2 * WIDTH
    if j + WIDTH <= n:
        _vector(a, a_row, a_step, b + ITEM * j, line, c + ITEM * j, line, m, k, is_added)
        j += WIDTH
    if WIDTH > 8 and j + _HALF <= n:
        _half(a, a_row, a_step, b + ITEM * j, line, c + ITEM * j, line, m, k, is_added)
        j += _HALF
    if j + 4 <= n:
        _four(a, a_row, a_step, b + ITEM * j, line, c + ITEM * j, line, m, k, is_added)
        j += 4
    while j < n:
        _single(a, a_row, a_step, b + ITEM * j, line, c + ITEM * j, line, m, k, is_added)
        j += 1


@compiled
def multiply(a: int, b: int, c: int, m: int, k: int, n: int) -> Any:
    """C (m, n) = A (m, k) · B (k, n)."""
    _product(a, ITEM * k, ITEM, b, c, m, k, n, False)


def _narrow(columns: int) -> Callable[..., Any]:
    """Function that multiplies matrices B of so few columns, where the vectors of this processor hold several rows."""
    four, one = narrow_tile(4, columns, WIDTH), narrow_tile(1, columns, WIDTH)

    def run(a: int, b: int, c: int, m: int, k: int) -> Any:
        row, a_row = 0, ITEM * k
        while row + 4 <= m:
            four(a + a_row * row, a_row, b, c + ITEM * columns * row, k)
            row += 4
        while row < m:
            one(a + a_row * row, a_row, b, c + ITEM * columns * row, k)
            row += 1

    return generated(run)


_narrow_two, _narrow_four, _narrow_eight = _narrow(2), _narrow(min(4, WIDTH)), _narrow(min(8, WIDTH))


@compiled
def multiply_narrow(a: int, b: int, c: int, m: int, k: int, n: int) -> Any:
    """C (m, n) = A (m, k) · B (k, n), fast for small m where n is 2, 4 or 8 and k a multiple of 16 / n, say."""
    fits = n < WIDTH and k * n % WIDTH == 0
    if fits and n == 2:
        _narrow_two(a, b, c, m, k)
    elif fits and n == 4:
        _narrow_four(a, b, c, m, k)
    elif fits and n == 8:
        _narrow_eight(a, b, c, m, k)
    else:
        multiply(a, b, c, m, k, n)


@compiled
def multiply_outer(a: int, b: int, c: int, m: int, k: int, n: int, is_added: bool) -> Any:
    """C (k, n) = or += A (m, k)ᵀ · B (m, n)."""
    _product(a, ITEM, ITEM * k, b, c, k, m, n, is_added)


def _transposition(width: int) -> Callable[..., Any]:
    """Function that transposes (m, n) numbers by squares of `width`, and the rest one by one."""
    square = transposer(width)

    def run(a: int, c: int, m: int, n: int) -> Any:
        whole_rows, whole_columns = m - m % width, n - n % width
        for i in range(0, whole_rows, width):
            for j in range(0, whole_columns, width):
                square(a + ITEM * (i * n + j), ITEM * n, c + ITEM * (j * m + i), ITEM * m)
        source, target = floats_at(a, m * n), floats_at(c, m * n)
        for i in range(m):
            for j in range(whole_columns if i < whole_rows else 0, n):
                target[j * m + i] = source[i * n + j]

    return generated(run)


_transpose_wide, _transpose_narrow = _transposition(WIDTH), _transposition(4)


@compiled
def transpose(a: int, c: int, m: int, n: int) -> Any:
    """C (n, m) = A (m, n)ᵀ."""
    if min(m, n) >= WIDTH:
        _transpose_wide(a, c, m, n)
    else:
        _transpose_narrow(a, c, m, n)
