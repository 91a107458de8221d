"""Products of matrices small enough to stay in the L1 cache, at raw float32 addresses, row-major.

Each inner loop runs along memory over two rows of one operand and four of the other: eight multiply-adds for every
six loads and two stores. A BLAS would spend its time on the call.
"""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import ITEM, compiled, floats_at


@compiled
def multiply(a: int, b: int, c: int, m: int, k: int, n: int) -> Any:
    """C (m, n) = A (m, k) · B (k, n)."""
    row = 0
    while row + 2 <= m:
        _multiply_two_rows(a + ITEM * row * k, b, c + ITEM * row * n, k, n)
        row += 2
    if row < m:
        left, out = floats_at(a + ITEM * row * k, k), floats_at(c + ITEM * row * n, n)
        for j in range(n):
            out[j] = np.float32(0)
        for i in range(k):
            b0, a0 = floats_at(b + ITEM * i * n, n), left[i]
            for j in range(n):
                out[j] += a0 * b0[j]


@compiled
def _multiply_two_rows(a: int, b: int, c: int, k: int, n: int) -> Any:
    left, right = floats_at(a, k), floats_at(a + ITEM * k, k)
    out0, out1 = floats_at(c, n), floats_at(c + ITEM * n, n)
    for j in range(n):
        out0[j], out1[j] = np.float32(0), np.float32(0)
    i = 0
    while i + 4 <= k:
        b0, b1 = floats_at(b + ITEM * i * n, n), floats_at(b + ITEM * (i + 1) * n, n)
        b2, b3 = floats_at(b + ITEM * (i + 2) * n, n), floats_at(b + ITEM * (i + 3) * n, n)
        x0, x1, x2, x3 = left[i], left[i + 1], left[i + 2], left[i + 3]
        y0, y1, y2, y3 = right[i], right[i + 1], right[i + 2], right[i + 3]
        for j in range(n):
            out0[j] += x0 * b0[j] + x1 * b1[j] + x2 * b2[j] + x3 * b3[j]
            out1[j] += y0 * b0[j] + y1 * b1[j] + y2 * b2[j] + y3 * b3[j]
        i += 4
    while i < k:
        b0, x0, y0 = floats_at(b + ITEM * i * n, n), left[i], right[i]
        for j in range(n):
            out0[j] += x0 * b0[j]
            out1[j] += y0 * b0[j]
        i += 1


@compiled
def multiply_transposed(a: int, b: int, c: int, m: int, k: int, n: int) -> Any:
    """C (m, n) = A (m, k) · B (n, k)ᵀ."""
    row = 0
    while row + 2 <= m:
        _dot_two_rows(a + ITEM * row * k, b, c + ITEM * row * n, k, n)
        row += 2
    if row < m:
        left, out = floats_at(a + ITEM * row * k, k), floats_at(c + ITEM * row * n, n)
        for j in range(n):
            b0, total = floats_at(b + ITEM * j * k, k), np.float32(0)
            for i in range(k):
                total += left[i] * b0[i]
            out[j] = total


@compiled
def _dot_two_rows(a: int, b: int, c: int, k: int, n: int) -> Any:
    left, right = floats_at(a, k), floats_at(a + ITEM * k, k)
    out0, out1 = floats_at(c, n), floats_at(c + ITEM * n, n)
    j = 0
    while j + 4 <= n:
        b0, b1 = floats_at(b + ITEM * j * k, k), floats_at(b + ITEM * (j + 1) * k, k)
        b2, b3 = floats_at(b + ITEM * (j + 2) * k, k), floats_at(b + ITEM * (j + 3) * k, k)
        s0, s1, s2, s3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        t0, t1, t2, t3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for i in range(k):
            x, y = left[i], right[i]
            s0 += x * b0[i]
            s1 += x * b1[i]
            s2 += x * b2[i]
            s3 += x * b3[i]
            t0 += y * b0[i]
            t1 += y * b1[i]
            t2 += y * b2[i]
            t3 += y * b3[i]
        out0[j], out0[j + 1], out0[j + 2], out0[j + 3] = s0, s1, s2, s3
        out1[j], out1[j + 1], out1[j + 2], out1[j + 3] = t0, t1, t2, t3
        j += 4
    while j < n:
        b0, s0, t0 = floats_at(b + ITEM * j * k, k), np.float32(0), np.float32(0)
        for i in range(k):
            s0 += left[i] * b0[i]
            t0 += right[i] * b0[i]
        out0[j], out1[j] = s0, t0
        j += 1


@compiled
def add_outer(a: int, b: int, c: int, m: int, k: int, n: int) -> Any:
    """C (k, n) += A (m, k)ᵀ · B (m, n)."""
    i = 0
    while i + 2 <= k:
        _add_to_two_rows(a + ITEM * i, b, c + ITEM * i * n, m, k, n)
        i += 2
    if i < k:
        out = floats_at(c + ITEM * i * n, n)
        for row in range(m):
            b0, a0 = floats_at(b + ITEM * row * n, n), floats_at(a + ITEM * (row * k + i), 1)[0]
            for j in range(n):
                out[j] += a0 * b0[j]


@compiled
def _add_to_two_rows(a: int, b: int, c: int, m: int, k: int, n: int) -> Any:
    out0, out1 = floats_at(c, n), floats_at(c + ITEM * n, n)
    row = 0
    while row + 4 <= m:
        b0, b1 = floats_at(b + ITEM * row * n, n), floats_at(b + ITEM * (row + 1) * n, n)
        b2, b3 = floats_at(b + ITEM * (row + 2) * n, n), floats_at(b + ITEM * (row + 3) * n, n)
        pair = floats_at(a + ITEM * row * k, 3 * k + 2)
        x0, x1, x2, x3 = pair[0], pair[k], pair[2 * k], pair[3 * k]
        y0, y1, y2, y3 = pair[1], pair[k + 1], pair[2 * k + 1], pair[3 * k + 1]
        for j in range(n):
            out0[j] += x0 * b0[j] + x1 * b1[j] + x2 * b2[j] + x3 * b3[j]
            out1[j] += y0 * b0[j] + y1 * b1[j] + y2 * b2[j] + y3 * b3[j]
        row += 4
    while row < m:
        b0, pair = floats_at(b + ITEM * row * n, n), floats_at(a + ITEM * row * k, 2)
        x0, y0 = pair[0], pair[1]
        for j in range(n):
            out0[j] += x0 * b0[j]
            out1[j] += y0 * b0[j]
        row += 1


@compiled
def transpose(a: int, c: int, m: int, n: int) -> Any:
    """C (n, m) = A (m, n)ᵀ."""
    source, target = floats_at(a, m * n), floats_at(c, m * n)
    for i in range(m):
        for j in range(n):
            target[j * m + i] = source[i * n + j]


@compiled
def copy(source: int, target: int, size: int) -> Any:
    """`size` floats; an assignment of arrays would check shapes and overlap each time."""
    read, written = floats_at(source, size), floats_at(target, size)
    for i in range(size):
        written[i] = read[i]


@compiled
def clear(target: int, size: int) -> Any:
    """`size` zeros."""
    written = floats_at(target, size)
    for i in range(size):
        written[i] = np.float32(0)


@compiled
def add(source: int, target: int, size: int, scale: float) -> Any:
    """target += scale · source, `size` floats."""
    read, written = floats_at(source, size), floats_at(target, size)
    for i in range(size):
        written[i] += scale * read[i]
