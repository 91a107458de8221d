"""Models as people have them, with tensor trains in place of their embeddings."""

import pytest
import torch
from torch import nn

from ttrec_kernels import (
    LargeTables,
    PlanError,
    TableKind,
    TablePlan,
    TTEmbedding,
    TTEmbeddingBag,
    UnsupportedError,
    convert,
    smallest_shape,
)


def plan(name: str, rows: int, dim: int, rank: int = 8) -> TablePlan:
    return TablePlan(name, rows, dim, TableKind.TT, smallest_shape(rows, dim, rank))


class KeyedJagged:
    """What torchrec's KeyedJaggedTensor holds: values of all keys, and lengths (keys, batch) behind each other."""

    def __init__(self, keys: list[str], values: torch.Tensor, lengths: torch.Tensor) -> None:
        self.keys, self.values, self.lengths = keys, values, lengths

    def __getitem__(self, key: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Values of one key, and their offsets (batch + 1): what its `values()` and `offsets()` give."""
        lengths = self.lengths.view(len(self.keys), -1)
        place = self.keys.index(key)
        start = int(lengths[:place].sum())
        offsets = torch.cat((torch.zeros(1, dtype=torch.int64), lengths[place].cumsum(0)))
        return self.values[start : start + int(lengths[place].sum())], offsets


class BagCollection(nn.Module):
    """torchrec's EmbeddingBagCollection on one device: a ModuleDict of bags with offsets to their last end."""

    def __init__(self, tables: dict[str, tuple[int, int]]) -> None:
        super().__init__()
        self.embedding_bags = nn.ModuleDict(
            {name: nn.EmbeddingBag(*size, mode="sum", include_last_offset=True) for name, size in tables.items()}
        )

    def forward(self, features: KeyedJagged) -> torch.Tensor:
        pooled = []
        for name, bag in self.embedding_bags.items():
            values, offsets = features[name]
            pooled.append(bag(input=values, offsets=offsets, per_sample_weights=None).float())
        return torch.cat(pooled, dim=1)


class TwoTower(nn.Module):
    """Users and items as vectors; the score is their dot product."""

    def __init__(self) -> None:
        super().__init__()
        self.user = nn.Sequential(nn.Embedding(2000, 16), nn.Linear(16, 8))
        self.item = nn.Sequential(nn.EmbeddingBag(3000, 16, mode="mean", padding_idx=0), nn.Linear(16, 8))

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        return (self.user(users) * self.item(items)).sum(1)


class TinyTransformer(nn.Module):
    """Token and position embeddings, one layer, and a head that may share the token embedding's weight."""

    def __init__(self, tied: bool) -> None:
        super().__init__()
        self.tokens = nn.Embedding(5000, 32, padding_idx=0)
        self.positions = nn.Embedding(64, 32)
        self.layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(32, 5000, bias=False)
        if tied:
            self.head.weight = self.tokens.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        here = torch.arange(ids.shape[1])
        return self.head(self.layer(self.tokens(ids) + self.positions(here)))


def test_a_collection_of_bags_fed_by_a_keyed_jagged_tensor() -> None:
    torch.manual_seed(0)
    model = BagCollection({"user": (1000, 8), "item": (4000, 8), "hour": (24, 8)})
    features = KeyedJagged(
        ["user", "item", "hour"],
        torch.tensor([3, 999, 5, 3999, 0, 17, 23]),
        torch.tensor([1, 2, 0, 0, 1, 1, 1, 1, 0]),
    )
    before = model(features)
    report = convert(model, [plan("user", 1000, 8, 64), plan("embedding_bags.item", 4000, 8, 64)])
    assert isinstance(model.embedding_bags["user"], TTEmbeddingBag)
    assert isinstance(model.embedding_bags["hour"], nn.EmbeddingBag)
    assert model.embedding_bags["item"].include_last_offset
    after = model(features)
    assert after.shape == before.shape == (3, 24)
    bounds = [table.relative_error_bound for table in report.tables]
    assert bounds[2] is None
    assert (after - before).norm() <= 4 * max(bounds[:2]) * before.norm()
    after.sum().backward()
    assert all(core.grad.any() for core in model.embedding_bags["item"].cores)


def test_full_ranks_change_nothing_a_two_tower_model_says() -> None:
    torch.manual_seed(0)
    model = TwoTower()
    users, items = torch.tensor([1, 1999]), torch.tensor([[5, 0, 7], [2999, 0, 0]])
    before = model(users, items)
    report = convert(model, LargeTables(min_rows=1, tolerance=0.0))
    assert {table.shape for table in report.tables} == {None}  # exact trains are no smaller: left as they were
    full = smallest_shape(2000, 16, 4096)
    convert(
        model,
        [
            TablePlan("user.0", 2000, 16, TableKind.TT, full),
            TablePlan("item.0", 3000, 16, TableKind.TT, smallest_shape(3000, 16, 4096)),
        ],
    )
    assert isinstance(model.user[0], TTEmbedding)
    assert model.item[0].padding_idx == 0
    torch.testing.assert_close(model(users, items), before, rtol=1e-4, atol=1e-5)


def test_by_size_warm_started_within_a_tolerance_and_bytes_are_right() -> None:
    torch.manual_seed(0)
    model = TwoTower()
    for tower in (model.user, model.item):
        weight = tower[0].weight.data
        weight.copy_(weight[:, :1] * torch.randn(16) + 0.01 * torch.randn_like(weight))
    model.item[0].weight.requires_grad_(False)
    model.eval()
    count = sum(parameter.numel() for parameter in model.parameters())
    report = convert(model, LargeTables(min_rows=2500, tolerance=0.5))
    assert [table.name for table in report.tables] == ["user.0", "item.0"]
    left, taken = report.tables
    assert left.reason == "fewer than 2500 rows"
    assert taken.relative_error_bound <= 0.5 + 1e-5
    assert report.bytes_before == 5000 * 16 * 4
    saved = count - sum(parameter.numel() for parameter in model.parameters())
    assert report.bytes_before - report.bytes_after == 4 * saved > 0
    assert not any(core.requires_grad for core in model.item[0].cores)
    assert not model.item[0].training
    text = str(report)
    assert "user.0: 2,000 × 16, 128,000 bytes, left as it is: fewer than 2500 rows" in text
    assert f"{report.bytes_before:,} bytes before, {report.bytes_after:,} after" in text


def test_a_transformers_tokens() -> None:
    torch.manual_seed(0)
    model = TinyTransformer(tied=False)
    ids = torch.tensor([[5, 4999, 0, 7]])
    report = convert(model, LargeTables(min_rows=1000, rank=16), warm_start=False)
    assert isinstance(model.tokens, TTEmbedding)
    assert report.tables[0].relative_error_bound is None
    assert not model.tokens(torch.tensor([0])).any()
    assert model(ids).shape == (1, 4, 5000)
    rms = float(model.tokens.to_dense().detach().square().mean().sqrt())
    assert rms == pytest.approx(1.0, rel=0.1)  # that of nn.Embedding
    again = TinyTransformer(tied=False)
    convert(again, LargeTables(min_rows=1000, rank=16), warm_start=False)
    again.load_state_dict(model.state_dict())  # how a converted model is loaded: converted again, then filled
    assert torch.equal(again(ids), model(ids))


def test_tied_weights_are_refused_by_name_and_left_by_size() -> None:
    model = TinyTransformer(tied=True)
    with pytest.raises(UnsupportedError, match=r"tokens: its weight is shared with head\.weight"):
        convert(model, [plan("tokens", 5000, 32)])
    report = convert(model, LargeTables(min_rows=64, rank=2))
    assert "shared with head.weight" in report.tables[0].reason
    assert isinstance(model.tokens, nn.Embedding)
    assert report.tables[0].bytes_after == report.tables[0].bytes_before


def test_a_module_in_two_places_is_replaced_in_both() -> None:
    model = nn.ModuleDict({"a": nn.Embedding(500, 4)})
    model["b"] = model["a"]
    convert(model, [plan("a", 500, 4, 2)])
    assert isinstance(model["b"], TTEmbedding)
    assert model["a"] is model["b"]


def test_importance_reaches_the_table_it_names() -> None:
    torch.manual_seed(0)
    model, other = TwoTower(), TwoTower()
    other.load_state_dict(model.state_dict())
    counts = 1e6 / (1.0 + torch.arange(3000.0)) ** 2
    plans = [plan("item.0", 3000, 16, 4)]
    with_counts = convert(model, plans, importance={"item.0": counts}).tables[1]
    convert(other, plans)
    head = torch.arange(1, 6)
    before = TwoTower()
    torch.manual_seed(0)
    before = TwoTower().item[0].weight[head]
    near = (model.item[0].rows(head) - before).norm()
    far = (other.item[0].rows(head) - before).norm()
    assert near < 0.7 * far
    assert with_counts.weighted_error < with_counts.relative_error_bound


@pytest.mark.parametrize(
    ("plans", "error", "message"),
    [
        ([plan("nobody", 10, 4)], PlanError, "names none of user.0, item.0"),
        ([plan("0", 2000, 16)], PlanError, "names 2 modules, user.0, item.0"),
        ([plan("user.0", 1999, 16)], PlanError, "is 1999 × 16 in the plan, but the module user.0 is 2000 × 16"),
        ([plan("user.0", 2000, 16), plan("user.0", 2000, 16)], PlanError, "are the same module"),
    ],
)
def test_plans_that_do_not_fit_change_nothing(plans, error, message) -> None:
    model = TwoTower()
    with pytest.raises(error, match=message):
        convert(model, [plan("item.0", 3000, 16), *plans])
    assert type(model.item[0]) is nn.EmbeddingBag


def test_other_misuse_is_said() -> None:
    with pytest.raises(UnsupportedError, match=r"TTEmbedding\.from_dense"):
        convert(nn.Embedding(10, 4), LargeTables(5, rank=2))
    with pytest.raises(PlanError, match="rank or tolerance"):
        LargeTables(5)
    with pytest.raises(PlanError, match="needs the trained weights"):
        convert(TwoTower(), LargeTables(5, tolerance=0.1), warm_start=False)
    with pytest.raises(PlanError, match="importance is given for 'user'"):
        convert(TwoTower(), [plan("item.0", 3000, 16)], importance={"user": torch.ones(3)})


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (nn.EmbeddingBag(500, 4, mode="max"), "mode='max'"),
        (nn.EmbeddingBag(500, 4, max_norm=1.0), "max_norm"),
        (nn.Embedding(500, 4, scale_grad_by_freq=True), "scale_grad_by_freq"),
        (type("Mine", (nn.Embedding,), {})(500, 4), "is a Mine"),
    ],
)
def test_what_a_train_cannot_be_is_refused(module, why) -> None:
    model = nn.ModuleList([module])
    with pytest.raises(UnsupportedError, match=why):
        convert(model, [plan("0", 500, 4, 2)])
    assert why in convert(model, LargeTables(5, rank=2)).tables[0].reason
