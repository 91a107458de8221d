"""Products, sums and copies at raw addresses against NumPy in float64, with guards behind what they may write."""

import numpy as np
import pytest

from ttrec_kernels.cpu import row_vectors as vectors
from ttrec_kernels.cpu import small_products as products

SIZES = [(1, 1, 1), (4, 32, 4), (5, 32, 2), (7, 16, 8), (3, 8, 2), (13, 5, 4), (6, 32, 64), (24, 33, 47), (2, 3, 7)]
GUARD = 123.0


def matrix(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows * 97 + columns).standard_normal((rows, columns), dtype=np.float32)


def guarded(size: int) -> np.ndarray:
    return np.full(size + 32, GUARD, dtype=np.float32)


def check(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found[: expected.size].reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)
    assert (found[expected.size :] == GUARD).all(), "written behind the end"


@pytest.mark.parametrize(("m", "k", "n"), SIZES)
@pytest.mark.parametrize("multiply", [products.multiply, products.multiply_narrow])
def test_products(multiply, m: int, k: int, n: int) -> None:
    a, b, out = matrix(m, k), matrix(k, n), guarded(m * n)
    multiply(a.ctypes.data, b.ctypes.data, out.ctypes.data, m, k, n)
    check(out, a.astype(np.float64) @ b)


@pytest.mark.parametrize(("m", "k", "n"), SIZES)
@pytest.mark.parametrize("is_added", [False, True])
def test_outer_products(m: int, k: int, n: int, is_added: bool) -> None:
    a, b, out = matrix(m, k), matrix(m, n), guarded(k * n)
    before = matrix(k, n + 1)[:, :n] if is_added else np.zeros((k, n))
    out[: k * n] = before.ravel() if is_added else np.nan
    products.multiply_outer(a.ctypes.data, b.ctypes.data, out.ctypes.data, m, k, n, is_added)
    check(out, before + a.astype(np.float64).T @ b)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (32, 32), (32, 4), (4, 32), (17, 33), (16, 19)])
def test_transposition(m: int, n: int) -> None:
    a, out = matrix(m, n), guarded(m * n)
    products.transpose(a.ctypes.data, out.ctypes.data, m, n)
    check(out, a.T)


@pytest.mark.parametrize("size", [1, 3, 4, 15, 16, 17, 64, 100])
def test_rows_copied_and_summed(size: int) -> None:
    rows, out = matrix(5, size), guarded(size)
    vectors.copy(rows.ctypes.data, out.ctypes.data, size)
    check(out, rows[0])
    vectors.add(rows[1].ctypes.data, out.ctypes.data, size, np.float32(0.5))
    check(out, rows[0] + 0.5 * rows[1].astype(np.float64))
    vectors.scale(out.ctypes.data, size, np.float32(2))
    vectors.scale(out.ctypes.data, size, np.float32(0.5))
    check(out, rows[0] + 0.5 * rows[1].astype(np.float64))
    scales = np.array([2, 3, -1], dtype=np.float32)
    addresses = np.array([rows[k].ctypes.data for k in (2, 4, 2)])
    vectors.collect(addresses.ctypes.data, scales.ctypes.data, 3, out.ctypes.data, size, True)
    check(out, rows[0] + 0.5 * rows[1].astype(np.float64) + rows[2] + 3.0 * rows[4])
    vectors.collect(addresses.ctypes.data, scales.ctypes.data, 1, out.ctypes.data, size, False)
    check(out, 2.0 * rows[2])
