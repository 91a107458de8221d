"""The interaction, compiled and in plain operations, against pairs of vectors multiplied one by one in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ttrec_cli.dlrm.interaction import Interaction, interactions


def pair_by_pair(bottom: Tensor, looked_up: Tensor) -> Tensor:
    vectors = [bottom, *looked_up.unbind(1)]
    dots = [(vectors[i] * vectors[j]).sum(1) for i in range(len(vectors)) for j in range(i)]
    return torch.cat([bottom, torch.stack(dots, dim=1)], dim=1)


def check(batch: int, tables: int, dim: int, dtype: torch.dtype, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    bottom = torch.randn(batch, dim, generator=generator, dtype=dtype, requires_grad=True)
    looked_up = torch.randn(batch, tables, dim, generator=generator, dtype=dtype, requires_grad=True)
    out = Interaction(tables)(bottom, looked_up)
    wide = [each.detach().double().requires_grad_() for each in (bottom, looked_up)]
    expected = pair_by_pair(*wide)
    assert out.shape == (batch, dim + interactions(tables))
    above = torch.randn(out.shape, generator=generator, dtype=dtype)
    out.backward(above)
    expected.backward(above.double())
    pairs = (("products", out, expected), ("bottom", bottom.grad, wide[0].grad), ("rows", looked_up.grad, wide[1].grad))
    for name, found, wanted in pairs:
        torch.testing.assert_close(
            found.double(), wanted, rtol=1e-5, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )


@settings(deadline=None, max_examples=30)
@given(batch=st.integers(1, 9), tables=st.integers(1, 40), dim=st.integers(1, 40), seed=st.integers(0, 999))
def test_any_size_as_pair_by_pair(batch: int, tables: int, dim: int, seed: int) -> None:
    check(batch, tables, dim, torch.float32, seed)


@pytest.mark.parametrize(("tables", "dim"), [(26, 16), (26, 64), (1, 1), (15, 3), (16, 17)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_known_sizes_as_pair_by_pair(tables: int, dim: int, dtype: torch.dtype) -> None:
    check(7, tables, dim, dtype, tables)


def test_vectors_that_do_not_lie_side_by_side_and_an_empty_batch() -> None:
    bottom, looked_up = torch.randn(8, 5).T, torch.randn(4, 5, 8).transpose(0, 1)
    assert not bottom.is_contiguous()
    assert not looked_up.is_contiguous()
    out = Interaction(4)(bottom, looked_up)
    torch.testing.assert_close(out, pair_by_pair(bottom, looked_up), rtol=1e-5, atol=1e-5)
    assert Interaction(4)(torch.empty(0, 8), torch.empty(0, 4, 8)).shape == (0, 8 + 10)
