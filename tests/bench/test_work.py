"""Arithmetic and traffic against counts made by hand and by sets."""

import numpy as np
import pytest

from ttrec_cli.bench.work import dense_work, gather_work, reconstruct_work, tt_work
from ttrec_kernels import TTShape

SHAPE = TTShape(60, 6, (3, 4, 5), (1, 2, 3), (1, 7, 8, 1))


def test_a_batch_of_one_row_costs_a_lookup() -> None:
    batch = [np.array([[59]])]
    assert tt_work(SHAPE, batch, train=False).flops == SHAPE.flops_per_lookup
    assert gather_work(SHAPE, batch, train=False).flops == SHAPE.flops_per_lookup
    slices = 1 * 7 + 7 * 2 * 8 + 8 * 3
    assert tt_work(SHAPE, batch, train=False).bytes == 8 + 4 * slices + 4 * 6
    assert tt_work(SHAPE, batch, train=True).bytes == 8 + 3 * 4 * slices + 2 * 4 * 6
    assert tt_work(SHAPE, batch, train=True).flops == 3 * SHAPE.flops_per_lookup


def test_equal_rows_and_shared_prefixes_are_computed_once() -> None:
    batch = np.array([[0, 0], [1, 5], [59, 1]])
    digits = {(row // 20, row // 5 % 4, row % 5) for row in batch.ravel()}
    pairs = {(a, b) for a, b, _ in digits}
    products = len(pairs) * 2 * 1 * 7 * 2 * 8 + len(digits) * 2 * 2 * 8 * 3
    assert tt_work(SHAPE, [batch], train=False).flops == products + 3 * 6
    weights = sum(len({d[k] for d in digits}) * size for k, size in enumerate((7, 7 * 2 * 8, 8 * 3)))
    assert tt_work(SHAPE, [batch], train=False).bytes == 6 * 8 + 4 * weights + 3 * 6 * 4
    assert gather_work(SHAPE, [batch], train=False).flops == 6 * SHAPE.flops_per_lookup + 3 * 6


def test_batches_are_averaged() -> None:
    one, two = np.array([[0], [0]]), np.array([[0], [59]])
    mean = (dense_work(6, [one], False).bytes + dense_work(6, [two], False).bytes) / 2
    assert dense_work(6, [one, two], False).bytes == mean


def test_reconstruction_multiplies_for_every_row() -> None:
    batch = [np.array([[3]])]
    products = 3 * 1 * 2 * 7 * 4 * 2 * 8 + 12 * 2 * 2 * 8 * 5 * 3
    work = reconstruct_work(SHAPE, batch)
    assert work.flops == products
    assert work.bytes == pytest.approx(60 * 6 * 4 + 8 + 6 * 4 + 6 * 4)
