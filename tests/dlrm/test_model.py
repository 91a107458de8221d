"""The DLRM against a plain, loop-by-loop reading of its definition."""

import pytest
import torch
from torch import nn

from ttrec_cli.dlrm.interaction import interactions
from ttrec_cli.dlrm.model import DLRM, make_mlp


class Lookup(nn.Module):
    """One embedding table per column, stacked."""

    def __init__(self, tables: int, dim: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(11, dim) for _ in range(tables)])

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        return torch.stack([table(indices[:, k]) for k, table in enumerate(self.tables)], dim=1)


def test_forward_is_mlps_and_strict_lower_triangle() -> None:
    torch.manual_seed(5)
    embedding = Lookup(4, 8)
    model = DLRM(embedding, tables=4, dim=8, bottom_widths=(16,), top_widths=(12,), seed=3).double()
    dense, indices = torch.rand(6, 13, dtype=torch.float64), torch.randint(11, (6, 4))
    expected = []
    for sample in range(6):
        bottom = model.bottom_mlp(dense[sample])
        vectors = [bottom, *(table(indices[sample, k]) for k, table in enumerate(embedding.tables))]
        dots = [vectors[i] @ vectors[j] for i in range(5) for j in range(i)]
        expected.append(model.top_mlp(torch.cat((bottom, torch.stack(dots)))))
    torch.testing.assert_close(model(dense, indices), torch.cat(expected))


def test_kaggle_sizes_are_those_of_mlperf() -> None:
    model = DLRM(nn.Identity(), tables=26, dim=16, bottom_widths=(512, 256, 64), top_widths=(512, 256), seed=0)
    widths = [layer.in_features for layer in (*model.bottom_mlp, *model.top_mlp) if isinstance(layer, nn.Linear)]
    assert interactions(26) == 351
    assert widths == [13, 512, 256, 64, 367, 512, 256]
    assert isinstance(model.bottom_mlp[-1], nn.ReLU)
    assert isinstance(model.top_mlp[-1], nn.Linear)


def test_mlp_weights_have_the_stated_deviation_and_follow_the_seed() -> None:
    first, again, other = (
        make_mlp((600, 400), torch.Generator().manual_seed(seed), last_relu=False)[0] for seed in (7, 7, 8)
    )
    assert float(first.weight.detach().std()) == pytest.approx((2 / 1000) ** 0.5, rel=0.02)
    assert float(first.bias.detach().std()) == pytest.approx((1 / 400) ** 0.5, rel=0.15)
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)
