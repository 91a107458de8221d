"""Padded bags as lists of indices, table after table, and their sums, against plain loops and torch's own bags."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ttrec_cli.dlrm.bags import Bags, read_bags
from ttrec_cli.dlrm.model import DLRM
from ttrec_kernels import EmbeddingTables, TableKind, TablePlan, smallest_shape

ROWS, DIM = 27, 4


def tables(count: int) -> EmbeddingTables:
    """Dense tables and tensor trains in turn."""
    shape = smallest_shape(ROWS, DIM, 2)
    plans = [
        TablePlan(f"C{number}", ROWS, DIM) if number % 2 else TablePlan(f"C{number}", ROWS, DIM, TableKind.TT, shape)
        for number in range(count)
    ]
    return EmbeddingTables(plans, sparse_gradients=False)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[list[list[int]]], tuple[int, ...]]:
    """Bags by table and row, and the widths of columns."""
    widths = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    rows = draw(st.integers(1, 5))
    ids = st.integers(0, ROWS - 1)
    bags = [
        [draw(st.lists(ids, min_size=1 if width == 0 else 0, max_size=max(1, width))) for _ in range(rows)]
        for width in widths
    ]
    return bags, widths


def padded(bags: list[list[list[int]]], widths: tuple[int, ...]) -> torch.Tensor:
    columns = [
        [bag + [-1] * (max(1, width) - len(bag)) for bag in table] for table, width in zip(bags, widths, strict=True)
    ]
    return torch.from_numpy(np.concatenate(columns, axis=1).astype(np.int32))


@settings(deadline=None, max_examples=80)
@given(batches())
def test_indices_lie_table_after_table(batch: tuple[list[list[list[int]]], tuple[int, ...]]) -> None:
    bags, widths = batch
    found = read_bags(padded(bags, widths), widths)
    flat = [bag for table in bags for bag in table]
    assert found.indices.tolist() == [index for bag in flat for index in bag]
    assert found.offsets.tolist() == np.cumsum([0, *map(len, flat)]).tolist()


@settings(deadline=None, max_examples=25)
@given(batches())
def test_sums_and_gradients_are_those_of_torchs_bags(batch: tuple[list[list[list[int]]], tuple[int, ...]]) -> None:
    bags, widths = batch
    given_bags = read_bags(padded(bags, widths), widths)
    embedding = tables(len(widths))
    ours = embedding(*given_bags)
    whole = embedding(torch.arange(ROWS)[:, None].expand(ROWS, len(widths)))
    theirs = torch.stack(
        [
            nn.functional.embedding_bag(
                torch.tensor([index for bag in table for index in bag], dtype=torch.int64),
                whole[:, number],
                torch.tensor(np.cumsum([0, *map(len, table)])[:-1], dtype=torch.int64),
                mode="sum",
            )
            for number, table in enumerate(bags)
        ],
        dim=1,
    )
    torch.testing.assert_close(ours, theirs)
    upstream = torch.rand_like(ours)
    parameters = list(embedding.parameters())
    for one, other in zip(
        torch.autograd.grad((ours * upstream).sum(), parameters),
        torch.autograd.grad((theirs * upstream).sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_bags_of_one_give_the_logits_of_plain_indices() -> None:
    indices = torch.randint(0, ROWS, (7, 3), generator=torch.Generator().manual_seed(2))
    model = DLRM(tables(3), tables=3, dim=DIM, bottom_widths=(8,), top_widths=(8,), seed=2)
    dense = torch.rand(7, 13)
    for widths in ((0, 0, 0), (1, 0, 1)):
        bags = read_bags(indices, widths)
        assert isinstance(bags, Bags)
        torch.testing.assert_close(model(dense, bags), model(dense, indices))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_the_type_of_indices_stays(dtype: torch.dtype) -> None:
    assert read_bags(torch.tensor([[3, -1]], dtype=dtype), (2,)).indices.dtype == dtype
