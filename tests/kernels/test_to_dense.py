"""The dense table of given cores: by its definition, and with nothing beyond the last row."""

import pytest
import torch
from contracts.lookup_contract import SHAPES, exact_row, fresh_generator, random_cores

from ttrec_kernels import TTShape
from ttrec_kernels.reference.to_dense import to_dense

SMALL = {name: shape for name, shape in SHAPES.items() if shape.rows < 1000}


@pytest.mark.parametrize("shape", SMALL.values(), ids=SMALL)
def test_every_row_is_a_product_of_matrices(shape):
    cores = [core.double() for core in random_cores(shape, fresh_generator())]
    table = to_dense(cores, shape.rows)
    expected = torch.stack([exact_row(cores, row) for row in range(shape.rows)])
    torch.testing.assert_close(table, expected)


def test_known_table():
    """Rank 1, all factors 2: entry (i, j) is the product of one number per digit pair."""
    first = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(2, 1, 2, 1)
    second = torch.tensor([[10.0, 100.0], [1000.0, 10000.0]]).view(2, 1, 2, 1)
    expected = torch.tensor(
        [[10.0, 100, 20, 200], [1000, 10000, 2000, 20000], [30, 300, 40, 400], [3000, 30000, 4000, 40000]]
    )
    assert torch.equal(to_dense([first, second], 4), expected)
    assert torch.equal(to_dense([first, second], 3), expected[:3])


def test_padding_takes_no_memory():
    """3 rows in cores that hold 10^12: only the slices of those rows are multiplied."""
    shape = TTShape(3, 2, (10**4, 10**4, 10**4), (1, 2, 1), (1, 1, 1, 1))
    cores = random_cores(shape, fresh_generator())
    assert to_dense(cores, 3).shape == (3, 2)
