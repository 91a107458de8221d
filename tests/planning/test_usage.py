"""What a planned table costs to use: worked out by hand, counted by torch, and counted row by row."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from ttrec_cli.planning import usage
from ttrec_cli.planning.usage import slice_use
from ttrec_kernels import TableKind, TablePlan, TTEmbeddingBag, TTShape, smallest_shape

SHAPE = TTShape(95, 8, (4, 5, 5), (2, 2, 2), (1, 3, 2, 1))
PLAN = TablePlan("a", 95, 8, TableKind.TT, SHAPE)


def test_a_tensor_train_worked_out_by_hand() -> None:
    use = usage(PLAN)
    touched = 1 * 2 * 3 + 3 * 2 * 2 + 2 * 2 * 1  # numbers of one slice of each core
    assert use.forward_bytes == 4 * (touched + 8)
    assert use.train_bytes_sgd == 4 * (touched + 8 + touched + 8 + touched)
    assert use.train_bytes_adagrad == use.train_bytes_sgd + 4 * 2 * touched
    assert (use.state_bytes_sgd, use.state_bytes_adagrad) == (0, 4 * SHAPE.parameters)
    assert use.train_flops == 3 * use.forward_flops == 3 * SHAPE.flops_per_lookup


def test_a_dense_row_is_copied_and_costs_no_arithmetic() -> None:
    use = usage(TablePlan("a", 1000, 16))
    assert (use.forward_flops, use.train_flops, use.slices) == (0, 0, ())
    assert use.forward_bytes == 2 * 64
    assert use.train_bytes_sgd == 5 * 64
    assert use.state_bytes_adagrad == 4 * 16_000


def test_half_the_bytes_a_number_but_a_state_in_fp32() -> None:
    full, half = usage(PLAN), usage(PLAN, 2)
    assert (half.forward_bytes, half.train_bytes_sgd) == (full.forward_bytes // 2, full.train_bytes_sgd // 2)
    assert half.state_bytes_adagrad == full.state_bytes_adagrad
    assert half.train_bytes_adagrad - half.train_bytes_sgd == full.train_bytes_adagrad - full.train_bytes_sgd


@pytest.mark.parametrize(("cores", "rank"), [(2, 5), (3, 8), (4, 3)])
def test_flops_are_those_that_torch_counts(cores, rank) -> None:
    shape = smallest_shape(1000, 16, rank, cores=cores)
    use = usage(TablePlan("a", 1000, 16, TableKind.TT, shape))
    bag = TTEmbeddingBag(1000, 16, shape=shape, mode="sum", backend="reference")
    with FlopCounterMode(display=False) as forward:
        rows = bag(torch.tensor([7]), torch.tensor([0]))
    with FlopCounterMode(display=False) as backward:
        rows.sum().backward()
    assert forward.get_total_flops() == use.forward_flops
    assert forward.get_total_flops() + backward.get_total_flops() == use.train_flops


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=4), st.data())
def test_slices_are_shared_as_counting_rows_says(factors, data) -> None:
    padded = 1
    for factor in factors:
        padded *= factor
    rows = data.draw(st.integers(1, padded))
    shape = TTShape(rows, 1, tuple(factors), (1,) * len(factors), (1,) * (len(factors) + 1))
    digits = [shape.digits(row) for row in range(rows)]
    for core, factor in enumerate(factors):
        served = [sum(d[core] == digit for d in digits) for digit in range(factor)]
        before = [len({d[:core] for d in digits if d[core] == digit}) for digit in range(factor)]
        found = slice_use(shape, core)
        assert (found.core, found.slices) == (core + 1, factor)
        assert (found.least_rows, found.most_rows) == (min(served), max(served))
        assert found.most_prefixes == max(before)
        assert found.prefixes == len({d[: core + 1] for d in digits})
